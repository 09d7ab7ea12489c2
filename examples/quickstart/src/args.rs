//! The command line.

use clap::Parser;
use sms_gateway::core::Ports;

/// The variable that holds the password: a command line can be seen by others.
pub(crate) const PASSWORD: &str = "SMS_GATEWAY_PASSWORD";

const AFTER: &str = "With --gateway, a short message goes to each --to, and nothing else is sent but a --ussd code. \
    The password is taken from SMS_GATEWAY_PASSWORD.";

/// Sends messages and follows them to their recipients, reads an answer and asks for the balance, in some seconds: on a
/// gateway that is played here, or on your own.
#[derive(Debug, Parser)]
#[command(version, term_width = 80, after_help = AFTER)]
pub(crate) struct Args {
    /// Your gateway's URL, as http://192.168.1.9
    #[arg(long, value_name = "URL", requires = "to")]
    pub(crate) gateway: Option<String>,
    /// The user's name
    #[arg(long, value_name = "NAME", env = "SMS_GATEWAY_USER", hide_env_values = true)]
    pub(crate) user: Option<String>,
    /// Answer a Basic login too, which shows the password to the network
    #[arg(long, requires = "gateway")]
    pub(crate) allow_basic: bool,
    /// Who gets a message; repeat it for more
    #[arg(long, value_name = "NUMBER", requires = "gateway")]
    pub(crate) to: Vec<String>,
    /// A USSD code to send, such as '*100#'; needs --port
    #[arg(long, value_name = "CODE", requires = "gateway", requires = "port")]
    pub(crate) ussd: Option<String>,
    /// The ports to use (1,2 or 8-15)
    #[arg(long, value_name = "PORTS", requires = "gateway")]
    pub(crate) port: Option<Ports>,
    /// How many times as fast as a real one the gateway lives; by default 5 if it is played, else 1
    #[arg(long, value_name = "X", value_parser = speed)]
    pub(crate) speed: Option<f64>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.01..=1000.0).contains(speed));
    speed.ok_or_else(|| "not a number from 0.01 to 1000".to_owned())
}
