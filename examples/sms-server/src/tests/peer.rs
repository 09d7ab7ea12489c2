//! A receiver of events, in a thread of its own and in usual time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    thread,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use tokio::{net::TcpListener, runtime::Builder};

#[derive(Default)]
struct Seen {
    /// The number of events to refuse.
    refused: usize,
    /// The accepted events.
    events: BTreeMap<String, Bytes>,
}

/// The receiver. Its thread ends with the process.
pub(super) struct Peer {
    seen: Arc<Mutex<Seen>>,
    url: String,
}

impl Peer {
    pub(super) fn start() -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(respond)).with_state(Arc::clone(&seen));
        thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
        Self { seen, url }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// Forgets all events, and refuses the next ones.
    pub(super) fn forget(&self, refused: usize) {
        *self.seen.lock().unwrap() = Seen { refused, ..Seen::default() };
    }

    /// Returns the ids of the accepted events.
    pub(super) fn received(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().events.keys().cloned().collect()
    }
}

async fn respond(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut seen = seen.lock().unwrap();
    if seen.refused > 0 {
        seen.refused -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    match seen.events.insert(id, body.clone()) {
        // A repeated event says the same.
        Some(known) if known != body => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    }
}
