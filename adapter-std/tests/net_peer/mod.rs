//! A gateway in memory. The test decides every response.

// Each test program uses only a part of this module.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use sms_gateway::{Builder, Gateway};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{mpsc, watch},
    task::yield_now,
    time::timeout,
};

/// The maximum wait for the client, far above its own limits. The tests' clock is paused, so a test that waits in vain fails at once.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A gateway in memory. It counts its connections.
pub struct NetPeer {
    requests: mpsc::UnboundedReceiver<Request>,
    open: watch::Receiver<usize>,
}

/// A request that waits for its response.
pub struct Request {
    /// The method and the target.
    pub line: String,
    pub body: String,
    /// The number of its connection, from 1.
    pub connection: usize,
    response: mpsc::UnboundedSender<Vec<u8>>,
}

impl NetPeer {
    /// Returns a peer and a gateway that is connected to it.
    pub fn new(configure: impl FnOnce(Builder) -> Builder) -> (Self, Gateway) {
        let (seen, requests) = mpsc::unbounded_channel();
        let counter = watch::Sender::new(0);
        let open = counter.subscribe();
        let opened = AtomicUsize::new(0);
        let connect = move |_| {
            let number = opened.fetch_add(1, Ordering::Relaxed) + 1;
            let (client, server) = duplex(1 << 20);
            counter.send_modify(|open| *open += 1);
            let (seen, counter) = (seen.clone(), counter.clone());
            tokio::spawn(async move {
                // The client may close the connection at any time.
                let _ = serve(server, number, seen).await;
                counter.send_modify(|open| *open -= 1);
            });
            std::future::ready(Ok(client))
        };
        let gateway = configure(Gateway::builder("http://gateway").connector(connect)).build().unwrap();
        (Self { requests, open }, gateway)
    }

    /// Waits for the next request and asserts that it is this call. Probes on a second connection, and the query for reports before a
    /// submission, are answered here.
    pub async fn request(&mut self, call: &str) -> Request {
        loop {
            let request = timeout(PATIENCE, self.requests.recv()).await.expect(call).unwrap();
            if request.line.contains(call) {
                return request;
            }
            if call == "send_sms" && request.line.contains("query_sms_deliver_status") {
                request.respond(r#"{"error_code":200,"data":[]}"#);
                continue;
            }
            let is_probe = request.connection > 1 && request.line.contains("query_sms_in_queue");
            assert!(is_probe, "{call}: {}", request.line);
            request.respond(r#"{"error_code":200,"in_queue":3}"#);
        }
    }

    /// Waits for the next request; `None` if the gateway has been dropped.
    pub async fn next(&mut self) -> Option<Request> {
        self.requests.recv().await
    }

    /// Returns the number of open connections.
    pub fn connections(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until this many connections are open.
    pub async fn connections_are(&mut self, count: usize) {
        timeout(PATIENCE, self.open.wait_for(|open| *open == count)).await.expect("connections").unwrap();
    }

    /// Waits until all connections are closed.
    pub async fn closed(&mut self) {
        self.connections_are(0).await;
    }

    /// Asserts that no connection and no task of the runtime is left. Tasks that are about to end are polled first.
    pub async fn assert_nothing_left(&mut self) {
        for _ in 0..100 {
            yield_now().await;
        }
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert_eq!((*self.open.borrow(), tasks), (0, 0), "connections and tasks left");
    }
}

impl Request {
    /// Sends raw bytes of the response.
    pub fn send(&self, bytes: impl Into<Vec<u8>>) {
        let _ = self.response.send(bytes.into());
    }

    /// Sends the head of a response with this body length, and the beginning of the body.
    pub fn begin(&self, length: usize, body: &str) {
        self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"));
    }

    /// Sends a whole response.
    pub fn respond(self, body: &str) {
        self.begin(body.len(), body);
    }
}

/// Hands requests to the test, and writes the test's responses, until the client closes.
async fn serve(
    mut stream: DuplexStream,
    connection: usize,
    seen: mpsc::UnboundedSender<Request>,
) -> io::Result<()> {
    let mut ahead = Vec::new();
    loop {
        let (line, body) = read_request(&mut stream, &mut ahead).await?;
        let (response, mut pieces) = mpsc::unbounded_channel();
        if seen.send(Request { line, body, connection, response }).is_err() {
            return Ok(());
        }
        loop {
            tokio::select! {
                piece = pieces.recv() => match piece {
                    Some(piece) => stream.write_all(&piece).await?,
                    None => break,
                },
                read = stream.read_buf(&mut ahead) => if read? == 0 { return Ok(()) },
            }
        }
    }
}

async fn read_request(stream: &mut DuplexStream, ahead: &mut Vec<u8>) -> io::Result<(String, String)> {
    loop {
        let text = String::from_utf8_lossy(ahead).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.trim().parse().unwrap());
            if let Some(body) = rest.get(..length) {
                ahead.drain(..head.len() + 4 + length);
                return Ok((head.lines().next().unwrap_or_default().to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
