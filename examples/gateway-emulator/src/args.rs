//! The command line.

use std::{
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;
use gateway_emulator::{
    Auth, CertificateKind, Counted, Emulator, Https, LockedOut, NonceCount, NonceLife, Options, Plan, Quirks,
    Refusals, Reg, Replay, Stale, TlsVersions,
};

/// The environment variable that holds the password. Other users could see an argument.
const PASSWORD: &str = "GATEWAY_EMULATOR_PASSWORD";

/// Emulates an SMS gateway over HTTP or HTTPS. Prints its URL, and with HTTPS the fingerprints of its certificate. Until it is
/// interrupted or terminated, it prints a line for each request, with the number of the connection in brackets. At the end it prints a
/// line for each accepted message and for each message in the inbox. The last line has the counts of challenges and expired nonces.
#[derive(Debug, Parser)]
#[command(version, after_help = after_help())]
pub(crate) struct Args {
    /// The address to listen on; port 0 lets the system choose a port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve HTTPS, with a certificate that is generated at the start
    #[arg(long)]
    https: bool,
    /// The kind of certificate: ordinary, or a list of names, see below
    #[arg(long, value_name = "LIST", default_value = "ordinary", requires = "https")]
    certificate: CertificateKind,
    /// The versions of TLS
    #[arg(long, value_enum, default_value_t = TlsVersions::Both, requires = "https")]
    tls: TlsVersions,
    /// The user name; the password comes from the environment, see below
    #[arg(long, default_value = "admin")]
    user: String,
    /// The kind of login
    #[arg(long, value_enum, default_value_t = Auth::Digest)]
    auth: Auth,
    /// The lifetime of a nonce: forever, one-request, or a duration such as 1s or 500ms
    #[arg(long, value_name = "LIFE", default_value = "forever")]
    nonce: NonceLife,
    /// The `stale` parameter of challenges
    #[arg(long, value_enum, default_value_t = Stale::Truthful)]
    stale: Stale,
    /// The rule for the nonce count
    #[arg(long, value_enum, default_value_t = NonceCount::Growing)]
    nonce_count: NonceCount,
    /// Lock out an address after this number of refusals in a row
    #[arg(long, value_name = "REFUSALS")]
    lock_out_after: Option<u32>,
    /// The duration of a lock-out
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    lock_out_for: u64,
    /// The reaction to requests of a client that is locked out
    #[arg(long, value_enum, default_value_t = LockedOut::Forbidden)]
    locked_out: LockedOut,
    /// The refusals that count towards a lock-out
    #[arg(long, value_enum, default_value_t = Counted::WrongLogin)]
    counted: Counted,
    /// The number of ports
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=32))]
    ports: u8,
    /// The number of the set of SIM cards; gateways with different numbers have cards with different ICCIDs
    #[arg(long, value_name = "N", default_value_t = 0)]
    sims: u32,
    /// The speed of the gateway and its clock; 2 is twice as fast as a real gateway
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Departures from the vendor's document: none, observed, printed, or a list of names, see below
    #[arg(long, value_name = "LIST", default_value = "none")]
    quirks: Quirks,
    /// The seed of the pseudo-random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The maximum size of the records in a response to `query_incoming_sms`; a single larger record is still sent
    #[arg(long, value_name = "BYTES", default_value_t = 8192)]
    answer_limit: usize,
    /// The fate of messages to a number, see below; can be repeated
    #[arg(long, value_name = "NUMBER=FATE", value_parser = fate)]
    fate: Vec<(String, Plan)>,
    /// The fate of messages to all other numbers
    #[arg(long, value_name = "FATE", default_value = "deliver")]
    default_fate: Plan,
    /// Choose the fates of messages to all other numbers at random
    #[arg(long)]
    random_fates: bool,
    /// The percentage of requests whose connection closes at random. The moments take turns: before the call is carried out, before
    /// the response, during the response, and after the response
    #[arg(long, value_name = "PER_CENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=100))]
    closing: u8,
    /// The number of messages sent and delivered before the start, for long responses
    #[arg(long, value_name = "N", default_value_t = 0)]
    sent: u32,
    /// The number of messages received before the start, each of at least 300 bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    received: u32,
    /// An SMS in the inbox; can be repeated
    #[arg(long, value_name = "PORT:NUMBER:TEXT", value_parser = incoming)]
    incoming: Vec<(u8, String, String)>,
    /// The reply to a USSD code, on every port or only on PORT; can be repeated
    #[arg(long, value_name = "[PORT:]CODE=REPLY", value_parser = ussd)]
    ussd: Vec<(Option<u8>, String, String)>,
    /// The registration state of a port, for example 2=no-sim; can be repeated
    #[arg(long, value_name = "PORT=STATE", value_parser = reg)]
    reg: Vec<(u8, Reg)>,
    /// Respond to `sms-client doctor` like the gateway in this report, which `sms-client doctor --report` has written. Other
    /// requests get status 404. The report does not cover TLS: add the --https, --certificate and --tls that match the gateway
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

fn after_help() -> String {
    format!(
        "The password is taken from {PASSWORD}; without it, it is admin.\n\n\
         Fates: {}.\n\
         Each can be followed by changes to its reports, with a plus sign: {}.\n\
         For example --fate 10086=deliver+late:60+doubled\n\n\
         Quirks, separated by commas: {}; observed stands for those of real devices together, printed for the misprints of the \
         vendor's document. {}\n\n\
         Kinds of certificates, separated by commas: {}. Without another key it is rsa-2048. RSA keys are the same at each start.\n\
         For example --https --certificate v1,rsa-1024,sha1",
        Plan::FATES,
        Plan::REPORTS,
        Quirks::names().join(", "),
        Refusals::HELP,
        CertificateKind::NAMES.join(", ")
    )
}

impl Args {
    /// Returns the setup of the gateway.
    ///
    /// # Errors
    /// If the password is not UTF-8, or if the report for `--replay` cannot be read.
    pub(crate) fn options(&self) -> io::Result<Options> {
        let password = match env::var(PASSWORD) {
            Err(env::VarError::NotPresent) => "admin".to_owned(),
            password => password.map_err(|_| io::Error::other(format!("{PASSWORD} is not UTF-8")))?,
        };
        Ok(Options {
            listen: self.listen,
            https: self.https.then(|| Https { certificate: self.certificate.clone(), versions: self.tls }),
            user: self.user.clone(),
            password,
            auth: self.auth,
            nonce: self.nonce,
            stale: self.stale,
            nonce_count: self.nonce_count,
            lock_out_after: self.lock_out_after,
            lock_out_for: Duration::from_secs(self.lock_out_for),
            locked_out: self.locked_out,
            counted: self.counted,
            ports: self.ports,
            sims: self.sims,
            speed: self.speed,
            quirks: self.quirks.clone(),
            seed: self.seed,
            answer_limit: self.answer_limit,
            default_fate: self.default_fate.clone(),
            random_fates: self.random_fates,
            closing: self.closing,
            sent: self.sent,
            received: self.received,
            start_time: None,
            replay: self.replay.as_deref().map(read_report).transpose()?,
        })
    }

    /// Applies the fates, replies, registrations and messages of the command line.
    pub(crate) fn script(&self, gateway: &Emulator) {
        for (number, plan) in &self.fate {
            gateway.set_fate(number, plan.clone());
        }
        for (port, code, reply) in &self.ussd {
            gateway.set_ussd(*port, code, reply);
        }
        for (port, reg) in &self.reg {
            gateway.set_reg(*port, *reg);
        }
        for (port, number, text) in &self.incoming {
            gateway.receive_sms(*port, number, text);
        }
    }
}

/// Reads a report.
fn read_report(path: &Path) -> io::Result<Replay> {
    let named = |error: String| io::Error::other(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    Replay::read(&text).map_err(named)
}

fn fate(text: &str) -> Result<(String, Plan), String> {
    let (number, plan) = text.split_once('=').ok_or("there is no `=` after the number")?;
    Ok((number.to_owned(), plan.parse()?))
}

fn incoming(text: &str) -> Result<(u8, String, String), String> {
    let mut parts = text.splitn(3, ':');
    let port = port(parts.next().unwrap_or_default())?;
    let (number, text) = parts.next().zip(parts.next()).ok_or("not PORT:NUMBER:TEXT")?;
    Ok((port, number.to_owned(), text.to_owned()))
}

fn ussd(text: &str) -> Result<(Option<u8>, String, String), String> {
    let (code, reply) = text.split_once('=').ok_or("there is no `=` after the code")?;
    let (on, code) = match code.split_once(':') {
        Some((on, code)) => (Some(port(on)?), code),
        None => (None, code),
    };
    Ok((on, code.to_owned(), reply.to_owned()))
}

fn reg(text: &str) -> Result<(u8, Reg), String> {
    let (on, state) = text.split_once('=').ok_or("there is no `=` after the port")?;
    Ok((port(on)?, clap::ValueEnum::from_str(state, true)?))
}

fn port(digits: &str) -> Result<u8, String> {
    digits
        .parse()
        .ok()
        .filter(|port| *port < 32)
        .ok_or_else(|| format!("`{digits}` is not a port from 0 to 31"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn scripts_are_read() {
        assert_eq!(incoming("2:10086:a:b"), Ok((2, "10086".into(), "a:b".into())));
        assert_eq!(ussd("*125#=a=b"), Ok((None, "*125#".into(), "a=b".into())));
        assert_eq!(ussd("3:*125#=x"), Ok((Some(3), "*125#".into(), "x".into())));
        assert_eq!(reg("31=NO-SIM"), Ok((31, Reg::NoSim)));
        assert!(incoming("32:1:x").is_err() && incoming("1:2").is_err() && reg("1=asleep").is_err());
        assert!(fate("10086").is_err() && fate("10086=maybe").is_err());
    }
}
