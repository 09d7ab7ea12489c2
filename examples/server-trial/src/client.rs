//! The client: it sends messages, and repeats a request until it has a response.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    ops::Range,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{Failure, api::Api, http::Connection};

/// The number of connections.
const CONNECTIONS: usize = 8;

/// Of this number of requests, one is repeated although it was answered.
const REPEATED: u32 = 20;

/// The maximum number of messages that were sent to the server and are not under way yet, so that requests continue until the end of a
/// trial.
const BACKLOG: usize = 1000;

/// The maximum wait for messages of the backlog, which may be lost.
const PACE: Duration = Duration::from_secs(1);

/// The wait after a request without a response.
const RETRY: Duration = Duration::from_millis(20);

/// The address of a server while it runs.
pub type Address = watch::Receiver<Option<SocketAddr>>;

/// Everything that was sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// The ids of the messages that the server has promised to send.
    pub promises: HashMap<usize, String>,
    /// The messages whose request was repeated because its response was lost.
    pub repeated: HashSet<usize>,
}

/// A connection to a server that is made again after it was lost.
pub(crate) struct Caller {
    address: Address,
    connection: Option<Connection>,
}

impl Caller {
    pub(crate) const fn new(address: Address) -> Self {
        Self { address, connection: None }
    }

    /// Makes a call once the server listens.
    pub(crate) async fn call(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            let address = self.address.wait_for(Option::is_some).await?.ok_or("no address")?;
            Connection::open(address).await?
        };
        let response = connection.call(request).await?;
        self.connection = Some(connection);
        Ok(response)
    }
}

/// The work that the connections share.
struct Work {
    next: usize,
    messages: usize,
    chance: Rng,
    sent: Sent,
}

impl Work {
    /// Returns the next messages to send, and whether the request is to be repeated.
    fn take(&mut self, sizes: &[usize]) -> Option<(Range<usize>, bool)> {
        let size = *self.chance.choice(sizes)?;
        let range = self.next..(self.next + size).min(self.messages);
        self.next = range.end;
        (!range.is_empty()).then(|| (range, self.chance.u32(..REPEATED) == 0))
    }
}

/// Sends messages, from the first to the one before `messages`. `begun` is the number of messages that are under way.
///
/// # Errors
/// The server refused a message, or gave a repeated request other ids.
pub async fn send<A: Api>(
    api: &A,
    address: &Address,
    messages: usize,
    seed: u64,
    begun: watch::Receiver<usize>,
) -> Result<Sent, Failure> {
    let work = Work { next: 0, messages, chance: Rng::with_seed(seed), sent: Sent::default() };
    let work = Arc::new(Mutex::new(work));
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let caller = Caller::new(address.clone());
        tasks.spawn(send_over_one(api.clone(), caller, Arc::clone(&work), begun.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(std::mem::take(&mut work.lock().await.sent))
}

async fn send_over_one<A: Api>(
    api: A,
    mut caller: Caller,
    work: Arc<Mutex<Work>>,
    mut begun: watch::Receiver<usize>,
) -> Result<(), Failure> {
    loop {
        let taken = work.lock().await.take(A::SIZES);
        let Some((range, is_repeated)) = taken else { return Ok(()) };
        // An error means that it is too late, or that there is no news any more: it is sent all the same.
        let _ = timeout(PACE, begun.wait_for(|begun| range.end <= begun + BACKLOG)).await;
        let (ids, attempts) = until_accepted(&api, &mut caller, range.clone()).await?;
        if ids.len() != range.len() {
            return Err(format!("{} ids for {} messages", ids.len(), range.len()).into());
        }
        if A::IS_IDEMPOTENT && is_repeated && until_accepted(&api, &mut caller, range.clone()).await?.0 != ids
        {
            return Err(format!("the repeated request for message {} got other ids", range.start).into());
        }
        let sent = &mut work.lock().await.sent;
        if attempts > 1 {
            sent.repeated.extend(range.clone());
        }
        sent.promises.extend(range.zip(ids));
    }
}

/// Repeats a request until it is accepted. Returns the ids and the number of attempts.
async fn until_accepted<A: Api>(
    api: &A,
    caller: &mut Caller,
    range: Range<usize>,
) -> Result<(Vec<String>, usize), Failure> {
    let request = api.request(range)?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        if let Ok((status, body)) = caller.call(request.clone()).await
            && let Some(ids) = api.accepted(status, &body)?
        {
            return Ok((ids, attempts));
        }
        sleep(RETRY).await;
    }
}
