//! Emulates an SMS gateway over real HTTP and HTTPS, for tests, demonstrations and firmware.
//!
//! It supports the nine calls of the gateway's API with their limits, the login and its lock-outs, status reports, an inbox,
//! USSD, and its own clock. Its ports take as much time as real ports. Each [quirk](Quirks) of real devices can be switched
//! on, among them [refusals](Refusals) of submissions. The [fate](Fate) of each message can be chosen. The emulator shares
//! no code with the clients that it tests.
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
//! With [`Options::https`] it serves HTTPS. The certificate is generated at the start. It can be of a
//! [kind](CertificateKind) that only old devices have. [`Emulator::certificate`] returns the certificate with its fingerprints.
//!
//! The emulator uses tokio's time: `tokio::time::pause` stops it, and `tokio::time::advance` moves it. While time is
//! paused, tokio jumps to the next timer when it waits for a socket. A client's timeout may then expire at once.
//! [`Emulator::serve`] needs no socket. Nothing
//! runs in the background: each access first processes the events that are due. [`Options::speed`] applies to everything in
//! the gateway, including its clock, but not to HTTP. It does not affect the lifetime of a nonce, the duration of a lock-out,
//! or the pauses of a [`Canned`] response, which are in outside time (tokio's time).

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
mod refusals;
mod replay;
mod reply;
mod request;
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
    quirks::{IntegerSpelling, NumberSpelling, Quirks, Redirect, RegSpelling, ReportTime, ResultNumber},
    refusals::Refusals,
    replay::Replay,
    reply::End,
    tls::{Certificate, CertificateKey, CertificateKind, Https, TlsVersions},
};
