//! Measures how fast a server accepts messages.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{Failure, api::Api, http::Connection};

/// A load: messages that are sent as fast as a server accepts them.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The address of the server.
    pub address: SocketAddr,
    /// The number of connections. Each sends a request once it has the response to the one before.
    pub connections: usize,
    /// The number of messages.
    pub messages: usize,
    /// The number of messages in a request.
    pub each: usize,
}

/// The rate, and the times of responses.
#[derive(Debug)]
pub struct Rate {
    messages: usize,
    elapsed: Duration,
    /// In order.
    times: Vec<Duration>,
}

impl Load {
    /// Sends all messages.
    ///
    /// # Errors
    /// The server does not accept a message.
    pub async fn run<A: Api>(self, api: &A) -> Result<Rate, Failure> {
        let (began, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            tasks.spawn(self.send(api.clone(), Arc::clone(&next)));
        }
        let mut times = Vec::new();
        while let Some(sent) = tasks.join_next().await {
            times.extend(sent??);
        }
        times.sort_unstable();
        Ok(Rate { messages: self.messages, elapsed: began.elapsed(), times })
    }

    /// Sends requests over one connection until all are sent.
    async fn send<A: Api>(self, api: A, next: Arc<AtomicUsize>) -> Result<Vec<Duration>, Failure> {
        let (mut connection, mut times) = (Connection::open(self.address).await?, Vec::new());
        loop {
            let first = next.fetch_add(self.each, Ordering::Relaxed);
            let range = first..(first + self.each).min(self.messages);
            if range.is_empty() {
                return Ok(times);
            }
            let request = api.request(range.clone())?;
            let began = Instant::now();
            let (status, body) = connection.call(request).await?;
            times.push(began.elapsed());
            let ids = api.accepted(status, &body)?.ok_or("the server is not available")?;
            if ids.len() != range.len() {
                return Err(format!("{} of {} messages were accepted", ids.len(), range.len()).into());
            }
        }
    }
}

impl Rate {
    /// Returns the number of messages per second.
    // A rate needs no more precision.
    #[allow(clippy::cast_precision_loss)]
    pub fn per_second(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the time within which this percentage of requests had a response.
    pub fn within(&self, percent: usize) -> Duration {
        let place = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |percent| self.within(percent).as_secs_f64() * 1000.0;
        write!(
            f,
            "{:7.0} a second; response after {:.1} ms (median), {:.1} ms (99 %), {:.1} ms (longest)",
            self.per_second(),
            milliseconds(50),
            milliseconds(99),
            milliseconds(100)
        )
    }
}
