//! The emulated gateways, each with other faults.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use fastrand::Rng;
use gateway_emulator::{Canned, Closed, Emulator, MessageSeen, Options, Plan, RequestSeen};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{Failure, messages};

/// The number of ports of each gateway.
const PORTS: u8 = 32;

/// The percentage of requests to a gateway that cuts connections whose connection is cut.
const CUT: u8 = 3;

/// Of this number of requests, one is followed by an incoming message.
const INCOMING: u32 = 40;

/// The faults of a gateway.
#[derive(Clone, Copy)]
enum Faults {
    /// Responses to accepted submissions, and whole submissions, are dropped.
    Drops,
    /// Connections are cut before, during and after any response.
    Cuts,
    /// Submissions are refused, some of them although they were accepted.
    Refuses,
    /// The quirks of observed devices: connections close after three requests, and reports show the time of their arrival.
    Observed,
}

const FAULTS: [Faults; 4] = [Faults::Drops, Faults::Cuts, Faults::Refuses, Faults::Observed];

impl Faults {
    fn options(self, seed: u64, rate: f64) -> Result<Options, Failure> {
        let (quirks, closing) = match self {
            Self::Drops => ("later-version", 0),
            Self::Cuts => ("none", CUT),
            Self::Refuses => ("none", 0),
            Self::Observed => ("observed", 0),
        };
        let quirks = quirks.parse()?;
        Ok(Options { ports: PORTS, speed: rate, seed, quirks, closing, ..Options::default() })
    }

    /// Draws the response to the next submission; `None` for the true one.
    fn draw(self, chance: &mut Rng) -> Option<Canned> {
        let code = |code| Canned::json(200, &format!(r#"{{"error_code":{code}}}"#));
        match (self, chance.u32(..40)) {
            (Self::Drops, 0..4) => Some(Canned::truth().cut_at(0)),
            (Self::Drops, 4) => Some(Canned::silence()),
            (Self::Refuses, 0..3) => Some(code(550)),
            (Self::Refuses, 3) => Some(code(500)),
            (Self::Refuses, 4) => Some(code(500).carried_out()),
            (Self::Refuses, 5) => Some(Canned::json(500, "<html>error</html>")),
            (Self::Refuses, 6) => Some(Canned::json(503, "<html>busy</html>").carried_out()),
            _ => None,
        }
    }
}

/// A message that a gateway has accepted, and the gateway's place in the list.
pub(crate) type Copies = HashMap<usize, Vec<(usize, MessageSeen)>>;

/// The gateways of a trial.
pub(crate) struct Gateways {
    emulators: Vec<Arc<Emulator>>,
    /// The messages whose submission was not answered clearly.
    unclear: Arc<Mutex<HashSet<usize>>>,
    is_calm: Arc<AtomicBool>,
    /// The number of incoming messages of each gateway.
    incoming: Arc<Mutex<Vec<usize>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Gateways {
    pub(crate) async fn start(count: usize, seed: u64, rate: f64) -> Result<Self, Failure> {
        let mut emulators = Vec::new();
        for (faults, seed) in FAULTS.into_iter().cycle().zip(seed..).take(count) {
            emulators.push(Arc::new(Emulator::start(faults.options(seed, rate)?).await?));
        }
        let (unclear, is_calm) = (Arc::default(), Arc::<AtomicBool>::default());
        let incoming = Arc::new(Mutex::new(vec![0; count]));
        let tasks = emulators.iter().zip(FAULTS.into_iter().cycle()).enumerate();
        let tasks = tasks.map(|(place, (emulator, faults))| {
            let task = Watch {
                place,
                emulator: Arc::clone(emulator),
                faults,
                chance: Rng::with_seed(seed.wrapping_add(place as u64)),
                unclear: Arc::clone(&unclear),
                is_calm: Arc::clone(&is_calm),
                incoming: Arc::clone(&incoming),
            };
            tokio::spawn(task.run())
        });
        let tasks = tasks.collect();
        Ok(Self { emulators, unclear, is_calm, incoming, tasks })
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.emulators.iter().map(|emulator| emulator.url()).collect()
    }

    /// Sets the fate of a message on all gateways.
    pub(crate) fn set_fate(&self, index: usize, plan: &Plan) {
        for emulator in &self.emulators {
            emulator.set_fate(&messages::number(index), plan.clone());
        }
    }

    /// Waits until no gateway has anything to do.
    pub(crate) async fn idle(&self) {
        for emulator in &self.emulators {
            emulator.idle().await;
        }
    }

    /// Ends the faults that are drawn here. Connections are still cut.
    pub(crate) fn calm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// Returns the number of incoming messages of each gateway.
    pub(crate) fn incoming(&self) -> Vec<usize> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the response to a submission of this message was lost, cut or unclear.
    pub(crate) fn was_unclear(&self, index: usize) -> bool {
        self.unclear.lock().unwrap_or_else(PoisonError::into_inner).contains(&index)
    }

    /// Returns everything that the gateways have accepted.
    ///
    /// # Errors
    /// A gateway has forgotten some, or accepted a message that is not from this trial.
    pub(crate) fn copies(&self) -> Result<Copies, Failure> {
        let mut copies = Copies::new();
        for (place, emulator) in self.emulators.iter().enumerate() {
            let (accepted, seen) = (emulator.counts().accepted, emulator.messages());
            if seen.len() as u64 != accepted {
                return Err(format!("{} of {accepted} messages are left in the emulator", seen.len()).into());
            }
            for seen in seen {
                let index = messages::index(&seen.text).ok_or_else(|| format!("a foreign text: {seen:?}"))?;
                copies.entry(index).or_default().push((place, seen));
            }
        }
        Ok(copies)
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Watches the requests to a gateway, and lets faults happen.
struct Watch {
    place: usize,
    emulator: Arc<Emulator>,
    faults: Faults,
    chance: Rng,
    unclear: Arc<Mutex<HashSet<usize>>>,
    is_calm: Arc<AtomicBool>,
    incoming: Arc<Mutex<Vec<usize>>>,
}

impl Watch {
    async fn run(mut self) {
        let mut serial = 0;
        loop {
            for request in self.emulator.requests_after(serial).await {
                serial = request.serial;
                self.note(&request);
                if !self.is_calm.load(Ordering::Relaxed) {
                    self.act(&request);
                }
            }
        }
    }

    fn note(&self, request: &RequestSeen) {
        if is_submission(request) && is_unclear(request) {
            let found = texts(&request.body).filter_map(|text| messages::index(&text));
            self.unclear.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
    }

    fn act(&mut self, request: &RequestSeen) {
        if is_submission(request)
            && request.status != Some(401)
            && let Some(canned) = self.faults.draw(&mut self.chance)
        {
            self.emulator.answer_next("send_sms", canned);
        }
        if self.chance.u32(..INCOMING) == 0 {
            let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = incoming.get_mut(self.place) {
                let text = messages::incoming(self.place, *count);
                self.emulator.receive_sms(0, "+8613900139000", &text);
                *count += 1;
            }
        }
    }
}

fn is_submission(request: &RequestSeen) -> bool {
    request.uri.contains("send_sms")
}

/// Whether the client cannot know from the response whether its messages were accepted.
fn is_unclear(request: &RequestSeen) -> bool {
    let is_whole = matches!(request.closed, None | Some(Closed::AfterAnswer));
    let is_accepted = request.status == Some(200) && request.error_code == Some(202);
    request.status != Some(401) && !(is_whole && is_accepted)
}

/// Returns the texts of a submission, with their parameters filled in.
fn texts(body: &str) -> impl Iterator<Item = String> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let pattern = body["text"].as_str().unwrap_or_default().to_owned();
    let recipients = body["param"].as_array().cloned().unwrap_or_default();
    recipients.into_iter().map(move |recipient| {
        let params = recipient["text_param"].as_array().cloned().unwrap_or_default();
        params.iter().fold(pattern.clone(), |text, param| {
            text.replacen("#param#", param.as_str().unwrap_or_default(), 1)
        })
    })
}
