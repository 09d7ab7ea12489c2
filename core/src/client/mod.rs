//! The engine that both adapters drive: login, exchanges, and reading responses.
//!
//! Everything here is a state machine without I/O, clock or memory of its own. An adapter owns a connection, timers,
//! memory and a store, and nothing else: which request goes out, what a response or a broken connection means, and what
//! may be repeated is decided here.
//!
//! - [`Session`] drives one call at a time: the login, its exchanges, its response.
//! - [`Failure`] says why a call failed, and whether the gateway may have done what was asked.
//! - [`Wire`] carries one exchange after the other over a byte stream, for adapters without an HTTP library.
//! - [`Driver`] runs a messenger: which request comes next, and what its outcome means for the messages.
//! - [`UssdDialog`] sends a USSD code and recognises its reply.

mod accepted;
mod driver;
mod failure;
mod held;
mod reading;
mod repeat;
mod session;
mod sizing;
mod sms;
mod timeouts;
mod ussd;
mod ussd_dialog;
mod wire;

pub use accepted::Accepted;
pub use driver::{Driver, Health, HealthChange, InFlight, Question, Step, Taken, send_sms};
pub use failure::{Buffer, Cause, Failure, Wait};
pub use held::{HeldSms, Incoming};
pub use reading::Read;
pub use repeat::{Broken, Loss, Next};
pub use session::{Due, ResponseHead, Session, Site};
pub use sms::Sms;
pub use timeouts::{DRAIN_TIMEOUT, MAX_DRAINED_BYTES, Timeouts, WaitLimit};
pub use ussd::{UssdPolls, UssdReplies, UssdWait};
pub use ussd_dialog::{Ussd, UssdDialog};
pub use wire::{Wire, WireEvent};
