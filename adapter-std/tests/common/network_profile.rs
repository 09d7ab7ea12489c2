//! A way between a client and an emulator on which tokio's time passes, and nowhere else.
//!
//! The clock stands still but for what this moves it: while a request or an answer is under way, by as much as the test says;
//! and when the client has what it asked for, step by step, until it asks again. So its own timers run, and no limit of its own
//! runs out since the machine is slow: that makes it rest longer, at most.

use super::framing::{answer, request};
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

/// By how much time passes at once while the client wants nothing.
const STEP: Duration = Duration::from_millis(100);
/// How often tasks that are ready have their turn within a step.
const TURNS: u32 = 8;

/// What is about to go one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// A request without a nonce.
    Bare,
    /// A request whose nonce was issued so long ago.
    Login { age: Duration, unused: bool },
    /// Any answer.
    Answer,
}

/// How often nonces came to their end, by where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// While a request was under way, whose nonce had been accepted before.
    pub under_way: u64,
    /// While the client had nothing under way.
    pub at_rest: u64,
    /// Between the challenge and the arrival of the first request with it.
    pub unused: u64,
}

/// A running way. It ends, and its connections close, when it is dropped.
pub struct NetworkProfile {
    addr: SocketAddr,
    ends: Arc<Mutex<Ends>>,
    running: JoinHandle<()>,
}

impl NetworkProfile {
    /// Starts a way to a gateway whose nonces live so long; `time` says how long each leg takes. One connection is served at
    /// a time. tokio's clock is to be stopped.
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
                // Either side has closed.
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
    /// When the nonce was issued that was accepted last, if it was still good when the answer had come back.
    last: Option<Instant>,
    ends: Arc<Mutex<Ends>>,
}

impl Traffic {
    /// Passes requests and answers on until either side closes.
    async fn pass(&mut self, mut client: TcpStream, gateway: SocketAddr) -> io::Result<()> {
        let mut server = TcpStream::connect(gateway).await?;
        let mut ahead = Vec::new();
        let mut rests = false;
        loop {
            let request = if rests {
                when_it_comes(request(&mut client, &mut ahead)).await?
            } else {
                request(&mut client, &mut ahead).await?
            };
            if self.last.take().is_some_and(|issued| issued.elapsed() >= self.life) {
                self.ends.lock().unwrap().at_rest += 1;
            }
            let nonce = nonce(&request);
            self.travel(nonce.as_deref()).await;
            server.write_all(&request).await?;
            let (answer, closes) = answer(&mut server).await?;
            rests = !answer.starts_with(b"HTTP/1.1 401");
            if rests {
                self.used(nonce);
            } else {
                self.issued(&answer);
            }
            advance((self.time)(Leg::Answer)).await;
            self.last = self.last.filter(|issued| issued.elapsed() < self.life);
            client.write_all(&answer).await?;
            if closes {
                return Ok(());
            }
        }
    }

    /// Lets a request take its time.
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

    fn issued(&mut self, answer: &[u8]) {
        if let Some(nonce) = nonce(answer) {
            self.nonces.insert(nonce, Nonce { issued: Instant::now(), unused: true });
        }
    }
}

/// Waits for a request, and lets time pass until it comes.
async fn when_it_comes<T>(request: impl Future<Output = T>) -> T {
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

/// The nonce in a head.
fn nonce(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once(" nonce=\"")?;
    rest.split_once('"').map(|(nonce, _)| nonce.to_owned())
}
