//! Plays an SMS gateway over real HTTP, for tests, demonstrations and firmware.
//!
//! It has the nine calls of the gateway's API with their limits, the login and its lock-outs, ports that take their
//! time, status reports, an inbox, USSD, and a clock of its own. Each [quirk](Quirks) of real devices can be switched
//! on, and the [fate](Fate) of each message be decided. It shares no code with the client that talks to it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use gateway_emulator::{Emulator, Fate, Options};
//!
//! let gateway = Emulator::start(Options { speed: 1000.0, ..Options::default() }).await?;
//! gateway.set_fate("10086", Fate::Undelivered(70));
//! // … a client talks to gateway.url() …
//! gateway.idle().await;
//! assert!(gateway.messages().is_empty());
//! # Ok(()) }
//! ```
//!
//! Time is tokio's: with `tokio::time::pause` it stands still, and `tokio::time::advance` moves it. (Paused, tokio also
//! leaps to the next timer when it waits for a socket: a client's time limit may then pass at once.) Nothing runs in the
//! background; the gateway catches up whenever it is asked. [`Options::speed`] makes all that it does faster, its
//! clock included, but not what concerns HTTP: the life of a nonce, a lock-out, the pauses of a [`Canned`] answer.

mod call;
mod canned;
mod clock;
mod closing;
mod device;
mod emulator;
mod exchange;
mod fate;
mod json;
mod log;
mod login;
mod options;
mod params;
mod quirks;
mod reply;
mod rng;
mod segments;
mod server;
#[cfg(test)]
mod test_client;
#[cfg(test)]
mod tests;
mod tls;

pub use crate::{
    canned::Canned,
    closing::Closed,
    device::{Restart, message::Status, port::Reg},
    emulator::Emulator,
    fate::{Arrival, Fate, Plan},
    log::{Counts, IncomingSeen, MessageSeen, RequestSeen},
    options::{Auth, Counted, LockedOut, NonceCount, NonceLife, Options, Stale},
    quirks::{NumberSpelling, Quirks, Redirect, RegSpelling, ReportTime},
    reply::End,
    tls::{Certificate, CertificateKey, CertificateKind, Https, TlsVersions},
};
