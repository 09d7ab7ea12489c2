//! A trial of a server over SMS gateways: it is killed at random times while messages are sent through it, and its promises are compared
//! with what the gateways sent.
//!
//! The gateways are emulated, each with other faults. They and the receiver of the server's webhooks run in the process of the trial and
//! survive the kills. The client repeats each request, with the same idempotency key, until it has a response.

mod api;
mod client;
pub mod config;
mod gateways;
mod http;
mod judge;
mod killer;
mod load;
pub mod messages;
mod process;
mod receiver;
mod shown;
mod verdict;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fastrand::Rng;
use gateway_emulator::Fate;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

pub use crate::{
    api::{Api, Json},
    client::{Address, Sent, send},
    http::Connection,
    killer::{Killer, Kills, Target},
    load::{Load, Rate},
    process::{Process, SmsServer, kill},
    verdict::{Unresolved, Verdict},
};
use crate::{
    gateways::Gateways,
    judge::{Case, Promises},
    receiver::Receiver,
    shown::Reader,
};

/// The reason a trial could not be finished.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The time between two comparisons after all messages were sent.
const COMPARE_EVERY: Duration = Duration::from_millis(500);

/// A trial.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The program of the server.
    pub program: PathBuf,
    /// The number of messages.
    pub messages: usize,
    /// The number of kills.
    pub kills: u32,
    /// The number of gateways.
    pub gateways: usize,
    /// The speed of the gateways, relative to real ones: 1 to 1000.
    pub speed: f64,
    /// The seed of all random choices. The order of events still depends on the machine.
    pub seed: u64,
    /// The time after which a trial without a new event ends, whatever is still missing.
    pub patience: Duration,
    /// The time limit of the whole trial.
    pub limit: Duration,
}

impl Trial {
    /// Runs the trial with the server's files in this folder.
    ///
    /// # Errors
    /// The server does not start, ends by itself, or refuses a message; or the trial is not done in time.
    pub async fn run(&self, folder: &Path) -> Result<Verdict, Failure> {
        timeout(self.limit, self.run_to_its_end(folder)).await.map_err(|_| "the trial is not done in time")?
    }

    async fn run_to_its_end(&self, folder: &Path) -> Result<Verdict, Failure> {
        let began = Instant::now();
        let gateways = Gateways::start(self.gateways, self.seed, self.speed).await?;
        let hidden = self.set_fates(&gateways);
        let receiver = Receiver::start(self.seed).await?;
        let config = folder.join("sms-server.toml");
        config::write(&config, &gateways.urls(), &receiver.url(), self.speed)?;
        let (address, server) = watch::channel(None);
        let api = Json::new(config::KEY, "trial");
        let target = SmsServer { program: self.program.clone(), config };
        let killer = Killer {
            target: target.clone(),
            messages: self.messages,
            kills: self.kills,
            chance: Rng::with_seed(self.seed),
            address,
            begun: receiver.begun(),
        };
        let sending = send(&api, &server, self.messages, self.seed, receiver.begun());
        let (sent, (kills, process)) = tokio::try_join!(sending, killer.run())?;
        let promises = sent.promises;
        gateways.calm();
        self.settle(&promises, &hidden, &gateways, &receiver).await?;
        let copies = gateways.copies()?;
        let events = std::mem::take(&mut *receiver.events());
        let case = Case { promises: &promises, hidden: &hidden, copies: &copies, events: &events };
        let verdict = judge::judge(&case, &gateways, &kills, &mut Reader::new(api, server)).await?;
        target.kill(process).await?;
        Ok(Verdict {
            kills: kills.times.len(),
            kills_before_ready: kills.before_ready,
            longest_start: kills.longest_start,
            accepted: copies.values().map(Vec::len).sum(),
            elapsed: began.elapsed(),
            ..verdict
        })
    }

    /// Draws the fates of all messages. Returns those that the gateways send but hide.
    fn set_fates(&self, gateways: &Gateways) -> HashSet<usize> {
        let (mut chance, mut hidden) = (Rng::with_seed(self.seed), HashSet::new());
        for index in 0..self.messages {
            let Some(plan) = messages::fate(&mut chance) else { continue };
            if plan.fate == Fate::Hidden {
                hidden.insert(index);
            }
            gateways.set_fate(index, &plan);
        }
        hidden
    }

    /// Waits until the server reports the true outcome of each message, or no event arrives for a time.
    async fn settle(
        &self,
        promises: &Promises,
        hidden: &HashSet<usize>,
        gateways: &Gateways,
        receiver: &Receiver,
    ) -> Result<(), Failure> {
        let (mut count, mut since) = (0, Instant::now());
        while since.elapsed() < self.patience {
            gateways.idle().await;
            let copies = gateways.copies()?;
            {
                let events = receiver.events();
                let case = Case { promises, hidden, copies: &copies, events: &events };
                if (0..promises.len()).all(|index| case.compare(index).is_ok())
                    && is_received(gateways, &events)
                {
                    return Ok(());
                }
                if events.count() != count {
                    (count, since) = (events.count(), Instant::now());
                }
            }
            sleep(COMPARE_EVERY).await;
        }
        Ok(())
    }
}

/// Whether an event of each incoming message was received.
fn is_received(gateways: &Gateways, events: &receiver::Events) -> bool {
    events.incoming.len() == gateways.incoming().iter().sum::<usize>()
}
