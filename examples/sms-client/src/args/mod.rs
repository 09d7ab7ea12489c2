//! The command line.

mod values;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use sms_gateway::core::{
    Ports, TaskId, Timestamp, UserId,
    call::{Flag, Infos},
    text::Encoding,
};
pub(crate) use values::{Digits, To};

const EXAMPLES: &str = r"Exit status:
  0  done
  1  the output can't be written
  2  wrong usage, or an input that breaks a limit; nothing was sent
  3  the gateway refused: its code, and what it means, are told
  4  not reached, timed out, connection broken, login refused, redirect or
     HTTP error
  5  an answer that can't be read: the offset is told

Records that were read before an error are printed. With --json each record is
an object on a line of its own, printed as it arrives, and the last line is the
summary; where that is missing, the answer is not complete. The fields have
the names of the gateway's API; a text of more than 64 KB is null.

The password is taken from SMS_GATEWAY_PASSWORD, or asked for on the terminal.

Examples:
  export SMS_GATEWAY=http://192.168.1.9 SMS_GATEWAY_USER=admin
  sms-client send --text 'Hello!' --to +8613800138000
  sms-client send --text 'Dear #param#, your code is #param#.' \
      --to '10086=Ann,4711' --to '10010=Bob\, Jr.,4712' --user-id 1 --dry-run
  sms-client results --user-id 1,2
  sms-client deliveries --after '2026-01-31 08:00:00'
  sms-client inbox --since 17 --json
  sms-client ussd send --port 2 '*125#'
  sms-client ports --port 0-7 --info reg,signal
";

/// Talks to a GSM/LTE SMS gateway: sends messages, follows them, reads the inbox.
#[derive(Debug, Parser)]
#[command(name = "sms-client", version, term_width = 80, after_help = EXAMPLES)]
#[command(subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Print records as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the gateway is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "For all commands")]
pub(crate) struct Connection {
    /// The gateway's URL, http://HOST[:PORT]
    #[arg(long, global = true, value_name = "URL", env = "SMS_GATEWAY", hide_env_values = true)]
    pub(crate) gateway: Option<String>,
    /// The user's name, if the gateway wants a login
    #[arg(long, global = true, value_name = "NAME", env = "SMS_GATEWAY_USER", hide_env_values = true)]
    pub(crate) user: Option<String>,
    /// Answer a Basic login too, which shows the password to the network
    #[arg(long, global = true)]
    pub(crate) allow_basic: bool,
    /// The longest wait for the connection, an answer's beginning, or its next byte; by default 10, 30 and 30
    #[arg(long, global = true, value_name = "SECONDS", value_parser = values::seconds)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a text to numbers, or show what would be sent
    Send(Send),
    /// Show what became of messages
    Results(Results),
    /// Show the status reports of messages
    Deliveries(Deliveries),
    /// Show how many messages wait to be sent
    Queue,
    /// Show messages that came in
    Inbox(Inbox),
    /// Send a USSD code, end a session, or show replies
    #[command(subcommand)]
    Ussd(Ussd),
    /// Stop a task: what of it waits is not sent
    Stop {
        /// The number that `send` printed
        #[arg(value_name = "TASK_ID", allow_negative_numbers = true, value_parser = values::task)]
        task: TaskId,
    },
    /// Show what the ports are and hold
    Ports(PortsOf),
}

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The text; each #param# in it stands for a PARAM of the recipient
    #[arg(long)]
    pub(crate) text: String,
    /// A recipient and what stands for each #param#, in order; in a PARAM `\,` is a comma and `\\` a backslash; repeat
    /// it for more recipients, of whom there may be any number
    #[arg(long, required = true, value_name = "NUMBER[=PARAM,…]")]
    pub(crate) to: Vec<To>,
    /// The ports to send through (1,2 or 8-15); by default the gateway chooses
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// How the text is encoded; auto: gsm-7bit for each recipient whose text it can write, else unicode
    #[arg(long, default_value = "auto", value_parser = values::encoding())]
    pub(crate) encoding: Encoding,
    /// A number to find the result by: the first recipient's, the others' count up
    #[arg(long, value_name = "N", value_parser = values::user_id)]
    pub(crate) user_id: Option<UserId>,
    /// Send nothing, but show each recipient's text, encoding, segments and units (septets or UTF-16 units)
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What narrows `results` and `deliveries`.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only these numbers, at most 32; separated by commas or repeated. A status report may spell a number otherwise than
    /// it was sent to
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pub(crate) number: Vec<Digits>,
    /// Only these ports (1,2 or 8-15)
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// Only after this time of the gateway's clock: 'YYYY-MM-DD HH:MM:SS', or only the day
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
    /// Only messages sent with these; separated by commas or repeated
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
    /// Only messages that came in after the one with this id
    #[arg(long, value_name = "ID")]
    pub(crate) since: Option<i64>,
    /// Which messages; unread: the gateway marks them as read while it answers, so that what is lost on the way is lost
    #[arg(long, default_value = "all", value_parser = values::flag())]
    pub(crate) flag: Flag,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ussd {
    /// Send a code, such as '*125#', and wait for the replies
    Send {
        #[command(flatten)]
        on: OnPorts,
        /// The code, or an answer to a menu
        text: String,
        /// How long replies are waited for
        #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
        wait: Duration,
    },
    /// End the session
    Cancel {
        #[command(flatten)]
        on: OnPorts,
        /// A text to end it with
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
    /// The ports (1,2 or 8-15)
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Ports,
}

#[derive(Debug, Args)]
pub(crate) struct PortsOf {
    /// Only these ports (1,2 or 8-15)
    #[arg(long, value_name = "PORTS", value_parser = values::ports)]
    pub(crate) port: Option<Ports>,
    /// What to show: all (of the list up to reg), or from type, imei, imsi, iccid, smsc, number, reg; of later firmware
    /// slot, callstate, signal, gprs
    #[arg(long, value_name = "INFO,…", default_value = "type,reg,number,imei,imsi", value_parser = values::infos)]
    pub(crate) info: Infos,
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
