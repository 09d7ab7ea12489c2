//! The HTTP/JSON API of GSM/LTE SMS gateways, without I/O.
//!
//! These boxes hold up to 32 SIM cards and send and receive SMS and USSD. This crate writes their requests and reads their
//! answers; who has sockets adds them. It is `no_std`, does not allocate, and is made not to panic.
//!
//! - [`call`]: the nine calls of the API: a request, the records of its answer, its summary.
//! - [`json`]: the values of an answer, and what of malformed JSON is read all the same.
//! - [`http`]: a request's bytes, the answer to it ([`Response`](http::Response)), and the [login](http::login) (Digest and Basic).
//! - [`text`]: what a text becomes on the air: its alphabet, its segments, its `#param#` filled in.
//! - [`track`]: from "asked to send" to "delivered": what to ask next, whose a status report is, and what survives a restart.
//! - [`Port`], [`Number`], [`UserId`], [`Timestamp`] and the like: values that can't break the API's limits.
//!
//! "The document" is the vendor's "API document", version 0.4, whose sections the items name; "later versions" are those up to
//! v202011.
//!
//! # What holds everywhere
//! - The caller lends the memory. A buffer that is too small for a request is an error that says how much is needed
//!   ([`TooSmall`]); a record that is too large for the buffer comes out all the same, what did not fit marked
//!   [`TooLong`](json::Text::TooLong).
//! - Input may be split at any byte; the same records come out.
//! - Requests are held to the API's limits when they are built; answers are not: what a gateway says that is not known here stays
//!   readable ([`Field::Other`](json::Field::Other)).
//! - Errors are parted by who can act on them: [`Invalid`], the caller's input; [`TooSmall`], the caller's memory;
//!   [`Refusal`](call::Refusal), the gateway's error_code; [`ReadError`](json::ReadError), an answer that can't be read, with its
//!   offset; [`ChallengeError`](http::ChallengeError) and [`LoginError`](http::LoginError), the login.
//!
//! # A question and its answer
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
//! // … send `bytes`, skip the answer's head, and hand over its body as it comes:
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
//! # Why a reader and a writer of its own
//! Four of the document's nine printed answers are no JSON: commas are missing, one of them inside a record, and others surplus.
//! No JSON crate reads on after that, or stops at any byte and resumes in constant memory. Requests are written by a
//! few lines that know their keys; serde-json-core, whose encoder leaves a panicking path, is their oracle in the tests, and
//! serde_json the reader's. Records are filled by position from a list of keys, which is one small function for all
//! calls, and are `serde::Serialize` to be passed on.
#![no_std]

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
