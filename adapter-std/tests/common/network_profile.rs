//! A network between a client and an emulator, which controls tokio's time.
//!
//! The clock is paused, and only this module advances it. While a request or a response is in flight, the clock advances by the
//! duration that the test sets. While the client is idle, the clock advances step by step until the next request. So the
//! client's timers run, but its time limits do not expire on a slow machine.

use super::framing::{request, response};
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, yield_now},
    time::{Instant, advance},
};

/// The step by which time advances while the client is idle.
const STEP: Duration = Duration::from_millis(100);
/// The number of times that ready tasks are polled within a step.
const TURNS: u32 = 8;

/// A request or a response that is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// A request without a nonce.
    Bare,
    /// A request with a nonce of this age.
    Login { age: Duration, unused: bool },
    /// Any response.
    Response,
}

/// The numbers of nonces that expired, by the situation in which they expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Nonces that expired while a request with a used nonce was in flight.
    pub under_way: u64,
    /// Nonces that expired while the client was idle.
    pub at_rest: u64,
    /// Nonces that expired while the first request with the nonce was in flight.
    pub unused: u64,
}

/// A running network. Dropping this ends the network and closes its connections.
pub struct NetworkProfile {
    addr: SocketAddr,
    ends: Arc<Mutex<Ends>>,
    running: JoinHandle<()>,
}

impl NetworkProfile {
    /// Starts a network to a gateway whose nonces are valid for `life`. `time` returns the duration of each leg. The network serves
    /// one connection at a time. tokio's clock must be stopped.
    pub async fn start(
        gateway: SocketAddr,
        life: Duration,
        time: impl FnMut(Leg) -> Duration + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let ends = Arc::new(Mutex::new(Ends::default()));
        let mut traffic = Traffic {
            life,
            time: Box::new(time),
            nonces: HashMap::new(),
            last: None,
            ends: Arc::clone(&ends),
        };
        let running = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // An error means that either side has closed.
                let _ = traffic.pass(client, gateway).await;
            }
        });
        Self { addr, ends, running }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn ends(&self) -> Ends {
        *self.ends.lock().unwrap()
    }
}

impl Drop for NetworkProfile {
    fn drop(&mut self) {
        self.running.abort();
    }
}

struct Nonce {
    issued: Instant,
    unused: bool,
}

struct Traffic {
    life: Duration,
    time: Box<dyn FnMut(Leg) -> Duration + Send>,
    nonces: HashMap<String, Nonce>,
    /// The issue time of the nonce that was accepted last, if the nonce was still valid when the response arrived.
    last: Option<Instant>,
    ends: Arc<Mutex<Ends>>,
}

impl Traffic {
    /// Forwards requests and responses until either side closes.
    async fn pass(&mut self, mut client: TcpStream, gateway: SocketAddr) -> io::Result<()> {
        let mut server = TcpStream::connect(gateway).await?;
        let mut ahead = Vec::new();
        let mut rests = false;
        loop {
            let request = if rests {
                advancing_until(request(&mut client, &mut ahead)).await?
            } else {
                request(&mut client, &mut ahead).await?
            };
            if self.last.take().is_some_and(|issued| issued.elapsed() >= self.life) {
                self.ends.lock().unwrap().at_rest += 1;
            }
            let nonce = nonce(&request);
            self.travel(nonce.as_deref()).await;
            server.write_all(&request).await?;
            let (response, closes) = response(&mut server).await?;
            rests = !response.starts_with(b"HTTP/1.1 401");
            if rests {
                self.used(nonce);
            } else {
                self.issued(&response);
            }
            advance((self.time)(Leg::Response)).await;
            self.last = self.last.filter(|issued| issued.elapsed() < self.life);
            client.write_all(&response).await?;
            if closes {
                return Ok(());
            }
        }
    }

    /// Advances the time by the duration of a request.
    async fn travel(&mut self, nonce: Option<&str>) {
        let Some(nonce) = nonce.and_then(|nonce| self.nonces.get(nonce)) else {
            return advance((self.time)(Leg::Bare)).await;
        };
        let age = nonce.issued.elapsed();
        let takes = (self.time)(Leg::Login { age, unused: nonce.unused });
        if age < self.life && age + takes >= self.life {
            let mut ends = self.ends.lock().unwrap();
            *(if nonce.unused { &mut ends.unused } else { &mut ends.under_way }) += 1;
        }
        advance(takes).await;
    }

    fn used(&mut self, nonce: Option<String>) {
        let nonce = nonce.and_then(|nonce| self.nonces.get_mut(&nonce));
        self.last = nonce.map(|nonce| {
            nonce.unused = false;
            nonce.issued
        });
    }

    fn issued(&mut self, response: &[u8]) {
        if let Some(nonce) = nonce(response) {
            self.nonces.insert(nonce, Nonce { issued: Instant::now(), unused: true });
        }
    }
}

/// Waits for a request, and advances the time until it arrives.
async fn advancing_until<T>(request: impl Future<Output = T>) -> T {
    let mut request = std::pin::pin!(request);
    loop {
        tokio::select! {
            biased;
            request = &mut request => return request,
            () = step() => {}
        }
    }
}

async fn step() {
    for _ in 0..TURNS {
        yield_now().await;
    }
    advance(STEP).await;
}

/// Returns the nonce in a head.
fn nonce(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once(" nonce=\"")?;
    rest.split_once('"').map(|(nonce, _)| nonce.to_owned())
}
