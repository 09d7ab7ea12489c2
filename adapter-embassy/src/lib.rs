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
//! use sms_gateway_embassy::{Error, Gateway, Memory, Transport, core::call::{GetPortInfo, Infos}};
//!
//! async fn look<T: Transport>(transport: T, entropy: &mut dyn FnMut() -> u64) -> Result<u32, Error<T::Error>> {
//!     let mut memory: Memory = Memory::new();
//!     let mut gateway = Gateway::new(transport, "192.168.1.9", memory.buffers(), entropy).credentials("admin", "secret");
//!     let mut registered = 0;
//!     let mut answer = gateway.get_port_info(&GetPortInfo::new(Infos::DOCUMENTED)?).await?;
//!     while let Some(info) = answer.next().await? {
//!         registered += u32::from(info.is_registered());
//!     }
//!     Ok(registered)
//! }
//! ```
//!
//! # What a dropped future leaves
//! All that is known lives in the [`Gateway`], not in futures. A call whose future is dropped, by a `select` for example, has perhaps left;
//! its connection is closed by the next call, which opens another. Dropping a future of [`Answer::next`] loses nothing.
#![no_std]

mod answer;
mod error;
mod gateway;
mod line;
mod memory;
mod messenger;
#[cfg(feature = "embassy-net")]
pub mod net;
pub mod store;
mod transport;
mod ussd;

pub use crate::{
    answer::Answer,
    error::{Buffer, Error, Fault, Wait},
    gateway::{Accepted, Gateway},
    memory::{Buffers, Limits, Memory},
    messenger::{Event, Incoming, Messenger, Room, SendError, Sms, StartError},
    store::{NoRoom, RamStore, Store},
    transport::{Opened, OpenedError, Transport},
    ussd::{Ussd, UssdWait},
};
/// Either what was waited for or something else: what [`Messenger::next_or`] gives.
pub use embassy_futures::select::Either;
pub use sms_gateway_core as core;
