//! The command line.

use clap::Parser;
use sms_gateway::{core::Ports, tls::Pin};

/// The environment variable with the password. An argument would be visible to other users.
pub(crate) const PASSWORD: &str = "SMS_GATEWAY_PASSWORD";

const AFTER: &str = "With --gateway, a short message goes to each --to, and nothing else is sent but a --ussd code. \
    The password is taken from SMS_GATEWAY_PASSWORD.";

/// Sends messages, follows them to their recipients, reads a reply and queries the balance, in a few seconds. It uses an emulated
/// gateway, or your own.
#[derive(Debug, Parser)]
#[command(version, term_width = 80, after_help = AFTER)]
pub(crate) struct Args {
    /// Your gateway's URL, such as http://192.168.1.9 or https://192.168.1.9
    #[arg(long, value_name = "URL", requires = "to")]
    pub(crate) gateway: Option<String>,
    /// The user name
    #[arg(long, value_name = "NAME", env = "SMS_GATEWAY_USER", hide_env_values = true)]
    pub(crate) user: Option<String>,
    /// The SHA-256 fingerprint of the gateway's certificate, for https: sha256:HEX, as printed by `sms-client pin`
    #[arg(long, value_name = "PIN", env = "SMS_GATEWAY_PIN", hide_env_values = true)]
    pub(crate) pin: Option<Pin>,
    /// Allow Basic login, which exposes the password to the network
    #[arg(long, requires = "gateway")]
    pub(crate) allow_basic: bool,
    /// A recipient; repeat this option for more recipients
    #[arg(long, value_name = "NUMBER", requires = "gateway")]
    pub(crate) to: Vec<String>,
    /// A USSD code to send, such as '*100#'; needs --port
    #[arg(long, value_name = "CODE", requires = "gateway", requires = "port")]
    pub(crate) ussd: Option<String>,
    /// The ports to use, for example 1,2 or 8-15
    #[arg(long, value_name = "PORTS", requires = "gateway")]
    pub(crate) port: Option<Ports>,
    /// The speed relative to a real gateway; by default 5 with the emulator, otherwise 1
    #[arg(long, value_name = "X", value_parser = speed)]
    pub(crate) speed: Option<f64>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.01..=1000.0).contains(speed));
    speed.ok_or_else(|| "not a number from 0.01 to 1000".to_owned())
}
