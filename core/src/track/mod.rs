//! From "asked to send" to "delivered": follows messages through lost answers, late and doubled reports, and restarts.
//!
//! send_sms is answered before anything is sent; what becomes of a message has to be asked for, by its user_id, and what
//! status reports say has to be matched by port, number, message reference and time (document §3.3, §4.3, §11). A request whose
//! answer is lost may or may not have arrived, and must not simply be sent again. A [`Tracker`] knows all that for the messages of
//! one gateway. It does no I/O: it says what to ask, and is told what came of it.
//!
//! # The order of calls
//! Once: [`Tracker::new`]; with a store, [`Tracker::restore`] for each saved record and [`Tracker::start`]. Then, whenever
//! something was added or time has passed:
//!
//! 1. [`Tracker::step`] says what to [`Ask`], or until when to wait.
//! 2. [`Tracker::next_change`], until there is none: store them all. Only then
//! 3. [`Tracker::next_event`], until there is none: tell the caller. It [acknowledges](Tracker::acknowledge) news.
//! 4. Ask the gateway, and hand what it says to the `handle_` methods: each record as it comes, and at last the [`Token`], with
//!    - [`handle_end`](Tracker::handle_end) or the call's own method (`handle_accepted`, `handle_queue`, …) for an answer that came whole,
//!    - [`handle_lost`](Tracker::handle_lost) when the request may have arrived and the answer is missing or cut,
//!    - [`handle_not_sent`](Tracker::handle_not_sent) when nothing left or the login was refused.
//!
//! One question is asked at a time. All methods are short and none of them waits; `now` is the time since any moment of the caller's
//! choosing and never goes back.
//!
//! ```
//! use core::time::Duration;
//! use sms_gateway_core::{
//!     Number, TaskId,
//!     call::{Call, Decoder, QuerySmsDeliverStatus, QuerySmsResult, Recipient, SendSms},
//!     track::{Ask, Draft, EarlyReport, Event, Settings, Slot, State, Tracker},
//! };
//!
//! let (mut slots, mut early) = ([Slot::EMPTY; 8], [EarlyReport::EMPTY; 8]);
//! let mut now = Duration::ZERO;
//! let mut tracker = Tracker::new(&mut slots, &mut early, Settings::default(), now);
//! let message = tracker.add(&Draft::new(Number::new("10086")?), now)?;
//! let mut news = Vec::new();
//! while !tracker.message(message).is_some_and(|message| message.is_final) {
//!     let ask = tracker.step(now);
//!     while let Some(change) = tracker.next_change() {
//!         // Store change.record() under change.key().
//! #       assert!(change.record().is_some());
//!     }
//!     while let Some(event) = tracker.next_event() {
//!         if let Event::News(message) = event {
//!             news.push(message.state);
//!             tracker.acknowledge(message.id, message.news);
//!         }
//!     }
//!     match ask {
//!         Ask::Wait(until) => now = until.expect("something is under way"),
//!         Ask::Submit(token) => {
//!             for outgoing in tracker.submission(&token)? {
//!                 let to = [Recipient::new(outgoing.number()).user_id(outgoing.id)];
//!                 let request = SendSms::new("Hello", &to)?;
//!                 // Send it …
//! #               let _ = request;
//!             }
//!             tracker.handle_accepted(token, Some(TaskId::new(1)), now);
//!         }
//!         Ask::Results(token) => {
//!             let request = tracker.results_request(&token);
//!             // Send it, and decode what comes:
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
//!             let request = tracker.reports_request(&token);
//! #           let mut body = [0; 256]; request.body(&mut body)?;
//!             let answer = r#"{"error_code":200,"result":[{"port":2,"number":"+8610086","time":"2026-01-01 10:00:00","ref_id":7,"status_code":0},{"port":2,"number":"10086","time":"2026-01-01 10:00:00","ref_id":7,"status_code":0}]}"#;
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
//! assert_eq!(news, [State::Accepted, State::Sent]);
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
mod table;
#[cfg(test)]
mod tests;
mod tracker;

pub use ask::{AddError, Ask, Outgoing, Stopping, Submission, Taken, Token, Unsaved};
pub use events::Event;
pub use inbox::InboxMark;
pub use journal::{Change, MAX_RECORD_BYTES, RestoreError};
pub use matching::{EarlyReport, Report};
pub use message::{Draft, Failure, Message, Segments, Sent, Slot, State};
pub use number::NumberBuf;
pub use settings::{Limits, Settings, Timing};
pub use tracker::Tracker;
