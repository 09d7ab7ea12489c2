//! Sends a message and prints each update until its final state.
//!
//!     cargo run -p sms-gateway-embassy --example follow [URL USER PASSWORD NUMBER TEXT]
//!
//! URL is `http://host[:port]`. Without arguments, the message is sent to an emulated gateway, which is faster than a real one.
//!
//! On a board, the chip's time driver replaces `clock`, `net::Tcp` replaces `tcp`, and embassy's executor replaces tokio.

#[path = "../tests/common/clock.rs"]
mod clock;
#[allow(unreachable_pub)]
#[path = "../tests/common/tcp.rs"]
mod tcp;

use std::{
    collections::hash_map::RandomState,
    error::Error,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use gateway_emulator::{Emulator, Options};
use sms_gateway_embassy::{
    Event, Gateway, Memory, Messenger, MessengerBuffers, RamStore, Sms,
    core::track::{Message, PendingReport, Settings, Slot, Timing},
};
use tcp::Tcp;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    run(&arguments, &mut |message| println!("message {}: {}", message.id, message.state)).await
}

/// A message, and the gateway that sends it.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    /// The gateway's address, `host[:port]`.
    pub(crate) host: &'a str,
    /// The user name and password.
    pub(crate) credentials: (&'a str, &'a str),
    /// The recipient.
    pub(crate) number: &'a str,
    /// The text.
    pub(crate) text: &'a str,
}

/// Runs the program.
///
/// # Errors
/// If the arguments are invalid, or for the reasons listed at [`follow`].
pub(crate) async fn run(
    arguments: &[String],
    update: &mut dyn FnMut(&Message),
) -> Result<(), Box<dyn Error>> {
    match arguments {
        [] => {
            let emulator = Emulator::start(Options { speed: 100.0, ..Options::default() }).await?;
            let host = emulator.addr().to_string();
            let task = Task { host: &host, credentials: ("admin", "admin"), number: "10086", text: "Hello" };
            Box::pin(follow(task, quick(), update)).await
        }
        [url, username, password, number, text] => {
            let host = url.strip_prefix("http://").ok_or("the URL must begin with http://")?;
            let credentials = (username.as_str(), password.as_str());
            let task = Task { host: host.trim_end_matches('/'), credentials, number, text };
            Box::pin(follow(task, Settings::default(), update)).await
        }
        _ => Err("usage: follow [URL USER PASSWORD NUMBER TEXT]".into()),
    }
}

/// Settings for an emulator that is faster than a real gateway.
pub(crate) fn quick() -> Settings {
    let wait = Duration::from_millis(50);
    let timing = Timing {
        first_result: wait,
        first_report: wait,
        results_every: wait,
        reports_every: wait,
        ..Timing::default()
    };
    Settings { timing, ..Settings::default() }
}

/// Sends a message, and calls `update` for each change until its final state.
///
/// # Errors
/// If the host has no address, the message is invalid or cannot be stored, or a request fails.
pub(crate) async fn follow(
    task: Task<'_>,
    settings: Settings,
    update: &mut dyn FnMut(&Message),
) -> Result<(), Box<dyn Error>> {
    let Task { host, credentials: (username, password), number, text } = task;
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let address = tokio::net::lookup_host(address).await?.next().ok_or("the host has no address")?;
    let (mut memory, mut entropy) = (Memory::<2048, 1536, 2048, 512>::new(), || {
        // Each hasher has its own random keys.
        RandomState::new().build_hasher().finish()
    });
    let gateway =
        Gateway::new(Tcp::new(address), host, memory.buffers(), &mut entropy).credentials(username, password);
    let (mut slots, mut pending_reports) = ([Slot::EMPTY; 4], [PendingReport::EMPTY; 2]);
    let (mut texts, mut incoming, mut stored) = ([0; 1500], [0; 512], [0; 2048]);
    let buffers = MessengerBuffers {
        slots: &mut slots,
        pending_reports: &mut pending_reports,
        texts: &mut texts,
        incoming: &mut incoming,
    };
    let mut messenger = Messenger::new(gateway, RamStore::new(&mut stored), buffers, settings);
    messenger.send(&Sms::new(number, text)?).await?;
    loop {
        match messenger.next().await? {
            Event::Update(message) => {
                update(&message);
                messenger.acknowledge(&message);
                if message.is_final {
                    return Ok(());
                }
            }
            Event::RequestsFailing(error) => return Err(error.to_string().into()),
            _ => {}
        }
    }
}
