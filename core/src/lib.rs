//! The HTTP/JSON API of Dinstar UC2000, DWG2000 and compatible GSM/LTE SMS gateways, without I/O.
//!
//! These gateways hold up to 32 SIM cards, and send and receive SMS and USSD. This crate writes their requests, reads their
//! responses, logs in, and follows messages from submission to delivery. Bring your own sockets, timers and storage. It is
//! `no_std` and does not allocate.
//!
//! - [`client`]: the engine that drives a client: login, exchanges, time limits, and what may be repeated.
//! - [`track`]: from submission to delivery: what to query next, to which message a status report belongs, and what survives a
//!   restart.
//! - [`call`]: the nine calls of the API: a request, the records of its response, its summary.
//! - [`json`]: the values of a response, and which malformed JSON is read all the same.
//! - [`http`]: a request's bytes, the [`Response`](http::Response) to it, and the [login](http::login) (Digest and Basic).
//! - [`text`]: the text of each SMS: its alphabet, its segments, its `#param#` values.
//! - [`Port`], [`Number`], [`UserId`], [`Timestamp`] and others: values that cannot break the API's limits.
//!
//! "The document" is the vendor's "API document", version 0.4, whose sections the items name. "Later versions" are those up to
//! v202011.
//!
//! # Conventions
//! - The caller lends the memory. A buffer that is too small for a request is an error that says how much is needed
//!   ([`TooSmall`]). A record that is too large for the buffer is returned, and its oversized texts are marked
//!   [`TooLong`](json::Text::TooLong).
//! - Input may be split at any byte and yields the same records.
//! - Requests are held to the API's limits when they are built. Responses are not: unknown words and values stay readable
//!   ([`Field::Other`](json::Field::Other)).
//! - Errors are grouped by who can act: [`Invalid`], the caller's input; [`TooSmall`], the caller's memory;
//!   [`Refusal`](call::Refusal), the gateway's error_code; [`ReadError`](json::ReadError), a malformed response, with its
//!   offset; [`ChallengeError`](http::ChallengeError) and [`LoginError`](http::LoginError), the login. A call's
//!   [`Failure`](client::Failure) is one of these, or the loss of the connection.
//!
//! # Where to start
//! - A client over a socket of your own: [`client`] has the order of calls and a complete example. The example `blocking` of
//!   this package is a complete program.
//! - On Linux, use the crate `sms-gateway`; on a microcontroller with async, `sms-gateway-embassy`.
//! - Only the requests and responses, with an HTTP client of your own:
//!
//! ```
//! use sms_gateway_core::{
//!     Number,
//!     call::{Decoder, QuerySmsResult},
//!     http::{Head, request},
//! };
//!
//! let numbers = [Number::new("10086")?];
//! let call = QuerySmsResult::new().numbers(&numbers)?;
//! let mut buffer = [0; 256];
//! let bytes = request(&call, &Head { host: "192.168.1.9", ..Head::default() }, &mut buffer)?;
//! // … send `bytes`, skip the head of the response, and read its body as it arrives:
//! let body = br#"{"error_code":200"result":[{"port":2,"number":"10086","status":"DELIVERED",}]}"#;
//! let mut decoder = Decoder::<QuerySmsResult, _>::new([0; 256]);
//! for mut piece in body.chunks(10) {
//!     while let Some(result) = decoder.next(&mut piece)? {
//!         assert_eq!((result.port.get(), result.number.as_str()), (Some(2), "10086"));
//!     }
//! }
//! decoder.finish()?.check()?;
//! # assert!(bytes.starts_with(b"POST /api/query_sms_result HTTP/1.1\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why a custom JSON reader and writer
//! Four of the nine responses that the document prints are not JSON: commas are missing, one of them inside a record, and others
//! are surplus. No JSON crate continues after such an error, or stops at any byte and resumes in constant memory. A few lines
//! of code write the requests. In the tests, serde_json is the reader's oracle, and serde-json-core the writer's.
//! Records are filled by position from a list of keys, by one small function for all calls. They implement `serde::Serialize`.
//!
//! # Features
//! None is on by default. The minimum Rust version is 1.88.
//! - `defmt`: `defmt::Format` for values, errors and refusals. Their texts are not in flash.
//! - `sha256`: Digest login with SHA-256 in addition to MD5, 8 to 10 KB of flash on a Cortex-M.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(test)]
extern crate std;

pub mod call;
pub mod client;
mod error;
pub mod http;
pub mod json;
mod show;
pub mod text;
pub mod track;
mod value;
mod writer;

pub use error::TooSmall;
pub use value::{Invalid, Number, Port, Ports, PortsIter, TaskId, Timestamp, UserId};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
