//! The setting of the demonstration: an emulator, or the user's gateway.

use std::{env, error::Error, time::Duration};

use gateway_emulator::{Emulator, Options, Quirks};
use sms_client::outcome::pace;
use sms_gateway::{Builder, Gateway, Messenger, core::Ports, messenger::StartError};
use tokio::time::Instant;

use crate::{
    args::{Args, PASSWORD},
    message::{self, Message},
};

/// The emulator's speed relative to a real gateway.
const SPEED: f64 = 5.0;
/// The USSD code that queries the emulator's balance, and the port to send it through.
const BALANCE: (&str, &str) = ("*100#", "1");

pub(crate) struct Stage {
    pub(crate) messenger: Messenger,
    pub(crate) url: String,
    /// The emulator, if there is one.
    pub(crate) emulator: Option<Emulator>,
    pub(crate) speed: f64,
    pub(crate) messages: Vec<Message>,
    pub(crate) ports: Ports,
    /// A USSD code and the ports to send it through.
    pub(crate) ussd: Option<(String, Ports)>,
}

impl Stage {
    pub(crate) async fn set(args: Args) -> Result<Self, Box<dyn Error>> {
        match &args.gateway {
            None => Self::emulated(args.speed.unwrap_or(SPEED)).await,
            Some(url) => Self::real(url.clone(), &args).await,
        }
    }

    /// Starts an emulator with all quirks that were observed on real devices.
    async fn emulated(speed: f64) -> Result<Self, Box<dyn Error>> {
        let password = "emulated";
        let options = Options {
            password: password.to_owned(),
            ports: 4,
            speed,
            quirks: Quirks::observed(),
            ..Options::default()
        };
        let emulator = Emulator::start(options).await?;
        message::decide_fates(&emulator);
        emulator.set_ussd(None, BALANCE.0, "Your balance is 12.50 EUR.");
        let gateway = Gateway::builder(&emulator.url()).credentials("admin", password).build()?;
        Ok(Self {
            messenger: messenger(gateway, speed).await?,
            url: emulator.url(),
            emulator: Some(emulator),
            speed,
            messages: message::story(),
            ports: Ports::NONE,
            ussd: Some((BALANCE.0.to_owned(), BALANCE.1.parse()?)),
        })
    }

    async fn real(url: String, args: &Args) -> Result<Self, Box<dyn Error>> {
        let builder = Gateway::builder(&url).allow_basic(args.allow_basic);
        let mut builder = args.pin.into_iter().fold(builder, Builder::pin);
        if let Some(user) = &args.user {
            let password = env::var(PASSWORD).map_err(|_| format!("no password in {PASSWORD}"))?;
            builder = builder.credentials(user, &password);
        }
        let ports = args.port.unwrap_or_default();
        let speed = args.speed.unwrap_or(1.0);
        Ok(Self {
            messenger: messenger(builder.build()?, speed).await?,
            url,
            emulator: None,
            speed,
            messages: message::greetings(&args.to)?,
            ports,
            ussd: args.ussd.clone().map(|code| (code, ports)),
        })
    }

    /// Converts seconds of the gateway's clock to real time.
    pub(crate) fn outside(&self, seconds: u32) -> Duration {
        Duration::from_secs(seconds.into()).div_f64(self.speed)
    }

    /// Returns the number of seconds since `begin` by the gateway's clock.
    pub(crate) fn since(&self, begin: Instant) -> f64 {
        begin.elapsed().as_secs_f64() * self.speed
    }
}

/// Starts a messenger that follows messages and fetches incoming messages. Its store is in memory, so it forgets all messages when
/// the program ends.
async fn messenger(gateway: Gateway, speed: f64) -> Result<Messenger, StartError> {
    let builder = Messenger::builder(gateway).timing(pace(speed.recip())).incoming(true);
    let (messenger, _) = builder.start().await?;
    Ok(messenger)
}
