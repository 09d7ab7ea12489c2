//! The life of a message: which input leads from which state to which, and what follows from it.
//!
//! ```text
//!              ┌──────── NotSent, Absent (resend) ────────┐
//!              ▼                                          │
//!  add ──► Asked ── Submit ──► Submitted ── Lose ──► Uncertain
//!              │                 │     │                  │ results
//!            Cancel            Refuse  Accept             │
//!              │                 │     ▼                  ▼
//!              │                 │  Accepted ──────► Sending ──► Sent
//!              ▼                 ▼     └──────── results ─┴───────┤ results, reports
//!           Stopped           Failed                              ▼
//!                                              Delivered, Failed, Expired, Unresolved, Stopped
//! ```
//!
//! | input | from | to | what follows |
//! |---|---|---|---|
//! | `Submit` | Asked | Submitted | part of the request in flight |
//! | `NotSent` | Submitted | Asked | submitted first |
//! | `Accept` | Submitted | Accepted | its result is queried |
//! | `Refuse` | Submitted | Failed; Unresolved if it may have been sent before | end |
//! | `Lose`, `Restart` | Submitted | Uncertain | its result is queried |
//! | `Sending` | under way | Sending | its result is queried |
//! | `Sent` | before Sent | Sent; Failed if a report says so | its reports are queried, its result if it has no reference; end without reports |
//! | `Delivered` | not final | Delivered | end |
//! | `Failed` | not final | Failed | end |
//! | `AllReported` | not final | Delivered | end |
//! | `FailureReported` | not final | Failed if that is certain, otherwise the same | end, or its result is queried now |
//! | `Progress`, `Contested` | not final | the same | an update |
//! | `Absent` | under way | Stopped, Asked or Unresolved | end, or submitted last |
//! | `Quiet` | not final | Failed, Expired or Unresolved; the same before expiry | end |
//! | `Cancel` | Asked | Stopped | end |
//!
//! Results and reports may arrive for every message that was submitted, in any order: the states say how much is known, and a state
//! of the table's second column that is not reached yet is skipped.

use super::{
    entry::{
        AMBIGUOUS, FAILURE_UNCONFIRMED, HAS_REFERENCE, MAY_RESEND, NOT_SENT, PROGRESSED, RESENT, STOP_WANTED,
        Slot, TASK_STOPPED, WANTS_REPORT,
    },
    state::State,
};
use crate::track::clock::{Sequence, Tick};

/// Something that happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Input {
    /// It is handed to the gateway.
    Submit,
    /// Nothing of the request was sent.
    NotSent,
    /// The gateway accepted it.
    Accept,
    /// The gateway refused it.
    Refuse,
    /// The response was lost.
    Lose,
    /// The client restarted, which loses the response.
    Restart,
    /// The result is SENDING.
    Sending,
    /// The result is SENT_OK.
    Sent,
    /// The result is DELIVERED.
    Delivered,
    /// The result is FAILED.
    Failed,
    /// Reports have confirmed the delivery of all segments.
    AllReported,
    /// A report says that a segment failed for good.
    FailureReported { is_certain: bool },
    /// A report says something new of a segment.
    Progress,
    /// A report may belong to it or to another message.
    Contested,
    /// Complete responses do not contain it, and the gateway's queue is empty. `in_touch`: no request failed since it was submitted.
    Absent { in_touch: bool },
    /// A request for it brought nothing new.
    Quiet { is_expired: bool },
    /// The caller stops it before it is submitted.
    Cancel,
}

/// What follows from a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Next {
    /// Nothing: it stays in its queue.
    Stay,
    /// It is part of the request in flight.
    InFlight,
    /// It waits to be submitted, before all others or after them.
    SubmitFirst,
    SubmitLast,
    /// Its result is queried after the usual wait, or a longer one if results are queried by time.
    QueryResult,
    QueryResultOfAccepted,
    QueryResultOfSending,
    /// Its result is queried as soon as possible.
    QueryResultNow,
    /// Its reports are queried after the usual wait.
    QueryReports,
    /// It is kept until the caller has acknowledged its last update.
    End,
}

/// A step of a message's life. Only the tracker applies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::track) struct Transition {
    input: Input,
    from: State,
    to: State,
    pub(in crate::track) next: Next,
    /// Whether the caller is told.
    pub(in crate::track) is_update: bool,
}

/// Returns the transition that an input causes; `None` if it changes nothing.
pub(in crate::track) fn transition(slot: &Slot, input: Input) -> Option<Transition> {
    let from = slot.state();
    let (to, next, is_update) = match input {
        Input::Submit => (State::Submitted, Next::InFlight, false),
        Input::NotSent => (State::Asked, Next::SubmitFirst, false),
        Input::Accept => (State::Accepted, Next::QueryResultOfAccepted, true),
        // Whether the first submission was sent is unknown.
        Input::Refuse if slot.has(RESENT) => end(State::Unresolved),
        Input::Refuse | Input::Failed | Input::FailureReported { is_certain: true } => end(State::Failed),
        Input::Lose => (State::Uncertain, Next::QueryResult, true),
        Input::Restart => (State::Uncertain, Next::QueryResultNow, true),
        Input::Sending if matches!(from, State::Sending | State::Sent) => return None,
        Input::Sending => (State::Sending, Next::QueryResultOfSending, true),
        Input::Sent => sent(slot)?,
        Input::Delivered | Input::AllReported => end(State::Delivered),
        Input::FailureReported { is_certain: false } => (from, Next::QueryResultNow, false),
        Input::Progress | Input::Contested => (from, Next::Stay, true),
        Input::Absent { in_touch } => absent(slot, in_touch),
        Input::Quiet { is_expired } => quiet(slot, is_expired)?,
        Input::Cancel => end(State::Stopped),
    };
    Some(Transition { input, from, to, next, is_update })
}

type Outcome = (State, Next, bool);

const fn end(state: State) -> Outcome {
    (state, Next::End, true)
}

fn sent(slot: &Slot) -> Option<Outcome> {
    if slot.has(FAILURE_UNCONFIRMED) {
        // The gateway does not deny what the report says.
        return Some(end(State::Failed));
    }
    if slot.state() == State::Sent {
        return None;
    }
    if !slot.has(WANTS_REPORT) {
        return Some(end(State::Sent));
    }
    let next = if slot.has(HAS_REFERENCE) { Next::QueryReports } else { Next::QueryResult };
    Some((State::Sent, next, true))
}

fn absent(slot: &Slot, in_touch: bool) -> Outcome {
    // If the gateway may have restarted, it may have forgotten a message that it sent, and the task may have been another one.
    if slot.has(TASK_STOPPED) && in_touch {
        end(State::Stopped)
    } else if slot.state() == State::Uncertain && slot.has(MAY_RESEND) && !slot.has(STOP_WANTED) {
        (State::Asked, Next::SubmitLast, false)
    } else {
        end(State::Unresolved)
    }
}

fn quiet(slot: &Slot, is_expired: bool) -> Option<Outcome> {
    if slot.has(FAILURE_UNCONFIRMED) {
        return Some(end(State::Failed));
    }
    let is_uncertain = matches!(slot.state(), State::Uncertain | State::Submitted);
    is_expired.then(|| end(if is_uncertain { State::Unresolved } else { State::Expired }))
}

impl Transition {
    pub(in crate::track) fn from(self) -> State {
        self.from
    }

    pub(in crate::track) fn to(self) -> State {
        self.to
    }

    /// Returns whether a sequence number is drawn for it.
    pub(in crate::track) fn is_numbered(self) -> bool {
        matches!(self.next, Next::InFlight | Next::End)
    }

    /// Writes the transition to its message.
    pub(in crate::track) fn write(self, slot: &mut Slot, now: Tick, sequence: Sequence) {
        slot.set_state(self.to);
        match self.input {
            Input::Failed => slot.set(NOT_SENT, true),
            Input::FailureReported { is_certain: false } => slot.set(FAILURE_UNCONFIRMED, true),
            Input::Progress => slot.set(PROGRESSED, true),
            Input::Contested => slot.set(AMBIGUOUS, true),
            Input::Delivered => slot.set(FAILURE_UNCONFIRMED, false),
            Input::Absent { .. } if self.to == State::Asked => slot.set(RESENT, true),
            _ => {}
        }
        match self.next {
            Next::InFlight => (slot.submitted, slot.not_begun, slot.absences) = (sequence, sequence, 0),
            Next::SubmitFirst | Next::SubmitLast => slot.submitted = Sequence::NEVER,
            Next::End => {
                slot.set(PROGRESSED, false);
                (slot.since, slot.ended) = (now, sequence);
                if matches!(self.to, State::Delivered | State::Failed) {
                    slot.set(AMBIGUOUS, false);
                }
            }
            _ => {}
        }
        if self.is_update {
            slot.revision = slot.revision.wrapping_add(1);
        }
    }
}

/// Restores the state of a saved message.
pub(in crate::track) fn restore(slot: &mut Slot, state: State) {
    slot.set_state(state);
}

/// Creates a message that is to be submitted.
pub(in crate::track) fn begin(slot: &mut Slot, now: Tick) {
    slot.set_state(State::Asked);
    slot.since = now;
}
