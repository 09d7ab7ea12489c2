//! Client for the HTTP/JSON API of GSM/LTE SMS gateways on microcontrollers, over any byte stream.
//!
//! - A [`Gateway`] makes the nine calls of the API.
//! - A [`Messenger`] sends messages through it, follows each to its final state, and receives messages. A [`Store`] keeps its data
//!   across restarts.
//!
//! A [`Gateway`] keeps one connection to its device and stays logged in. The crate is `no_std`, does not allocate, and works in
//! [memory](Buffers) that the caller lends. The connection is a [`Transport`]: any `embedded_io_async::Read + Write` that can be opened
//! again. Time limits are `core::time::Duration`s, measured with `embassy-time`.
//!
//! ```no_run
//! use sms_gateway_embassy::{Error, Gateway, Memory, Transport, core::call::{GetPortInfo, Info, InfoSet}};
//!
//! async fn look<T: Transport>(transport: T, entropy: &mut dyn FnMut() -> u64) -> Result<u32, Error<T::Error>> {
//!     let mut memory: Memory = Memory::new();
//!     let mut gateway = Gateway::new(transport, "192.168.1.9", memory.buffers(), entropy).credentials("admin", "secret");
//!     let mut registered = 0;
//!     // Some gateways do not know smsc, and refuse the whole request.
//!     let infos = InfoSet::DOCUMENTED.without(Info::Smsc);
//!     let mut response = gateway.get_port_info(&GetPortInfo::new(infos)?).await?;
//!     while let Some(info) = response.next().await? {
//!         registered += u32::from(info.is_registered());
//!     }
//!     Ok(registered)
//! }
//! ```
//!
//! The guide [`firmware`](guide::firmware) contains a complete program for a board.
//!
//! # Dropped futures
//! All state is in the [`Gateway`], not in futures. If the future of a call is dropped, for example by a `select`, its request may have
//! been sent. The next call closes the connection and opens a new one. Dropping a future of [`Response::next`] loses nothing.
//!
//! # Modems
//! A modem with AT commands can be a [`Transport`], too. `tests/at/socket.rs`, next to this crate's sources, implements one: it opens the
//! sockets of ESP-AT over any UART, in lent memory. Copy it into your firmware; `examples/modem.rs` shows its use. The documentation
//! of `socket.rs` explains what must hold when futures are dropped.
//!
//! # TLS
//! TLS is a [`Transport`] over another [`Transport`]. `tests/tls/session.rs`, next to this crate's sources, implements it with embedded-tls
//! 0.19, in lent memory. Copy it into your firmware. Like a socket, this transport can be opened again. It sends no request to a gateway
//! without the right certificate. On a Cortex-M4 (`opt-level = "s"`, P-256, AES-128) it needs, in addition to the memory of the socket:
//!
//! | part | RAM |
//! |---|---|
//! | incoming records, of TLS's maximum size, because few servers agree to smaller records | 16,640 bytes |
//! | outgoing records | 512 bytes |
//! | the future that runs its sessions, including 1,264 bytes for `TlsConnection` | 6.8 KiB |
//! | data passed between that future and the calls | 0.8 KiB |
//! | stack, while a session is being opened | 28 KiB |
//!
//! It also needs 85 KiB of flash. embedded-tls has these limits:
//! - It does not support TLS 1.2. It accepts certificates with ECDSA over P-256; its features add P-384, Ed25519, and RSA
//!   (which allocates).
//! - It matches an IP address only with a DNS name or the common name of a certificate. It checks dates only if it has a clock.
//! - It lets the owner of any certificate signed by the trusted authority act as an authority, too. It is best to trust the gateway's own
//!   certificate.
//! - It accepts a handshake without any certificate, whichever verifier is used. `session.rs` refuses such a handshake.
//! - A server that impersonates the gateway can make embedded-tls panic, with an empty record in the handshake. A board should reset
//!   itself after a panic.
//!
//! # Features
//! No feature is on by default. The minimum Rust version is 1.88.
//! - `embassy-net`: `net::Tcp`, a [`Transport`] over the TCP sockets of embassy-net.
//! - `dns`: finds the gateway by its name, `net::Tcp::by_name`.
//! - `flash`: `store::FlashStore`, a [`Store`] over sequential-storage.
//! - `defmt`: `defmt::Format` for errors, events, and the results of calls.
//! - `sha256`: Digest login with SHA-256 in addition to MD5; adds 8 to 10 KB of flash on a Cortex-M.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod connection;
mod error;
mod gateway;
#[cfg(any(doc, doctest))]
pub mod guide;
mod memory;
mod messenger;
#[cfg(feature = "embassy-net")]
pub mod net;
mod raw;
mod response;
pub mod store;
mod transport;
mod ussd;

pub use crate::{
    error::Error,
    gateway::Gateway,
    memory::{Buffers, Memory},
    messenger::{Event, Messenger, MessengerBuffers},
    raw::RawResponse,
    response::Response,
    store::{NoRoom, RamStore, Store},
    transport::{Opened, OpenedError, Transport},
};
/// The outcome of [`Messenger::next_or`]: an event, or the output of the other future.
pub use embassy_futures::select::Either;
pub use sms_gateway_core as core;
pub use sms_gateway_core::call::RawCall;
pub use sms_gateway_core::client::{
    Accepted, Buffer, Excerpt, Failure, Health, Incoming, SendError, Sms, StoreError, Timeouts, Ussd,
    UssdWait,
};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
