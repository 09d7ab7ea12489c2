//! What the story is played on: an emulator of its own, or a gateway of the user's.

use std::{env, error::Error, time::Duration};

use gateway_emulator::{Emulator, Fate, Options, Quirks};
use sms_gateway::{
    Gateway,
    core::{Ports, Timestamp},
};
use tokio::time::{Instant, sleep};

use crate::{
    args::{Args, PASSWORD},
    message::{self, Message},
};

/// How much faster than a real one the emulator lives.
const SPEED: f64 = 4.0;
/// What it is asked for its balance with, and by which port.
const BALANCE: (&str, &str) = ("*100#", "1");

pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) url: String,
    /// The emulator, if there is one.
    pub(crate) played: Option<Emulator>,
    pub(crate) speed: f64,
    pub(crate) messages: Vec<Message>,
    /// When the first of them was sent, by the gateway's clock.
    pub(crate) begun: Option<Timestamp>,
    pub(crate) ports: Ports,
    /// A USSD code and the ports to send it by.
    pub(crate) ussd: Option<(String, Ports)>,
}

impl Stage {
    pub(crate) async fn set(args: Args) -> Result<Self, Box<dyn Error>> {
        match &args.gateway {
            None => Self::play(args.speed.unwrap_or(SPEED)).await,
            Some(url) => Self::real(url.clone(), &args),
        }
    }

    /// A gateway with all that was observed on real devices.
    async fn play(speed: f64) -> Result<Self, Box<dyn Error>> {
        let password = "only played";
        let options = Options {
            password: password.to_owned(),
            ports: 4,
            speed,
            quirks: Quirks::observed(),
            ..Options::default()
        };
        let emulator = Emulator::start(options).await?;
        emulator.set_fate(message::UNREACHABLE, Fate::Fail);
        emulator.set_ussd(None, BALANCE.0, "Your balance is 12.50 EUR.");
        Ok(Self {
            gateway: Gateway::builder(&emulator.url()).credentials("admin", password).build()?,
            url: emulator.url(),
            played: Some(emulator),
            speed,
            messages: message::story(),
            begun: None,
            ports: Ports::NONE,
            ussd: Some((BALANCE.0.to_owned(), BALANCE.1.parse()?)),
        })
    }

    fn real(url: String, args: &Args) -> Result<Self, Box<dyn Error>> {
        let mut builder = Gateway::builder(&url).allow_basic(args.allow_basic);
        if let Some(user) = &args.user {
            let password = env::var(PASSWORD).map_err(|_| format!("no password in {PASSWORD}"))?;
            builder = builder.credentials(user, &password);
        }
        let ports = args.port.unwrap_or_default();
        Ok(Self {
            gateway: builder.build()?,
            url,
            played: None,
            speed: args.speed.unwrap_or(1.0),
            messages: message::greetings(&args.to)?,
            begun: None,
            ports,
            ussd: args.ussd.clone().map(|code| (code, ports)),
        })
    }

    /// Waits for so many of the gateway's seconds.
    pub(crate) async fn wait(&self, seconds: u32) {
        sleep(self.outside(seconds)).await;
    }

    /// How long so many of the gateway's seconds take.
    pub(crate) fn outside(&self, seconds: u32) -> Duration {
        Duration::from_secs(seconds.into()).div_f64(self.speed)
    }

    /// How many of the gateway's seconds have passed.
    pub(crate) fn since(&self, begin: Instant) -> f64 {
        begin.elapsed().as_secs_f64() * self.speed
    }
}
