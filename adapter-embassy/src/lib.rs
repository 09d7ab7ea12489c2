//! Client for the HTTP/JSON API of GSM/LTE SMS gateways on microcontrollers, over anything that reads and writes.
//!
//! - A [`Gateway`] makes the nine calls of the API.
//! - A [`Messenger`] over one sends messages, follows each to its end, and receives messages; what it must not forget is in a [`Store`].
//!
//! A gateway keeps one connection to a gateway, and stays logged in. All is `no_std`, does not
//! allocate, and works in [memory](Buffers) that is lent to it. What it speaks over is a [`Transport`]: any
//! `embedded_io_async::Read + Write` that can be opened again. Time limits are of `embassy-time`.
//!
//! ```no_run
//! use sms_gateway_embassy::{Error, Gateway, Memory, Transport, core::call::{GetPortInfo, InfoSet}};
//!
//! async fn look<T: Transport>(transport: T, entropy: &mut dyn FnMut() -> u64) -> Result<u32, Error<T::Error>> {
//!     let mut memory: Memory = Memory::new();
//!     let mut gateway = Gateway::new(transport, "192.168.1.9", memory.buffers(), entropy).credentials("admin", "secret");
//!     let mut registered = 0;
//!     let mut response = gateway.get_port_info(&GetPortInfo::new(InfoSet::DOCUMENTED)?).await?;
//!     while let Some(info) = response.next().await? {
//!         registered += u32::from(info.is_registered());
//!     }
//!     Ok(registered)
//! }
//! ```
//!
//! # What a dropped future leaves
//! All that is known lives in the [`Gateway`], not in futures. A call whose future is dropped, by a `select` for example, has perhaps left;
//! its connection is closed by the next call, which opens another. Dropping a future of [`Response::next`] loses nothing.
//!
//! # TLS
//! TLS is a [`Transport`] over another one. `tests/tls/session.rs`, next to this crate's sources, is one of embedded-tls 0.19, in lent
//! memory and written to be copied; it is opened anew like a socket, and tells nothing to a gateway without the right certificate.
//! On a Cortex-M4 (`opt-level = "s"`, P-256, AES-128) it takes, beside the socket:
//!
//! | what | RAM |
//! |---|---|
//! | records that come in: as large as TLS allows, since few servers let smaller ones be agreed on | 16,640 bytes |
//! | records that leave | 512 bytes |
//! | the future of its sessions, of which `TlsConnection` is 1,264 | 6.8 KiB |
//! | what goes between that and the calls | 0.8 KiB |
//! | stack, while a session is opened | 28 KiB |
//!
//! and 85 KiB of flash. What embedded-tls can't do:
//! - TLS 1.2; certificates other than ECDSA with P-256, unless its features for P-384, Ed25519, or RSA, which allocates, are on.
//! - An address as a certificate's name, unless it stands there as a DNS name or as the common name. Dates are looked at only with a clock.
//! - An authority is one whose certificate was signed by the one that is trusted, whatever it was signed for. It is best to trust
//!   the gateway's own certificate.
//! - It takes a handshake without any certificate for a good one, whatever verifies certificates; `session.rs` looks for that. And
//!   whoever answers in the gateway's place can make it panic, by an empty record in the handshake. A board should reset itself then.
#![no_std]

mod clock;
mod connection;
mod error;
mod gateway;
mod memory;
mod messenger;
#[cfg(feature = "embassy-net")]
pub mod net;
mod response;
pub mod store;
mod transport;
mod ussd;

pub use crate::{
    error::Error,
    gateway::Gateway,
    memory::{Buffers, Memory},
    messenger::{Event, Messenger, MessengerBuffers},
    response::Response,
    store::{NoRoom, RamStore, Store},
    transport::{Opened, OpenedError, Transport},
};
/// Either what was waited for or something else: what [`Messenger::next_or`] gives.
pub use embassy_futures::select::Either;
pub use sms_gateway_core as core;
pub use sms_gateway_core::client::{
    Accepted, Buffer, Failure, Health, Incoming, SendError, Sms, StoreError, Timeouts, Ussd, UssdWait,
};
