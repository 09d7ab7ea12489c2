//! The engine that both adapters drive: login, exchanges, reading responses, and the messenger.
//!
//! Everything here is a state machine without I/O, clock or memory of its own. An adapter only owns a connection, timers,
//! memory and a store. The engine decides which request is sent next, what a response or a broken connection means, and which
//! requests may be repeated.
//!
//! | type | what it does | who uses it |
//! |---|---|---|
//! | [`Session`] | drives one call at a time: its login, its exchanges, its response | every client |
//! | [`Wire`] | carries one exchange after another over a byte stream | clients without an HTTP library |
//! | [`Driver`] | drives a messenger: decides which call is next, and what the call's outcome means for the messages | messengers |
//! | [`Sms`], [`HeldSms`] | a message to send; the memory for a message that arrived | messengers |
//! | [`UssdDialog`] | sends a USSD code on one port and recognises the reply, in lent memory | clients without an allocator |
//! | [`UssdPolls`], [`UssdReplies`] | decide when to query for a USSD reply, and which text is that reply | clients that offer USSD |
//! | [`Excerpt`] | shows the text of an HTTP error response | every client |
//! | [`Failure`] | says why a call failed, and whether the gateway may have carried out the request | every client |
//!
//! # Order of calls
//! ```text
//!            Session::begin
//!                  │
//!      ┌─► Session::write ◄───────────────────────────┐
//!      │           │  the call, or the probe          │
//!      │     send the request ◄───────────────────┐   │
//!      │           │                              │   │
//!      │           ├─ broken ──► Session::lost    │   │
//!      │           │                ├─ Resend ────┘   │
//!      │           │                ├─ Send ──────────┘
//!      │           │                └─ Err: the call is over
//!      │     head of the response
//!      │           │
//!      └─ Send ─ Session::responded ─ Err: the call is over
//!                  │ Read
//!          ┌─► Session::read ─ Err: the call is over
//!          │       ├─ Record: take Session::record ───┐
//!          │       ├─ More: receive a piece ──────────┤
//!          │       ├─ Drain: discard the rest ────────┤
//!          └───────┼──────────────────────────────────┘
//!                  └─ End: Session::summary
//! ```
//! [`Session::wait_limit`] limits each wait for the gateway. The adapter reports with [`Session::waited`] how long the wait
//! lasted. Only these waits count against the time limit of a call, not the time during which the caller holds a record.
//!
//! A messenger puts a loop around this: [`Driver::step`], then the exchange with [`Driver::take`] for each record, then
//! [`Driver::finish`]. See [`Driver`].
//!
//! # Example
//! A call over a simulated connection in memory. The gateway requires a login first.
//! ```
//! use core::time::Duration;
//! use sms_gateway_core::{
//!     call::{AnyCall, CommaEncoding, QuerySmsResult},
//!     client::{Failure, Next, Read, Session, Site, Wire, WireEvent},
//!     http::Credentials,
//! };
//!
//! let mut responses = [
//!     "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"box\", nonce=\"1f\", qop=\"auth\"\r\n\
//!      Content-Length: 0\r\n\r\n",
//!     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"error_code\":200,\"r\r\n\
//!      38\r\nesult\":[{\"port\":2,\"number\":\"10086\",\"status\":\"SENT_OK\"}]}\r\n0\r\n\r\n",
//! ]
//! .into_iter();
//! let mut incoming = &b""[..];
//!
//! // Receives at most 10 bytes at once.
//! fn receive(wire: &mut Wire<[u8; 256]>, incoming: &mut &[u8]) -> Result<(), Failure> {
//!     let count = incoming.len().min(10);
//!     let (piece, rest) = incoming.split_at(count);
//!     wire.space()[..count].copy_from_slice(piece);
//!     *incoming = rest;
//!     wire.received(count).map_err(Failure::Lost)
//! }
//!
//! let credentials = Some(Credentials::new("admin", "secret"));
//! let site = Site { host: "192.168.1.9", commas: CommaEncoding::Encoded, credentials };
//! let (now, entropy) = (Duration::ZERO, || 0x0a4f_113b);
//! let mut session = Session::new([0; 256], [0; 256]);
//! let mut wire = Wire::new([0; 256], [0; 256]);
//! let mut request = [0; 512];
//! let mut sent = Vec::new();
//!
//! let query = QuerySmsResult::new();
//! let call = AnyCall::from(&query);
//! session.begin(call.spec(), call.is_repeatable());
//! let mut next = Next::Send;
//! while next != Next::Read {
//!     let length = session.write(call, &site, now, wire.scratch(), &mut request)?;
//!     // Send request[..length]. If that fails, session.lost(…) returns the next step.
//!     sent.push(String::from_utf8_lossy(&request[..length]).into_owned());
//!     incoming = responses.next().expect("two exchanges").as_bytes();
//!     wire.begin();
//!     let head = loop {
//!         match wire.parse().map_err(Failure::Lost)? {
//!             WireEvent::Head(head) => break head,
//!             _ => receive(&mut wire, &mut incoming)?,
//!         }
//!     };
//!     next = session.responded(head, wire.challenges(), site.credentials.as_ref(), entropy, now)?;
//! }
//!
//! let mut numbers = Vec::new();
//! loop {
//!     let mut body = wire.body();
//!     let available = body.len();
//!     let read = session.read(&mut body)?;
//!     let consumed = available - body.len();
//!     wire.consume(consumed);
//!     match read {
//!         Read::Record => {
//!             let result = session.record::<QuerySmsResult>().expect("a record was read");
//!             numbers.push(result.number.as_str().to_owned());
//!         }
//!         Read::More => match wire.parse().map_err(|cause| session.body_lost(cause))? {
//!             WireEvent::More => receive(&mut wire, &mut incoming)?,
//!             WireEvent::End => session.body_ended()?,
//!             _ => {}
//!         },
//!         Read::Drain => {
//!             while wire.may_drain() {
//!                 if wire.parse() == Ok(WireEvent::More) {
//!                     receive(&mut wire, &mut incoming)?;
//!                 }
//!             }
//!         }
//!         Read::End => break,
//!     }
//! }
//! assert_eq!(numbers, ["10086"]);
//! assert!(wire.is_reusable());
//! assert!(sent[0].starts_with("GET /api/query_sms_in_queue ") && !sent[0].contains("Authorization"));
//! assert!(sent[1].starts_with("POST /api/query_sms_result ") && sent[1].contains("Authorization: Digest"));
//! # Ok::<(), Failure>(())
//! ```

mod accepted;
mod driver;
mod excerpt;
mod failure;
mod held;
mod reading;
mod repeat;
mod send_error;
mod session;
mod sizing;
mod sms;
mod timeouts;
mod ussd;
mod ussd_dialog;
mod wire;

pub use accepted::Accepted;
pub use driver::{Driver, Health, HealthChange, InFlight, Question, Step, Taken, send_sms};
pub use excerpt::Excerpt;
pub use failure::{Buffer, Cause, Failure, Wait};
pub use held::{HeldSms, Incoming};
pub use reading::Read;
pub use repeat::{Broken, Loss, Next, Progress};
pub use send_error::{SendError, StoreError};
pub use session::{Due, ResponseHead, Session, Site};
pub use sms::{Sms, json_bytes};
pub use timeouts::{DRAIN_TIMEOUT, MAX_DRAINED_BYTES, Timeouts, WaitLimit};
pub use ussd::{UssdPolls, UssdReplies, UssdWait};
pub use ussd_dialog::{Ussd, UssdDialog};
pub use wire::{Wire, WireEvent};
