//! The HTTP/JSON API of Dinstar UC2000, DWG2000 and compatible GSM/LTE SMS gateways, without I/O.
//!
//! These gateways hold up to 32 SIM cards, and send and receive SMS and USSD. This crate writes their requests, reads their
//! responses, logs in, and follows messages from submission to delivery. Bring your own sockets, timers and storage. The crate is
//! `no_std` and does not allocate.
//!
//! - [`client`]: the engine of a client, which handles login, exchanges, time limits and retries.
//! - [`track`]: follows messages from submission to delivery. It plans the next query, matches status reports to messages, and
//!   produces the journal that survives a restart.
//! - [`call`]: the nine calls of the API, each with its request, and the records and summary of its response.
//! - [`json`]: the values of a response, and the malformed JSON that the reader accepts.
//! - [`http`]: the bytes of a request, the [`Response`](http::Response) to it, and the [login](http::login) (Digest and Basic).
//! - [`text`]: the text of each SMS, with its alphabet, segments and `#param#` values.
//! - [`Port`], [`Number`], [`UserId`], [`Timestamp`] and others: values that are always within the API's limits.
//!
//! "The document" is version 0.4 of the vendor's "API document", and § refers to its sections. "Later versions" are those up to
//! v202011.
//!
//! # Conventions
//! - The caller lends the memory. A buffer that is too small for a request is an error that says how much is needed
//!   ([`TooSmall`]). A record that is too large for the buffer is still returned, but its overlong values are marked
//!   [`TooLong`](json::Text::TooLong).
//! - Input may be split at any byte. The split does not change the records.
//! - Requests are checked against the API's limits when they are built. Responses are not: unknown words and values can still be
//!   read as text ([`Field::Other`](json::Field::Other)).
//! - Errors are grouped by who can act on them: [`Invalid`], the caller's input; [`TooSmall`], the caller's memory;
//!   [`Refusal`](call::Refusal), the gateway's error_code; [`ReadError`](json::ReadError), a malformed response, with the offset;
//!   [`ChallengeError`](http::ChallengeError) and [`LoginError`](http::LoginError), the login. A call's
//!   [`Failure`](client::Failure) reports one of these errors or another reason, such as a lost connection.
//!
//! # Where to start
//! - To build a client over your own socket, see [`client`]: it has the order of calls and a complete example. The example
//!   `blocking` of this package is a complete program.
//! - On Linux, use the crate `sms-gateway`; on a microcontroller with async, `sms-gateway-embassy`.
//! - To use only the requests and responses, with your own HTTP client:
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
//! Four of the nine responses printed in the document are not valid JSON. Some commas are missing, one of them inside a record;
//! other commas are surplus. No JSON crate continues after such an error, and none can stop at any byte and resume in constant
//! memory. The writer of requests is only a few lines of code. In the tests, serde_json is the reader's oracle, and
//! serde-json-core the writer's. All calls share the code that stores values: it finds the place of a value by the position of
//! its key in a list. Records implement `serde::Serialize`.
//!
//! # Features
//! No feature is on by default. The minimum Rust version is 1.88.
//! - `defmt`: `defmt::Format` for values, errors and refusals. Their texts take no flash.
//! - `sha256`: Digest login with SHA-256 in addition to MD5. It takes 8 to 10 KB of flash on a Cortex-M.
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

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
