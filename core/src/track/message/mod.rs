//! One message: its memory, its states, its lifecycle, and its public view.
//!
//! [`lifecycle`] is the only writer of a message's state.

mod draft;
mod entry;
pub(super) mod lifecycle;
mod schema;
mod segments;
mod state;
mod validity;
mod view;
mod words;

pub use draft::Draft;
pub use entry::Slot;
pub(super) use entry::{
    AMBIGUOUS, DELETED, FAILURE_UNCONFIRMED, HAS_REFERENCE, HAS_TASK, IN_CHANGES, IN_UPDATES, MAY_RESEND,
    NOT_SENT, PROGRESSED, RESENT, SAVED_FLAGS, STOP_WANTED, TASK_STOPPED, WANTS_REPORT,
};
pub(super) use segments::{Fates, Outcome};
pub use state::State;
pub(super) use validity::Validity;
pub use view::{Message, MessageFailure, Segments, Sent};
pub use words::{Reason, TpStatus};
