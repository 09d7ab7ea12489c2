//! A client for the HTTP/JSON API of GSM/LTE SMS gateways, on tokio and hyper.
//!
//! [`Gateway`] is one box: it keeps a connection, stays logged in, and has a method for each of the API's nine calls.
//! Requests are built with the types of [`core`], which check the API's limits; answers are read by its tolerant reader.
//!
//! Answers of any length are read in constant memory:
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
//! A [`Messenger`] does more: it follows messages from sending to delivery, over lost answers and restarts, and hands out what
//! comes in. See [`messenger`].

mod batch;
mod client;
mod connect;
mod connection;
mod error;
mod gateway;
pub mod messenger;
mod response;
pub mod store;
mod ussd;

pub use batch::{Batch, BatchError, Part, Task};
pub use error::{Error, UrlError};
pub use gateway::{Accepted, Builder, Gateway};
pub use messenger::{Closed, Handle, Messenger, Sms};
pub use response::{Records, Response};
pub use sms_gateway_core as core;
pub use sms_gateway_core::client::Failure;
pub use ussd::{Ussd, UssdError, UssdWait};

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
