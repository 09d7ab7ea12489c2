//! Sends messages to a server as fast as it accepts them, and prints the rate and the times of the responses.
//!
//! ```sh
//! SMS_SERVER_KEY=sk_… cargo run --release -p sms-server --example load -- 127.0.0.1:8480 +8613800138000 64 100000 1
//! ```
//!
//! The arguments are the address, the recipient, the number of connections, the number of messages, and the number of messages in a
//! request. Every message has an idempotency key of its own.

use std::{
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

type Failure = Box<dyn Error + Send + Sync>;

/// The requests that all connections send.
struct Load {
    address: String,
    key: String,
    number: String,
    requests: u64,
    each: u64,
    next: AtomicU64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<_> = env::args().skip(1).collect();
    let [address, number, connections, messages, each] = args.as_slice() else {
        return Err("usage: load ADDRESS NUMBER CONNECTIONS MESSAGES MESSAGES-IN-A-REQUEST".into());
    };
    let (connections, messages, each): (usize, u64, u64) =
        (connections.parse()?, messages.parse()?, each.parse()?);
    let load = Arc::new(Load {
        address: address.clone(),
        key: env::var("SMS_SERVER_KEY")?,
        number: number.clone(),
        requests: messages / each,
        each,
        next: AtomicU64::new(0),
    });
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(send_all(Arc::clone(&load)));
    }
    let mut times = Vec::new();
    while let Some(sent) = tasks.join_next().await {
        times.extend(sent??);
    }
    print(&mut times, messages, began.elapsed());
    Ok(())
}

fn print(times: &mut [Duration], messages: u64, elapsed: Duration) {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    // A rate needs no more precision.
    #[allow(clippy::cast_precision_loss)]
    let rate = messages as f64 / elapsed.as_secs_f64();
    println!(
        "{messages} messages in {:.1} s: {rate:.0} a second; response after {:?} (median), {:?} (99 %), {:?} (longest)",
        elapsed.as_secs_f64(),
        at(50).copied().unwrap_or_default(),
        at(99).copied().unwrap_or_default(),
        times.last().copied().unwrap_or_default()
    );
}

/// Sends requests over one connection until all are sent.
async fn send_all(load: Arc<Load>) -> Result<Vec<Duration>, Failure> {
    let mut stream = TcpStream::connect(&load.address).await?;
    stream.set_nodelay(true)?;
    let (mut times, mut response) = (Vec::new(), Vec::new());
    loop {
        let serial = load.next.fetch_add(1, Ordering::Relaxed);
        if serial >= load.requests {
            return Ok(times);
        }
        let request = request(&load, serial);
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read(&mut stream, &mut response).await?;
        times.push(began.elapsed());
        if !response.starts_with(b"HTTP/1.1 202 ") {
            return Err(String::from_utf8_lossy(&response).into_owned().into());
        }
    }
}

fn request(load: &Load, serial: u64) -> String {
    let message = format!(r#"{{"to":"{}","text":"Message {serial}"}}"#, load.number);
    let body = if load.each == 1 {
        message
    } else {
        let messages = vec![message; usize::try_from(load.each).unwrap_or(1)].join(",");
        format!(r#"{{"messages":[{messages}]}}"#)
    };
    format!(
        "POST /v1/messages HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer {}\r\nIdempotency-Key: load-{}-{serial}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        load.key,
        std::process::id(),
        body.len()
    )
}

/// Reads a response with a Content-Length.
async fn read(stream: &mut TcpStream, response: &mut Vec<u8>) -> Result<(), Failure> {
    response.clear();
    loop {
        if stream.read_buf(response).await? == 0 {
            return Err("the server has closed the connection".into());
        }
        let Some(head) = response.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&response[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("a response without Content-Length")?.trim().parse()?;
        if response.len() >= head + 4 + length {
            return Ok(());
        }
    }
}
