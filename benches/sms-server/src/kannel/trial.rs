//! Kannel is killed while it sends messages.

use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use fastrand::Rng;
use server_trial::{Failure, Killer, Sent, Target};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Arrived, Kannel, Sendsms, Smsc, Store};

/// The time that the SMSC takes for a message. Kannel sends ten at a time, so messages wait in Kannel as they do for ports of a gateway.
const DELAY: Duration = Duration::from_millis(20);

/// The time after which Kannel is taken to be done, if nothing arrives.
const QUIET: Duration = Duration::from_secs(15);

/// The time limit of a trial.
const LIMIT: Duration = Duration::from_secs(3600);

/// The result of a trial.
#[derive(Debug)]
pub struct Outcome {
    promised: usize,
    kills: usize,
    lost: usize,
    /// Messages that arrived more than once although the client sent them once.
    doubled: usize,
    /// Messages that arrived more than once, and that the client had repeated because the response was lost.
    doubled_by_client: usize,
    elapsed: Duration,
}

impl Outcome {
    fn new(sent: &Sent, kills: usize, arrived: &Arrived, elapsed: Duration) -> Self {
        let times = |index: &usize| arrived.get(index).copied().unwrap_or(0);
        let promised = || sent.promises.keys();
        let doubled = |is_repeated| {
            let doubled = promised().filter(|index| times(index) > 1);
            doubled.filter(|index| sent.repeated.contains(index) == is_repeated).count()
        };
        Self {
            promised: sent.promises.len(),
            kills,
            lost: promised().filter(|index| times(index) == 0).count(),
            doubled: doubled(false),
            doubled_by_client: doubled(true),
            elapsed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "promised       {}", self.promised)?;
        writeln!(f, "kills          {}", self.kills)?;
        writeln!(f, "lost           {}", self.lost)?;
        writeln!(f, "doubled        {}", self.doubled)?;
        writeln!(
            f,
            "doubled as the client repeated a request without a response: {}",
            self.doubled_by_client
        )?;
        write!(f, "time           {:.0} s", self.elapsed.as_secs_f64())
    }
}

/// Kills Kannel this number of times while it sends messages. Returns `None` if it is not installed.
///
/// # Errors
/// Kannel does not start, or the trial is not done in time.
pub async fn trial(
    folder: &Path,
    store: Store,
    messages: usize,
    kills: u32,
    seed: u64,
) -> Result<Option<Outcome>, Failure> {
    let began = Instant::now();
    let smsc = Smsc::start(DELAY).await?;
    let Some(target) = Kannel::new(folder, store, smsc.url()).await? else { return Ok(None) };
    let (address, server) = watch::channel(None);
    let killer = Killer {
        target: target.clone(),
        messages,
        kills,
        chance: Rng::with_seed(seed),
        address,
        begun: smsc.count(),
    };
    let trial = async {
        let sending = server_trial::send(&Sendsms, &server, messages, seed, smsc.count());
        let (sent, (kills, life)) = tokio::try_join!(sending, killer.run())?;
        quiet(&smsc).await;
        target.kill(life).await?;
        Ok(Outcome::new(&sent, kills.times.len(), &smsc.arrived(), began.elapsed()))
    };
    timeout(LIMIT, trial).await?.map(Some)
}

/// Waits until nothing arrives any more.
async fn quiet(smsc: &Smsc) {
    let total = || smsc.arrived().values().sum::<u32>();
    let mut before = total();
    loop {
        sleep(QUIET).await;
        let now = total();
        if now == before {
            return;
        }
        before = now;
    }
}
