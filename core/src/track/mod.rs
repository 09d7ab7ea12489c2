//! Follows messages from submission to delivery, through lost responses, late and repeated reports, and restarts.
//!
//! The gateway responds to send_sms before anything is sent. The outcome of a message has to be queried by its user_id, and status
//! reports have to be matched by port, number, message reference and time (document §3.3, §4.3, §11). A request whose response is
//! lost may or may not have arrived, and must not simply be sent again. A [`Tracker`] takes care of all that for the messages of one
//! gateway. It does no I/O: it returns the next request, and its caller reports the outcome.
//!
//! # Order of calls
//! First call [`Tracker::new`]. With a store, call [`Tracker::restore`] for each saved record, and then [`Tracker::start`]. After that,
//! repeat these steps whenever something was added or time has passed:
//!
//! 1. Call [`Tracker::step`]. It returns an [`Ask`]: the next request, or the time until which to wait.
//! 2. Call [`Tracker::next_change`] until it returns `None`. Store all changes before the next two steps.
//! 3. Call [`Tracker::next_event`] until it returns `None`. Handle the events, and [acknowledge](Tracker::acknowledge) updates.
//! 4. Make the request, and pass each record to its `handle_` method as it arrives. At the end, pass the [`Token`] to
//!    - [`handle_end`](Tracker::handle_end) or the call's own method (`handle_accepted`, `handle_queue`, …) if the response is complete,
//!    - [`handle_lost`](Tracker::handle_lost) if the request may have arrived and the response is missing or truncated,
//!    - [`handle_not_sent`](Tracker::handle_not_sent) if nothing was sent or the login was refused.
//!
//! At most one request is in flight at a time. All methods are short, and none of them waits. `now` is the time since a moment that the
//! caller chooses. It must never decrease.
//!
//! # States
//! ```text
//! add ─► Unsent ─► Submitted ─► Accepted ─► Sending ─► Sent ─► Delivered
//!                      └──────► Uncertain ─────┴─────────┘
//! ```
//! `Uncertain` means that the response to send_sms was lost or unclear. States may be skipped. A message may end early as `Failed`,
//! `Stopped`, `Expired` or `Unresolved`; see [`State`]. The module `message::lifecycle` has the complete diagram and table.
//!
//! # Glossary
//! - **result**: a record of query_sms_result, about a whole message. **report**: a status report, about one segment.
//! - **reference**: the message reference of a segment. A message *has its reference* as soon as a result contains that reference.
//! - **update**: an event about a change of a message, with a number, the *revision*.
//! - **tombstone**: a finished message that is kept while reports may still arrive for it.
//! - **pending report**: a report that is not assigned to a message, or not yet. *Claimed*: it belongs to a message, unless another
//!   message turns out to own it. *Contested*: it may belong to several messages.
//! - **era**: the time between two backward jumps of the gateway's clock. **life**: the time between two restarts of the client.
//!
//! # Parts
//! | module | contains | look here if |
//! |---|---|---|
//! | `tracker` | the caller's commands, the handling of responses, `apply` | an outcome is handled wrongly |
//! | `message` | states and lifecycle, the slot, the public view | a message has a wrong state |
//! | `plan` | requests, their times, back-off, load | it polls too often, too rarely, or the wrong messages |
//! | `matching` | the rules for results and reports, pending reports | a report is assigned wrongly, or returned twice |
//! | `clock` | ticks, sequence numbers, the gateway's clock | a clock jump is handled wrongly |
//! | `journal` | dirty records, user_ids, the format of records | a change is not saved, or not restored |
//! | `table` | queues and indexes of slots | a slot is lost |
//! | `tracker::tombstones` | keeping and deleting finished messages | a slot is never freed |
//! | `status_word` | status words that the document does not list | an unknown status is reported twice, or not at all |
//! | `inbox` | pages of incoming messages | an incoming message is lost or repeated |
//!
//! # Invariants
//! - Only `message::lifecycle` changes a state, and a transition takes effect only in `Tracker::apply`.
//! - A message is submitted again only if it was certainly not accepted, or if the caller allowed it.
//! - A message of the request in flight is in the queue `IN_FLIGHT` until the request ends, whatever its outcome.
//! - A truncated response is never evidence that a message is absent.
//! - No event and no submission is returned while changes other than acknowledgements are unsaved.
//! - A report is assigned only if every other candidate is ruled out.
//!
//! # Example
//! ```
//! use core::time::Duration;
//! use sms_gateway_core::{
//!     Number, TaskId,
//!     call::{Call, Decoder, QuerySmsDeliverStatus, QuerySmsResult, Recipient, SendSms},
//!     track::{Ask, Draft, PendingReport, Event, Settings, Slot, State, Tracker},
//! };
//!
//! let (mut slots, mut early) = ([Slot::EMPTY; 8], [PendingReport::EMPTY; 8]);
//! let mut now = Duration::ZERO;
//! let mut tracker = Tracker::new(&mut slots, &mut early, Settings::default(), now);
//! let message = tracker.add(&Draft::new(Number::new("10086")?), now)?;
//! let mut updates = Vec::new();
//! while !tracker.message(message).is_some_and(|message| message.is_final) {
//!     let ask = tracker.step(now);
//!     while let Some(change) = tracker.next_change() {
//!         // Store change.record() under change.key().
//! #       assert!(change.record().is_some());
//!     }
//!     while let Some(event) = tracker.next_event() {
//!         if let Event::Update(message) = event {
//!             updates.push(message.state);
//!             tracker.acknowledge(message.id, message.revision);
//!         }
//!     }
//!     match ask {
//!         Ask::Wait(until) => now = until.expect("something is under way"),
//!         Ask::Submit(token) => {
//!             for outgoing in tracker.submission(&token)?.into_iter().flatten() {
//!                 let to = [Recipient::new(outgoing.number()).user_id(outgoing.id)];
//!                 let request = SendSms::new("Hello", &to)?;
//!                 // Send it …
//! #               let _ = request;
//!             }
//!             tracker.handle_accepted(token, Some(TaskId::new(1)), now);
//!         }
//!         Ask::Results(token) => {
//!             let request = tracker.results_request(&token).expect("the token is fresh");
//!             // Send it, and decode the response:
//! #           let mut body = [0; 256]; request.body(&mut body)?;
//!             let answer = format!(
//!                 r#"{{"error_code":200,"result":[{{"port":2,"user_id":{message},"number":"10086","time":"2026-01-01 10:00:00","status":"SENT_OK","count":1,"succ_count":1,"ref_id":7}}]}}"#
//!             );
//!             let mut decoder = Decoder::<QuerySmsResult, _>::new([0; 256]);
//!             let mut input = answer.as_bytes();
//!             while let Some(result) = decoder.next(&mut input)? {
//!                 tracker.handle_result(&token, &result, now);
//!             }
//!             decoder.finish()?.check()?;
//!             tracker.handle_end(token, now);
//!         }
//!         Ask::Reports(token) => {
//!             let request = tracker.reports_request(&token).expect("the token is fresh");
//! #           let mut body = [0; 256]; request.body(&mut body)?;
//!             // Reports are also queried before the message is submitted.
//!             let is_sent = tracker.message(message).is_some_and(|message| message.state == State::Sent);
//!             let reports = r#"{"error_code":200,"result":[{"port":2,"number":"+8610086","time":"2026-01-01 10:00:00","ref_id":7,"status_code":0},{"port":2,"number":"10086","time":"2026-01-01 10:00:00","ref_id":7,"status_code":0}]}"#;
//!             let answer = if is_sent { reports } else { r#"{"error_code":200,"result":[]}"# };
//!             let mut decoder = Decoder::<QuerySmsDeliverStatus, _>::new([0; 256]);
//!             let mut input = answer.as_bytes();
//!             while let Some(report) = decoder.next(&mut input)? {
//!                 let _ = tracker.handle_report(&token, &report, now);
//!             }
//!             tracker.handle_end(token, now);
//!         }
//!         Ask::Queue(token) => tracker.handle_queue(token, Some(0), now),
//!         Ask::Incoming(token) => tracker.handle_end(token, now),
//!         Ask::Stop(token) => tracker.handle_stopped(token, true, now),
//!     }
//! }
//! assert_eq!(tracker.message(message).map(|message| message.state), Some(State::Delivered));
//! assert_eq!(updates, [State::Accepted, State::Sent]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ask;
mod clock;
mod events;
mod inbox;
mod journal;
mod matching;
mod message;
mod number;
mod plan;
mod settings;
mod status_word;
mod table;
#[cfg(test)]
mod tests;
mod tracker;

pub use ask::{AddError, Ask, Outgoing, ReportOutcome, StopResult, Submission, Token, Unsaved};
pub use events::Event;
pub use inbox::{InboxMark, InboxSearch, PageBreak};
pub use journal::{Change, MAX_RECORD_BYTES, RestoreError};
pub use matching::{PendingReport, Report};
pub use message::{Draft, Message, MessageFailure, Reason, Segments, Sent, Slot, State, TpStatus};
pub use number::NumberBuf;
pub use settings::{Limits, Settings, Timing};
pub use status_word::StatusWord;
pub use tracker::Tracker;
