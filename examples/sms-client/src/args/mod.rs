//! The command line.

pub(crate) mod values;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, value_parser};
use sms_gateway::core::{
    Ports, TaskId, Timestamp, UserId,
    call::{Flag, InfoSet},
    text::Encoding,
};
pub(crate) use values::{Digits, To, Until, Verb};

const EXAMPLES: &str = r#"Exit status:
  0  done
  1  the output can't be written, or the store can't be used; pin: the
     certificate is not the pinned one
  2  wrong usage, or an input that exceeds a limit; nothing was sent
  3  the gateway refused; its code and the meaning are printed
  4  not reached, timed out, connection broken, certificate not trusted, login
     refused, redirect or HTTP error; doctor: it found a problem
  5  a malformed response; the offset of the error is printed
  6  send --wait: all messages have ended, and some failed
  7  send --wait: stopped waiting; some messages are open or were not sent

Records that were read before an error are printed. With --json each record is
an object on its own line, printed as it arrives, and the last line is the
summary. If that is missing, the response is incomplete. The fields have
the names of the gateway's API; a text of more than 64 KB is null. `send --wait`
and `watch` print an object for each event, with its kind in `event`.
`call` prints one object with the status, the headers and the body; `doctor`
prints one for each finding.

The password is taken from --password-file, from SMS_GATEWAY_PASSWORD, or asked
for on the terminal. --profile office takes all of this from the section
[office] of a file, ~/.config/sms-client/profiles.toml, with the options as keys:
  [office]
  gateway = "https://192.168.1.9"
  user = "admin"
  password-file = "office.password"
  pin = ["sha256:0e57…"]
  store = "office.redb"
The keys are gateway, user, password-file, pin, ca, allow-basic,
request-timeout, and store, for `send --wait` and `watch`.

Examples:
  export SMS_GATEWAY=http://192.168.1.9 SMS_GATEWAY_USER=admin
  sms-client send --text 'Hello!' --to +8613800138000
  sms-client --profile office send --text-file text.txt --to-file team.txt
  sms-client send --text 'Dear #param#, your code is #param#.' \
      --to '10086=Ann,4711' --to '10010=Bob\, Jr.,4712' --user-id 1 --dry-run
  sms-client send --wait --text 'Hello!' --to 10086 --to 10010 --timeout 10m
  sms-client watch --json
  sms-client results --user-id 1,2
  sms-client deliveries --after '2026-01-31 08:00:00'
  sms-client inbox --since 17 --json
  sms-client ussd send --port 2 '*125#'
  sms-client completions bash >> ~/.bash_completion
  sms-client ports --port 0-7 --info reg,signal
  sms-client call GET '/GetSTKView?port=2' --include
  sms-client doctor --report gateway.json
  sms-client pin https://192.168.1.9
  export SMS_GATEWAY=https://192.168.1.9 SMS_GATEWAY_PIN=sha256:0e57…
"#;

const DOCTOR: &str = "It examines reachability, TLS, login, verbs, clocks, filters, the inbox, ports, \
and departures from the vendor's document. It sends no message and no USSD code, stops nothing, \
and marks no message as read. It ends after 180 s at the latest, or after 18 times \
--request-timeout.";

/// Talks to a GSM/LTE SMS gateway: sends messages, follows them, reads the inbox.
#[derive(Debug, Parser)]
#[command(name = "sms-client", version, term_width = 80, after_help = EXAMPLES)]
#[command(subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Print records as JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The gateway, the login and the timeouts.
#[derive(Debug, Args)]
#[command(next_help_heading = "For all commands")]
pub(crate) struct Connection {
    /// The gateway's URL, http://HOST[:PORT] or https://HOST[:PORT]; by default from SMS_GATEWAY
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) gateway: Option<String>,
    /// The user name, if the gateway requires a login; by default from SMS_GATEWAY_USER
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Read the password from this file; by default from SMS_GATEWAY_PASSWORD
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Take the gateway, the login and the trusted certificates from this section of the profiles file instead of the environment
    #[arg(long, global = true, value_name = "NAME", env = "SMS_GATEWAY_PROFILE", hide_env = true)]
    pub(crate) profile: Option<String>,
    /// The profiles file; by default ~/.config/sms-client/profiles.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint, as printed by `sms-client pin`: sha256:HEX, or key-sha256:HEX for
    /// its public key. Several are separated by commas or repeated; by default from SMS_GATEWAY_PIN
    #[arg(long, global = true, value_name = "PIN")]
    #[arg(value_delimiter = ',')]
    pub(crate) pin: Vec<String>,
    /// Trust the certificates in this PEM file, and all certificates issued by them, instead of the system's authorities
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Allow Basic login, which exposes the password to the network
    #[arg(long, global = true)]
    pub(crate) allow_basic: bool,
    /// The timeout for connecting, for the start of a response, and for each next byte; by default 10s, 30s and 30s. A whole
    /// call may take 10 times this timeout, or 20s if that is longer; by default 300s
    #[arg(long, global = true, value_name = "TIME", value_parser = values::duration)]
    pub(crate) request_timeout: Option<Duration>,
    /// Show a line for each request and each response on standard error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a text to numbers, wait for its delivery, or show what would be sent
    Send(Send),
    /// Print incoming messages and updates of stored messages, until Ctrl-C
    Watch(Watch),
    /// Show the results of messages
    Results(Results),
    /// Show the status reports of messages
    Deliveries(Deliveries),
    /// Show the number of messages that wait to be sent
    Queue,
    /// Show incoming messages
    Inbox(Inbox),
    /// Send a USSD code, end a session, or show replies
    #[command(subcommand)]
    Ussd(Ussd),
    /// Stop a task: its waiting messages are not sent
    Stop {
        /// The task number that `send` printed
        #[arg(value_name = "TASK_ID", allow_negative_numbers = true, value_parser = values::task)]
        task: TaskId,
    },
    /// Show port and SIM status
    Ports(PortsOf),
    /// Make a call that this program does not know, and print the body of the response as it is
    Call(Call),
    /// Examine the gateway with queries only, and explain the findings
    Doctor(Doctor),
    /// Show the fingerprint of the certificate that the server at an https URL presents, to compare and to pin
    Pin {
        /// The URL; by default the URL of --gateway
        url: Option<String>,
    },
    /// Print a script that lets a shell complete commands and options
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

// Each is a separate flag.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The text; each #param# is replaced by a PARAM of the recipient
    #[arg(long, required_unless_present = "text_file")]
    pub(crate) text: Option<String>,
    /// Read the text from this file, or from standard input if it is `-`; a final line feed is not sent
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) text_file: Option<String>,
    /// A recipient and its values for each #param#, in order. In a PARAM, `\,` is a comma and `\\` a backslash. Repeat this
    /// option for more recipients. A number may have separators: '+1 (555) 010-9999'
    #[arg(long, required_unless_present = "to_file", value_name = "NUMBER[=PARAM,…]")]
    pub(crate) to: Vec<To>,
    /// Read recipients from this file, or from standard input if it is `-`: one per line, as in --to; lines that begin with #
    /// are skipped
    #[arg(long, value_name = "FILE")]
    pub(crate) to_file: Vec<String>,
    /// Send an empty text without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// The ports to send through, for example 1,2 or 8-15; by default the gateway chooses
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// The encoding of the text; auto chooses gsm-7bit for each recipient whose text it can encode, otherwise unicode
    #[arg(long, default_value = "auto", value_parser = values::encoding())]
    pub(crate) encoding: Encoding,
    /// user_id of the first recipient; the others get consecutive ids
    #[arg(long, value_name = "N", value_parser = values::user_id)]
    pub(crate) user_id: Option<UserId>,
    /// Send nothing, but show each recipient's text, encoding, segments and units (septets or UTF-16 units), and the first character
    /// that makes it Unicode
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait until each message is delivered, then show the outcomes. With `sent`, wait only until the network has accepted
    /// each message, and request no status reports
    #[arg(long, value_name = "UNTIL", num_args = 0..=1, default_missing_value = "delivered")]
    #[arg(value_parser = values::until(), conflicts_with_all = ["dry_run", "user_id"])]
    pub(crate) wait: Option<Until>,
    /// The maximum wait, for example 90s, 5m or 2h; the gateway still sends the messages that it has accepted
    #[arg(long, help_heading = "With --wait", value_name = "TIME", value_parser = values::duration, default_value = "5m", requires = "wait")]
    pub(crate) timeout: Duration,
    /// Keep the messages in this file until their outcomes have been shown; after an interruption, `watch` resumes them
    #[arg(long, help_heading = "With --wait", value_name = "FILE", requires = "wait")]
    pub(crate) store: Option<PathBuf>,
    /// The polling interval; a real gateway needs at least 4s. By default 6s
    #[arg(long, help_heading = "With --wait", value_name = "TIME", value_parser = values::duration, requires = "wait")]
    pub(crate) interval: Option<Duration>,
    /// Save bytes on a mobile link: poll every 60s, and submit several messages together. Outcomes are shown later
    #[arg(long, help_heading = "With --wait", requires = "wait", conflicts_with = "interval")]
    pub(crate) metered: bool,
    /// Assume that nothing else sends through the gateway, so that more status reports can be matched
    #[arg(long, help_heading = "With --wait", requires = "wait")]
    pub(crate) exclusive: bool,
    /// A label of your choice, which `watch` and --json show with each message
    #[arg(long, help_heading = "With --wait", value_name = "TEXT", requires = "wait")]
    pub(crate) reference: Option<String>,
    /// Send a message again if the response to its request was lost and the gateway does not know the message; it may then arrive twice
    #[arg(long, help_heading = "With --wait", requires = "wait")]
    pub(crate) resend: bool,
    /// The maximum time for which a message may wait to be submitted (9s to 72h); after that time, the message expires and
    /// is not sent. By default 72h
    #[arg(long, help_heading = "With --wait", value_name = "TIME", value_parser = values::validity, requires = "wait")]
    pub(crate) valid_for: Option<Duration>,
    /// With --store, submit these messages before all messages that wait in the store and are not urgent
    #[arg(long, help_heading = "With --wait", requires = "wait")]
    pub(crate) urgent: bool,
    /// With --store, a key of your choice. If you repeat the command with the same key, it shows the outcomes of the first run,
    /// and sends nothing again to the same recipients. The store keeps a key at least until the outcomes have been shown, and
    /// for 2h more if anything was sent
    #[arg(long, help_heading = "With --wait", value_name = "KEY", requires = "wait", value_parser = values::key)]
    pub(crate) key: Option<String>,
    /// The options that select the profile, followed by a space. Commands that are shown to the user contain them.
    #[arg(skip)]
    pub(crate) options: String,
}

impl Send {
    /// Returns the text, from the command line or from its file.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Resume the messages that `send --wait` keeps in this file, send those not sent yet, and remember which incoming messages
    /// were shown. Without --store, all messages in the gateway's inbox are shown first
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// The polling interval for results; a real gateway needs at least 4s. By default 6s, and 10s for incoming messages
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) interval: Option<Duration>,
    /// Save bytes on a mobile link: poll results every 60s, and incoming messages every 5m
    #[arg(long, conflicts_with = "interval")]
    pub(crate) metered: bool,
    /// Assume that nothing else sends through the gateway, so that more status reports can be matched
    #[arg(long)]
    pub(crate) exclusive: bool,
}

/// The filters of `results` and `deliveries`.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only these numbers, at most 32; separated by commas or repeated. A status report may spell a number differently
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pub(crate) number: Vec<Digits>,
    /// Only these ports, for example 1,2 or 8-15
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// Only after this time of the gateway's clock: 'YYYY-MM-DD HH:MM:SS', or just the day
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) after: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) before: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct Results {
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Only messages with these user_ids; separated by commas or repeated
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = values::user_id)]
    pub(crate) user_id: Vec<UserId>,
}

#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    #[command(flatten)]
    pub(crate) filter: Filter,
}

#[derive(Debug, Args)]
pub(crate) struct Inbox {
    /// Only messages with an id above this one
    #[arg(long, value_name = "ID", allow_negative_numbers = true, value_parser = value_parser!(i64).range(0..))]
    pub(crate) since: Option<i64>,
    /// Only messages to these ports, for example 1,2 or 8-15. Not with --flag unread: the gateway would also mark the messages
    /// of other ports as read
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// The messages to show; with unread, the gateway marks them as read when it responds, so a lost response loses them
    #[arg(long, default_value = "all", value_parser = values::flag())]
    pub(crate) flag: Flag,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ussd {
    /// Send a code, such as '*125#', and wait for the replies
    Send {
        #[command(flatten)]
        on: OnPorts,
        /// The code, or a reply to a menu
        text: String,
        /// The maximum wait for replies
        #[arg(long, alias = "wait", value_name = "TIME", default_value = "30s", value_parser = values::duration)]
        timeout: Duration,
    },
    /// End the session
    Cancel {
        #[command(flatten)]
        on: OnPorts,
        /// A text to end the session with
        #[arg(default_value = "", hide_default_value = true)]
        text: String,
    },
    /// Show the last replies
    Replies {
        #[command(flatten)]
        on: OnPorts,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OnPorts {
    /// The ports, for example 1,2 or 8-15
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Ports,
}

#[derive(Debug, Args)]
pub(crate) struct PortsOf {
    /// Only these ports, for example 1,2 or 8-15
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// The information to show: type, imei, imsi, iccid, smsc, number, reg, or `all` of these; with later firmware also slot,
    /// callstate, signal, gprs. If the gateway refuses smsc, the query is repeated without smsc
    #[arg(long, value_name = "INFO,…", default_value = "type,reg,number,imei,imsi", value_parser = values::infos)]
    pub(crate) info: InfoSet,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// GET or POST
    #[arg(value_name = "VERB", value_parser = values::verb())]
    pub(crate) verb: Verb,
    /// The path with its query, percent-encoded: /api/get_port_info?info_type=type
    pub(crate) path: String,
    /// The body of a POST, sent as JSON: TEXT, @FILE, or - for the standard input
    #[arg(long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
    /// Print the status and the headers before the body
    #[arg(long)]
    pub(crate) include: bool,
}

#[derive(Debug, Args)]
#[command(after_help = DOCTOR)]
pub(crate) struct Doctor {
    /// Write the findings and all exchanges to this new file, which you can attach to a problem report. Phone numbers, texts,
    /// identities of SIM cards and devices, and credentials are replaced. `gateway-emulator --replay FILE` responds like the
    /// gateway
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
