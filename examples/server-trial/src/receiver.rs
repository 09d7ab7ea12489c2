//! The receiver of webhooks: it checks each event, and refuses some.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::Failure;

/// The secret without its prefix. It signs events within this machine only.
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Of this number of events, one is refused and must be repeated.
const REFUSED: u32 = 200;

/// Returns the secret as the configuration of a server has it.
pub(crate) fn secret() -> String {
    format!("whsec_{SECRET}")
}

/// The events that were received.
#[derive(Default)]
pub(crate) struct Events {
    /// The bodies and the number of attempts, by event.
    bodies: HashMap<String, (Bytes, u32)>,
    /// The events of each outgoing message and their states.
    pub(crate) outgoing: HashMap<String, BTreeMap<String, String>>,
    /// The events of each incoming message, by its text.
    pub(crate) incoming: HashMap<String, Vec<String>>,
    pub(crate) flaws: Vec<String>,
}

impl Events {
    pub(crate) fn count(&self) -> usize {
        self.bodies.len()
    }

    /// Returns the number of attempts after the first of each event.
    pub(crate) fn repeated(&self) -> u64 {
        self.bodies.values().map(|(_, attempts)| u64::from(*attempts) - 1).sum()
    }

    /// Notes an attempt.
    fn add(&mut self, id: &str, body: Bytes) {
        if let Some((first, attempts)) = self.bodies.get_mut(id) {
            *attempts += 1;
            if *first != body {
                self.flaws.push(format!("the event {id} had another body when it was repeated"));
            }
            return;
        }
        let event: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.bodies.insert(id.to_owned(), (body, 1));
        let of = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
        if event["type"] == "message.received" {
            self.incoming.entry(of("text")).or_default().push(id.to_owned());
            return;
        }
        self.outgoing.entry(of("id")).or_default().insert(id.to_owned(), of("state"));
    }
}

/// A running receiver.
pub(crate) struct Receiver {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

struct Shared {
    events: Mutex<Events>,
    chance: Mutex<fastrand::Rng>,
    /// The number of outgoing messages of which an event was received.
    begun: watch::Sender<usize>,
}

impl Receiver {
    pub(crate) async fn start(seed: u64) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let chance = Mutex::new(fastrand::Rng::with_seed(seed));
        let shared = Arc::new(Shared { events: Mutex::default(), chance, begun: watch::Sender::default() });
        let service = Router::new().route("/", post(receive)).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It serves until the task is aborted.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { shared, address, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn events(&self) -> MutexGuard<'_, Events> {
        self.shared.events()
    }

    /// Returns the number of outgoing messages of which an event was received, as it grows.
    pub(crate) fn begun(&self) -> watch::Receiver<usize> {
        self.shared.begun.subscribe()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    if header("webhook-signature") != sign(id, timestamp, &body) {
        shared.events().flaws.push(format!("the event {id} has a wrong signature"));
        return StatusCode::UNAUTHORIZED;
    }
    let begun = {
        let mut events = shared.events();
        events.add(id, body);
        events.outgoing.len()
    };
    shared.begun.send_if_modified(|before| std::mem::replace(before, begun.max(*before)) < begun);
    let draw = shared.chance.lock().unwrap_or_else(PoisonError::into_inner).u32(..REFUSED);
    if draw == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

/// Returns a signature by the specification Standard Webhooks.
fn sign(id: &str, timestamp: &str, body: &[u8]) -> String {
    let secret = STANDARD.decode(SECRET).unwrap_or_default();
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
