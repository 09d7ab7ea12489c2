//! The command line.

use std::{env, io, net::SocketAddr, time::Duration};

use clap::Parser;
use gateway_emulator::{
    Auth, Counted, Emulator, LockedOut, NonceCount, NonceLife, Options, Plan, Quirks, Reg, Stale,
};

/// The variable that holds the password: a command line can be seen by others.
const PASSWORD: &str = "GATEWAY_EMULATOR_PASSWORD";

/// Plays an SMS gateway over HTTP. Prints its URL, then a line for each request, until it is interrupted or terminated, and then a line
/// for each message it has accepted, one for each in its inbox, and one with the counts of challenges and expired nonces.
#[derive(Debug, Parser)]
#[command(version, after_help = after_help())]
pub(crate) struct Args {
    /// The address to listen on; port 0 lets the system choose one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The user's name; the password is in the environment, see below
    #[arg(long, default_value = "admin")]
    user: String,
    /// How clients log in
    #[arg(long, value_enum, default_value_t = Auth::Digest)]
    auth: Auth,
    /// How long a nonce is accepted: forever, one-request, or a duration (1s, 500ms)
    #[arg(long, value_name = "LIFE", default_value = "forever")]
    nonce: NonceLife,
    /// What a challenge says about why it came
    #[arg(long, value_enum, default_value_t = Stale::Truthful)]
    stale: Stale,
    /// What is asked of the nonce count
    #[arg(long, value_enum, default_value_t = NonceCount::Growing)]
    nonce_count: NonceCount,
    /// Lock an address out after so many refusals in a row
    #[arg(long, value_name = "REFUSALS")]
    lock_out_after: Option<u32>,
    /// For how long it is locked out
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    lock_out_for: u64,
    /// What a locked-out client gets
    #[arg(long, value_enum, default_value_t = LockedOut::Forbidden)]
    locked_out: LockedOut,
    /// Which refusals count towards a lock-out
    #[arg(long, value_enum, default_value_t = Counted::WrongLogin)]
    counted: Counted,
    /// How many ports the gateway has
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=32))]
    ports: u8,
    /// How many times faster than the world outside the gateway lives, its clock included
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Its departures from the vendor's document: none, observed, printed, or names, see below
    #[arg(long, value_name = "LIST", default_value = "none")]
    quirks: Quirks,
    /// What chance starts from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// At how many bytes the answer to `query_incoming_sms` is cut, between records
    #[arg(long, value_name = "BYTES", default_value_t = 8192)]
    answer_limit: usize,
    /// What becomes of messages to a number, see below; can be given several times
    #[arg(long, value_name = "NUMBER=FATE", value_parser = fate)]
    fate: Vec<(String, Plan)>,
    /// What becomes of messages to other numbers
    #[arg(long, value_name = "FATE", default_value = "deliver")]
    default_fate: Plan,
    /// Let chance decide what becomes of messages to other numbers
    #[arg(long)]
    random_fates: bool,
    /// Of how many requests in a hundred chance closes the connection: before all, before the answer, amid it and after it
    /// in turn
    #[arg(long, value_name = "PER_CENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=100))]
    closing: u8,
    /// How many messages were sent, and delivered, before: for long answers
    #[arg(long, value_name = "N", default_value_t = 0)]
    sent: u32,
    /// How many messages, of 300 bytes and more, have come in before
    #[arg(long, value_name = "N", default_value_t = 0)]
    received: u32,
    /// An SMS that has come in; can be given several times
    #[arg(long, value_name = "PORT:NUMBER:TEXT", value_parser = incoming)]
    incoming: Vec<(u8, String, String)>,
    /// What a USSD code is answered with, on every port or on one; can be given several times
    #[arg(long, value_name = "[PORT:]CODE=REPLY", value_parser = ussd)]
    ussd: Vec<(Option<u8>, String, String)>,
    /// A port's registration (2=no-sim); can be given several times
    #[arg(long, value_name = "PORT=STATE", value_parser = reg)]
    reg: Vec<(u8, Reg)>,
}

fn after_help() -> String {
    format!(
        "The password is taken from {PASSWORD}; without it, it is admin.\n\n\
         Fates: {}.\n\
         For the reports behind them, each with a plus sign: {}.\n\
         For example --fate 10086=deliver+late:60+doubled\n\n\
         Quirks, separated by commas: {}; observed stands for those of real devices together, printed for the misprints of the \
         vendor's document",
        Plan::FATES,
        Plan::REPORTS,
        Quirks::names().join(", ")
    )
}

impl Args {
    /// How the gateway is set up.
    ///
    /// # Errors
    /// When the password is not UTF-8.
    pub(crate) fn options(&self) -> io::Result<Options> {
        let password = match env::var(PASSWORD) {
            Err(env::VarError::NotPresent) => "admin".to_owned(),
            password => password.map_err(|_| io::Error::other(format!("{PASSWORD} is not UTF-8")))?,
        };
        Ok(Options {
            listen: self.listen,
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
        })
    }

    /// What is decided beforehand.
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

fn fate(text: &str) -> Result<(String, Plan), String> {
    let (number, plan) = text.split_once('=').ok_or("no `=` behind the number")?;
    Ok((number.to_owned(), plan.parse()?))
}

fn incoming(text: &str) -> Result<(u8, String, String), String> {
    let mut parts = text.splitn(3, ':');
    let port = port(parts.next().unwrap_or_default())?;
    let (number, text) = parts.next().zip(parts.next()).ok_or("not PORT:NUMBER:TEXT")?;
    Ok((port, number.to_owned(), text.to_owned()))
}

fn ussd(text: &str) -> Result<(Option<u8>, String, String), String> {
    let (code, reply) = text.split_once('=').ok_or("no `=` behind the code")?;
    let (on, code) = match code.split_once(':') {
        Some((on, code)) => (Some(port(on)?), code),
        None => (None, code),
    };
    Ok((on, code.to_owned(), reply.to_owned()))
}

fn reg(text: &str) -> Result<(u8, Reg), String> {
    let (on, state) = text.split_once('=').ok_or("no `=` behind the port")?;
    Ok((port(on)?, clap::ValueEnum::from_str(state, true)?))
}

fn port(digits: &str) -> Result<u8, String> {
    digits.parse().ok().filter(|port| *port < 32).ok_or_else(|| format!("`{digits}` is no port from 0 to 31"))
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
