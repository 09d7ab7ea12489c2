//! A scripted gateway in memory, the same for both adapters. It records each connection and each byte that arrives.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard},
    task::{Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    record::{Closing, Connection, Entry},
    reply::{Reply, Step},
};

/// A request as the script sees it.
pub struct Request {
    /// The number of the connection, from 1.
    pub connection: usize,
    /// The number of the request among all connections, from 1.
    pub index: usize,
    pub target: String,
    pub head: String,
    /// The body; empty if the script answers before the body arrives.
    pub body: String,
}

impl Request {
    /// The name of the API call.
    pub fn call(&self) -> &str {
        self.target.trim_start_matches("/api/").split('?').next().unwrap()
    }

    /// The value of the `Authorization` header.
    pub fn authorization(&self) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("authorization").then_some(value)
        })
    }

    /// Whether the request answers this nonce.
    pub fn has_nonce(&self, nonce: &str) -> bool {
        self.authorization().is_some_and(|value| value.contains(&format!("nonce=\"{nonce}\"")))
    }
}

/// The behaviour of a connection.
#[derive(Clone, Copy)]
pub struct Plan {
    pub opening: Opening,
    /// The number of bytes after which writing stalls, as if the peer did not read.
    pub window: usize,
    /// The number of bytes after which writing fails.
    pub write_limit: usize,
    /// The maximum number of bytes in one write.
    pub piece: usize,
    /// Whether the script answers as soon as the head has arrived.
    pub is_early: bool,
}

#[derive(Clone, Copy)]
pub enum Opening {
    Accepted,
    Delayed(Duration),
    Refused,
    Never,
}

impl Default for Plan {
    fn default() -> Self {
        let most = usize::MAX;
        Self { opening: Opening::Accepted, window: most, write_limit: most, piece: most, is_early: false }
    }
}

type Script = Box<dyn FnMut(&Request) -> Reply + Send>;
type Plans = Box<dyn FnMut(usize) -> Plan + Send>;

struct World {
    began: Instant,
    script: Script,
    plans: Plans,
    requests: usize,
    connections: Vec<Connection>,
    endpoints: Vec<Endpoint>,
}

/// The state of a connection. The events on it are recorded in a [`Connection`].
struct Endpoint {
    plan: Plan,
    outgoing: VecDeque<(Instant, Step)>,
    reader: Option<Waker>,
    written: usize,
    arriving: Vec<u8>,
    is_answered: bool,
}

#[derive(Clone)]
pub struct Peer(Arc<Mutex<World>>);

impl Peer {
    /// Returns a peer that never answers.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(World {
            began: Instant::now(),
            script: Box::new(|_| Reply::never()),
            plans: Box::new(|_| Plan::default()),
            requests: 0,
            connections: Vec::new(),
            endpoints: Vec::new(),
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Answers requests with this function from now on.
    pub fn script(&self, script: impl FnMut(&Request) -> Reply + Send + 'static) {
        self.world().script = Box::new(script);
    }

    /// Sets a function that decides the behaviour of each connection by its number, from 1.
    pub fn plan(&self, plans: impl FnMut(usize) -> Plan + Send + 'static) {
        self.world().plans = Box::new(plans);
    }

    /// Changes the behaviour of a connection that is open.
    pub fn change(&self, connection: usize, change: impl FnOnce(&mut Plan)) {
        change(&mut self.world().endpoints[connection - 1].plan);
    }

    /// Lets writing on a connection fail after this number of further bytes.
    pub fn limit_writes(&self, connection: usize, bytes: usize) {
        let endpoint = &mut self.world().endpoints[connection - 1];
        endpoint.plan.write_limit = endpoint.written + bytes;
    }

    /// Sends an unsolicited reply on the newest connection.
    pub fn push(&self, reply: &Reply) {
        let mut world = self.world();
        let index = world.endpoints.len() - 1;
        world.answer(index, reply);
    }

    /// Returns the time since the scenario began.
    pub fn elapsed(&self) -> Duration {
        self.world().began.elapsed()
    }

    /// Returns the number of connections that the client has opened or tried to open.
    pub fn connections(&self) -> usize {
        self.world().connections.len()
    }

    /// Takes the recorded connections.
    pub fn take(&self) -> Vec<Connection> {
        let mut world = self.world();
        for index in 0..world.endpoints.len() {
            world.cut_short(index);
        }
        std::mem::take(&mut world.connections)
    }

    /// Opens a connection, and returns its index.
    pub async fn open(&self) -> io::Result<usize> {
        let index = {
            let mut world = self.world();
            let number = world.endpoints.len() + 1;
            let plan = (world.plans)(number);
            let at = world.began.elapsed();
            world.connections.push(Connection { at, outcome: "opening".into(), entries: Vec::new() });
            world.endpoints.push(Endpoint {
                plan,
                outgoing: VecDeque::new(),
                reader: None,
                written: 0,
                arriving: Vec::new(),
                is_answered: false,
            });
            number - 1
        };
        let opening = self.world().endpoints[index].plan.opening;
        match opening {
            Opening::Accepted => {}
            Opening::Delayed(time) => tokio::time::sleep(time).await,
            Opening::Never => std::future::pending().await,
            Opening::Refused => {
                self.world().connections[index].outcome = "refused".into();
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
        }
        self.world().connections[index].outcome = "open".into();
        Ok(index)
    }

    /// Reads without waiting. If nothing has arrived, returns the time at which the next step of the reply is due; `None` if there is none.
    /// The next reply then wakes `waker`.
    pub fn read(
        &self,
        index: usize,
        room: &mut [u8],
        waker: &Waker,
    ) -> Result<io::Result<usize>, Option<Instant>> {
        let mut world = self.world();
        let endpoint = &mut world.endpoints[index];
        let Some((due, step)) = endpoint.outgoing.front_mut() else {
            endpoint.reader = Some(waker.clone());
            return Err(None);
        };
        if *due > Instant::now() {
            endpoint.reader = Some(waker.clone());
            return Err(Some(*due));
        }
        match step {
            Step::Bytes(bytes) => {
                let count = room.len().min(bytes.len());
                room[..count].copy_from_slice(&bytes[..count]);
                bytes.drain(..count);
                if bytes.is_empty() {
                    endpoint.outgoing.pop_front();
                }
                Ok(Ok(count))
            }
            Step::Endless(bytes, every) => {
                let count = room.len().min(bytes.len());
                room[..count].copy_from_slice(&bytes[..count]);
                // A small buffer receives the remaining bytes with the next read.
                bytes.rotate_left(count);
                *due += *every;
                Ok(Ok(count))
            }
            // The step is not removed, so later reads return the end too.
            Step::Close => Ok(Ok(0)),
            Step::Reset => Ok(Err(io::ErrorKind::ConnectionReset.into())),
            Step::Wait(_) => unreachable!("waits become times"),
        }
    }

    pub fn write(&self, index: usize, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.world().write(index, bytes)
    }

    /// Whether the connection is open and nothing has arrived.
    pub fn is_quiet(&self, index: usize) -> bool {
        self.world().endpoints[index].outgoing.front().is_none_or(|(due, _)| *due > Instant::now())
    }

    /// Records that the client has closed or dropped the connection.
    pub fn closed(&self, index: usize, closing: Closing) {
        let mut world = self.world();
        if world.connections.is_empty() {
            // The records were already taken.
            return;
        }
        world.cut_short(index);
        let at = world.began.elapsed();
        world.connections[index].entries.push((at, Entry::Closed(closing)));
    }
}

impl World {
    fn write(&mut self, index: usize, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let endpoint = &mut self.endpoints[index];
        let is_reset =
            matches!(endpoint.outgoing.front(), Some((due, Step::Reset)) if *due <= Instant::now());
        let room = endpoint.plan.write_limit.saturating_sub(endpoint.written);
        if is_reset || (room == 0 && !bytes.is_empty()) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes
            .len()
            .min(room)
            .min(endpoint.plan.piece)
            .min(endpoint.plan.window.saturating_sub(endpoint.written));
        if count == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        endpoint.written += count;
        let at = self.began.elapsed();
        if endpoint.arriving.is_empty() {
            self.connections[index].entries.push((at, Entry::Request { bytes: Vec::new(), is_whole: false }));
        }
        endpoint.arriving.extend(&bytes[..count]);
        self.arrived(index);
        Poll::Ready(Ok(count))
    }

    /// Answers the request if enough of it has arrived.
    fn arrived(&mut self, index: usize) {
        let endpoint = &mut self.endpoints[index];
        let Some((head, length)) = head(&endpoint.arriving) else { return };
        let is_whole = endpoint.arriving.len() >= head + length;
        assert!(
            endpoint.arriving.len() <= head + length,
            "a request came before the response to the last one"
        );
        let has_ended = endpoint
            .outgoing
            .front()
            .is_some_and(|(due, step)| *due <= Instant::now() && matches!(step, Step::Close | Step::Reset));
        if !endpoint.is_answered && !has_ended && (is_whole || endpoint.plan.is_early) {
            endpoint.is_answered = true;
            self.requests += 1;
            let request = request(&endpoint.arriving, head, index + 1, self.requests);
            let reply = (self.script)(&request);
            self.answer(index, &reply);
        }
        if is_whole {
            let bytes = std::mem::take(&mut self.endpoints[index].arriving);
            self.endpoints[index].is_answered = false;
            self.note(index, bytes, true);
        }
    }

    /// Completes the entry of the request that is arriving.
    fn note(&mut self, index: usize, bytes: Vec<u8>, is_whole: bool) {
        let entries = self.connections[index].entries.iter_mut().rev();
        let entry = entries.map(|(_, entry)| entry).find(|entry| matches!(entry, Entry::Request { .. }));
        *entry.expect("a request") = Entry::Request { bytes, is_whole };
    }

    /// Records a request that did not arrive completely.
    fn cut_short(&mut self, index: usize) {
        let bytes = std::mem::take(&mut self.endpoints[index].arriving);
        if !bytes.is_empty() {
            self.note(index, bytes, false);
        }
    }

    /// Sends a reply, step by step.
    fn answer(&mut self, index: usize, reply: &Reply) {
        let at = self.began.elapsed();
        self.connections[index].entries.push((at, Entry::Reply(reply.clone())));
        let endpoint = &mut self.endpoints[index];
        let mut due = Instant::now();
        for step in &reply.steps {
            match step {
                Step::Wait(time) => due += *time,
                // Reading no bytes would mean the end of the connection.
                Step::Bytes(bytes) if bytes.is_empty() => {}
                Step::Endless(bytes, every) => {
                    endpoint.outgoing.push_back((due + *every, Step::Endless(bytes.clone(), *every)));
                }
                step => endpoint.outgoing.push_back((due, step.clone())),
            }
        }
        if let Some(reader) = endpoint.reader.take() {
            reader.wake();
        }
    }
}

/// Returns the lengths of the head and of the body.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    Some((end, length.unwrap_or(0)))
}

fn request(bytes: &[u8], head: usize, connection: usize, index: usize) -> Request {
    // An early answer may cut a character in two.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = (text(&bytes[..head]), text(&bytes[head..]));
    let target = head.split(' ').nth(1).expect("a target").to_owned();
    Request { connection, index, target, head, body }
}
