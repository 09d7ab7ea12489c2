//! A client for the HTTP/JSON API of GSM/LTE SMS gateways, on tokio and hyper.
//!
//! [`Gateway`] is one device: it keeps a connection, stays logged in, and has a method for each of the API's nine calls.
//! Requests are built with the types of [`core`], which check the limits of the API. The tolerant reader of [`core`] parses the
//! responses.
//!
//! Responses of any length are read in constant memory:
//!
//! ```no_run
//! use sms_gateway::{Gateway, core::call::QuerySmsResult};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder("http://192.168.1.9").credentials("admin", "secret").build()?;
//! let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await?;
//! while let Some(result) = response.next().await? {
//!     println!("{} {}", result.number, result.status);
//! }
//! # Ok(()) }
//! ```
//!
//! A [`Messenger`] does more: it tracks messages from sending to delivery, across lost responses and restarts. It also hands out
//! incoming messages. See [`messenger`] and the [guides](guide).
//!
//! # Features
//! The minimum Rust version is 1.88.
//! - `tls` (on by default): `https://` URLs, with rustls and ring. Building ring needs a C compiler.
//! - `redb`: a durable store in one file, `store::Database`. This feature needs Rust 1.90.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod builder;
mod client;
mod connect;
mod connection;
mod error;
mod gateway;
#[cfg(any(doc, doctest))]
pub mod guide;
mod hint;
mod hold;
pub mod messenger;
mod observe;
mod raw;
mod response;
pub mod store;
#[cfg(feature = "tls")]
pub mod tls;
mod turns;
mod ussd;

pub use batch::{Batch, BatchError, Part, Task};
pub use builder::Builder;
pub use error::{Error, UrlError};
pub use gateway::Gateway;
pub use messenger::{Closed, Event, Handle, Health, Incoming, Messenger, SendError, Sms, StartError};
pub use observe::WireEvent;
pub use raw::RawResponse;
pub use response::{Records, Response};
pub use sms_gateway_core as core;
pub use sms_gateway_core::{
    Invalid, Number, Port, Ports, TaskId, UserId,
    call::RawCall,
    client::{Accepted, Failure, Timeouts},
    track::{Message, State, StopResult},
};
pub use ussd::{Ussd, UssdError, UssdWait};

/// Compiles the examples in the READMEs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../README.md")]
struct Readme;
