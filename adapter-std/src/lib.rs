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
//! # async fn example() -> Result<(), sms_gateway::Error> {
//! let gateway = Gateway::builder("http://192.168.1.9").credentials("admin", "secret").build()?;
//! let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await?;
//! while let Some(result) = answer.next().await? {
//!     println!("{} {}", result.number, result.status);
//! }
//! # Ok(()) }
//! ```
//!
//! A [`Messenger`] does more: it follows messages from sending to delivery, over lost answers and restarts, and hands out what
//! comes in. See [`messenger`].

mod answer;
mod batch;
mod connect;
mod error;
mod gateway;
mod login;
pub mod messenger;
mod session;
pub mod store;
mod ussd;

pub use answer::{Answer, Records};
pub use batch::{Batch, BatchError, Part, Task};
pub use error::{Error, UrlError, Wait};
pub use gateway::{Accepted, Builder, Gateway};
pub use messenger::{Closed, Handle, Messenger, Sms};
pub use sms_gateway_core as core;
pub use ussd::{Ussd, UssdError, UssdWait};

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
