//! The kills, and the starts after them.

use std::{
    future::Future,
    net::SocketAddr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fastrand::Rng;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::Failure;

/// The maximum length of a life of a server, unless it is the last one.
const LONGEST_LIFE: Duration = Duration::from_secs(10);

/// Of this number of lives, one ends at a random time after its start, possibly before the server listens.
const EARLY: u32 = 8;

/// The longest of these lives, in milliseconds.
const LONGEST_EARLY: u64 = 500;

/// The longest time, in milliseconds, between the event that ends another life and the kill.
const LONGEST_DELAY: u64 = 40;

/// A server that can be started and killed.
pub trait Target: Send + Sync {
    /// A started server. It is killed when it is dropped.
    type Life: Send;

    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    fn start(&self) -> Result<Self::Life, Failure>;

    /// Waits until it accepts messages, and returns its address.
    ///
    /// # Errors
    /// It has ended, or does not listen in time.
    fn ready(&self, life: &mut Self::Life) -> impl Future<Output = Result<SocketAddr, Failure>> + Send;

    /// Kills it with SIGKILL, and waits for its end.
    ///
    /// # Errors
    /// It ended by itself before.
    fn kill(&self, life: Self::Life) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Kills a server again and again.
pub struct Killer<T> {
    /// The server.
    pub target: T,
    /// The number of messages of the trial.
    pub messages: usize,
    /// The number of kills.
    pub kills: u32,
    /// The random choices.
    pub chance: Rng,
    /// The address of the server while it listens.
    pub address: watch::Sender<Option<SocketAddr>>,
    /// The number of messages that are under way.
    pub begun: watch::Receiver<usize>,
}

/// The kills of a trial.
#[derive(Debug, Default)]
pub struct Kills {
    /// The times, in milliseconds since 1970.
    pub times: Vec<u64>,
    /// The number of kills before the server listened.
    pub before_ready: u32,
    /// The longest start.
    pub longest_start: Duration,
}

impl<T: Target> Killer<T> {
    /// Kills the server, and starts it once more.
    ///
    /// # Errors
    /// It cannot be started, or ended by itself.
    pub async fn run(mut self) -> Result<(Kills, T::Life), Failure> {
        let mut kills = Kills::default();
        for kill in 0..self.kills {
            let (began, mut life) = (Instant::now(), self.target.start()?);
            let moment = Moment::draw(&mut self, kill);
            let mut progress = self.begun.clone();
            let moment = moment.wait(&mut progress);
            tokio::pin!(moment);
            tokio::select! {
                address = self.target.ready(&mut life) => {
                    kills.longest_start = kills.longest_start.max(began.elapsed());
                    self.address.send_replace(Some(address?));
                    moment.await;
                }
                () = &mut moment => kills.before_ready += 1,
            }
            self.target.kill(life).await?;
            self.address.send_replace(None);
            kills.times.push(now());
        }
        let (began, mut life) = (Instant::now(), self.target.start()?);
        self.address.send_replace(Some(self.target.ready(&mut life).await?));
        kills.longest_start = kills.longest_start.max(began.elapsed());
        Ok((kills, life))
    }
}

/// The moment of a kill.
enum Moment {
    /// This time after the start.
    Early(Duration),
    /// This time after this number of messages is under way.
    After(usize, Duration),
}

impl Moment {
    fn draw<T>(killer: &mut Killer<T>, kill: u32) -> Self {
        let chance = &mut killer.chance;
        if chance.u32(..EARLY) == 0 {
            return Self::Early(Duration::from_millis(chance.u64(..LONGEST_EARLY)));
        }
        let begun = *killer.begun.borrow();
        // The kills are spread over the messages that are left.
        let left = killer.messages.saturating_sub(begun);
        let share = left / usize::try_from(killer.kills - kill).unwrap_or(usize::MAX);
        let delay = Duration::from_millis(chance.u64(..LONGEST_DELAY));
        Self::After(begun + chance.usize(..=2 * share), delay)
    }

    async fn wait(self, progress: &mut watch::Receiver<usize>) {
        match self {
            Self::Early(time) => sleep(time).await,
            Self::After(count, delay) => {
                // Nothing may happen for some time, for example while all messages are looked up.
                let _ = timeout(LONGEST_LIFE, progress.wait_for(|begun| *begun >= count)).await;
                sleep(delay).await;
            }
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
