//! An SMSC that Kannel sends to over HTTP.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use server_trial::{Failure, messages};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::sleep};

/// The number of times that each message arrived.
pub type Arrived = HashMap<usize, u32>;

/// A running SMSC. It ends when it is dropped.
#[derive(Debug)]
pub struct Smsc {
    shared: Arc<Shared>,
    url: String,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    arrived: Mutex<Arrived>,
    /// The number of messages up to the last one that arrived, whether or not those before it arrived as well.
    count: watch::Sender<usize>,
    delay: Duration,
}

impl Smsc {
    /// Starts an SMSC that accepts each message after this time.
    ///
    /// # Errors
    /// The system's.
    pub async fn start(delay: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/send", listener.local_addr()?);
        let shared = Arc::new(Shared { arrived: Mutex::default(), count: watch::Sender::default(), delay });
        let service = Router::new().route("/send", get(receive)).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It serves until the task is aborted.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { shared, url, task })
    }

    /// Returns its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of messages up to the last one that arrived, as it grows. Messages are sent in order, so those before it that did
    /// not arrive are probably lost.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.shared.count.subscribe()
    }

    /// Returns the number of times that each message arrived.
    pub fn arrived(&self) -> Arrived {
        self.shared.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, &'static str) {
    let Some(index) = query.get("text").and_then(|text| messages::index(text)) else {
        return (StatusCode::BAD_REQUEST, "3: not a message of this trial");
    };
    *shared.arrived.lock().unwrap_or_else(PoisonError::into_inner).entry(index).or_insert(0) += 1;
    shared.count.send_if_modified(|before| std::mem::replace(before, (*before).max(index + 1)) <= index);
    sleep(shared.delay).await;
    (StatusCode::ACCEPTED, "0: Accepted for delivery")
}
