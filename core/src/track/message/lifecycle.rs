//! The lifecycle of a message: the transition that each input causes in each state, and what follows.
//!
//! ```text
//!         ┌─ Stop ──► Stopped       ┌─ Refuse ──► Failed
//!         │                         │
//! add ─► Unsent ─── Submit ───► Submitted ── Accept ──► Accepted ── Sending ──► Sending ── Sent ──► Sent
//!         ▲  └─ Quiet ─► Expired   │  │                    │                       ▲ │               ▲ │
//!         ├─── NotSent, Defer ─────┘  └ Lose, Restart ► Uncertain ─── Sending ─────┘ │               │ │
//!         └────── Absent, and it may be resent ───────────┘│└──────────── Sent ──────┼───────────────┘ │
//!                                                          ▼                         ▼                 ▼
//!                                          Delivered, Failed, Expired, Unresolved, and before Sent also Stopped
//! ```
//!
//! | from | input | to | what follows |
//! |---|---|---|---|
//! | Unsent | `Submit` | Submitted | it is in flight |
//! | Unsent | `Stop` | Stopped | end |
//! | Unsent | `Quiet`, expired | Expired; Unresolved if it may have been sent before | end |
//! | Submitted | `NotSent` | Unsent | it is submitted first |
//! | Submitted | `Defer` | Unsent | it is submitted apart |
//! | Submitted | `NotSent` or `Defer`, and it is to be stopped | Stopped; Unresolved if it may have been sent before | end |
//! | Submitted | `Accept` | Accepted | its result is queried |
//! | Submitted | `Refuse` | Failed; Unresolved if it may have been sent before | end |
//! | Submitted | `Lose`, `Restart` | Uncertain | its result is queried |
//! | Uncertain, Accepted; Sending if its port was unknown | `Sending` | Sending | its result is queried |
//! | Uncertain, Accepted, Sending | `Sent` | Sent | its reports are queried, or its result without a reference; end if it wants no report |
//! | Uncertain, Accepted, Sending, Sent | `Sent` after an unconfirmed failure | Failed | end |
//! | Uncertain, Accepted, Sending, Sent | `Delivered`, `AllReported` | Delivered | end |
//! | Uncertain, Accepted, Sending, Sent | `Failed`, a certain `FailureReported` | Failed | end |
//! | Uncertain, Accepted, Sending, Sent | any other `FailureReported` | unchanged | its result is queried now |
//! | Uncertain, Accepted, Sending, Sent | `Progress`, `Contested` | unchanged | an update |
//! | Uncertain, Accepted, Sending | `Absent`, and some of it was sent | Unresolved | end |
//! | Uncertain, Accepted, Sending | `Absent`, `in_touch`, after its task was stopped | Stopped | end |
//! | Uncertain | `Absent`, `is_proof`, and the response was an error | Unsent | it is submitted apart |
//! | Uncertain | `Absent`, and it may be resent | Unsent | it is submitted last |
//! | Uncertain, Accepted, Sending | `Absent` otherwise | Unresolved | end |
//! | Uncertain | `Quiet`, expired | Unresolved | end |
//! | Accepted, Sending, Sent | `Quiet`, expired | Expired | end |
//! | Uncertain, Accepted, Sending, Sent | `Quiet` after an unconfirmed failure | Failed | end |
//!
//! Intermediate states may be skipped, because results and reports arrive late and in any order.

use super::{
    entry::{
        AMBIGUOUS, FAILURE_UNCONFIRMED, HAS_REFERENCE, MAY_RESEND, NOT_SENT, PROGRESSED, RESENT, STOP_WANTED,
        Slot, TASK_STOPPED, WANTS_REPORT,
    },
    state::State,
};
use crate::track::clock::{Sequence, Tick};

/// An event that may change a message.
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
    /// The gateway did not accept it, for a reason that may pass, or that may lie in another message of the same request.
    Defer,
    /// The response was lost.
    Lose,
    /// The client restarted, which loses the response.
    Restart,
    /// The result is SENDING, or shows that some of the message is sent. `is_located`: it is the first result with port and reference.
    Sending { is_located: bool },
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
    /// A report says something new about a segment.
    Progress,
    /// A report may belong to it or to another message.
    Contested,
    /// Two complete responses in a row lack it after the gateway's queue was empty or its task was stopped. `in_touch`: no request has
    /// failed since it was submitted. `is_proof`: in addition, the gateway is known to return results under our user_ids.
    Absent { in_touch: bool, is_proof: bool },
    /// Nothing new is known of it. `is_expired`: its time is over.
    Quiet { is_expired: bool },
    /// The caller stops it before it is submitted.
    Stop,
}

/// The consequence of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Next {
    /// Nothing: it stays in its queue.
    Stay,
    /// It is part of the request in flight.
    InFlight,
    /// It waits to be submitted, before all others or after them.
    SubmitFirst,
    SubmitLast,
    /// It waits to be submitted apart from others.
    SubmitApart,
    /// Its result is queried after the usual wait.
    QueryResult,
    /// Its result is queried after the usual wait, or after a longer one while results are queried by time.
    QueryResultOfAccepted,
    QueryResultOfSending,
    /// Its result is queried as soon as possible.
    QueryResultNow,
    /// Its reports are queried after the usual wait.
    QueryReports,
    /// It is kept until the caller has acknowledged its last update.
    End,
}

/// A change of a message that an input causes. Only the tracker applies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::track) struct Transition {
    input: Input,
    from: State,
    to: State,
    pub(in crate::track) next: Next,
    /// Whether it is an update for the caller.
    pub(in crate::track) is_update: bool,
}

/// Returns the transition that an input causes; `None` if it changes nothing. No input changes a message whose state is final.
pub(in crate::track) fn transition(slot: &Slot, input: Input) -> Option<Transition> {
    if slot.is_over() {
        return None;
    }
    let from = slot.state();
    let (to, next, is_update) = match from {
        State::Unsent => of_unsent(slot, input)?,
        State::Submitted => of_submitted(slot, input)?,
        _ => of_others(slot, input)?,
    };
    Some(Transition { input, from, to, next, is_update })
}

type Outcome = (State, Next, bool);

const fn end(state: State) -> Outcome {
    (state, Next::End, true)
}

fn of_unsent(slot: &Slot, input: Input) -> Option<Outcome> {
    match input {
        Input::Submit => Some((State::Submitted, Next::InFlight, false)),
        Input::Stop => Some(end(State::Stopped)),
        // An earlier submission may have been sent.
        Input::Quiet { is_expired: true } if slot.has(RESENT) => Some(end(State::Unresolved)),
        Input::Quiet { is_expired: true } => Some(end(State::Expired)),
        _ => None,
    }
}

fn of_submitted(slot: &Slot, input: Input) -> Option<Outcome> {
    match input {
        // A message that is to be stopped ends here. If it became Unsent, its next task could hold messages that are not to be stopped,
        // and they would be stopped too.
        Input::NotSent | Input::Defer if slot.has(STOP_WANTED) => Some(end(unaccepted(slot, State::Stopped))),
        Input::NotSent => Some((State::Unsent, Next::SubmitFirst, false)),
        Input::Accept => Some((State::Accepted, Next::QueryResultOfAccepted, true)),
        Input::Defer => Some((State::Unsent, Next::SubmitApart, false)),
        Input::Refuse => Some(end(unaccepted(slot, State::Failed))),
        Input::Lose => Some((State::Uncertain, Next::QueryResult, true)),
        Input::Restart => Some((State::Uncertain, Next::QueryResultNow, true)),
        _ => None,
    }
}

/// Returns the final state of a message whose latest submission was not accepted. Whether an earlier submission was sent is unknown.
fn unaccepted(slot: &Slot, state: State) -> State {
    if slot.has(RESENT) { State::Unresolved } else { state }
}

/// Handles a message that the gateway has or may have.
fn of_others(slot: &Slot, input: Input) -> Option<Outcome> {
    let from = slot.state();
    match input {
        Input::Sending { is_located } if from == State::Sent || from == State::Sending && !is_located => None,
        Input::Sending { .. } => Some((State::Sending, Next::QueryResultOfSending, true)),
        Input::Sent => sent(slot),
        Input::Delivered | Input::AllReported => Some(end(State::Delivered)),
        Input::Failed | Input::FailureReported { is_certain: true } => Some(end(State::Failed)),
        Input::FailureReported { is_certain: false } => Some((from, Next::QueryResultNow, false)),
        Input::Progress | Input::Contested => Some((from, Next::Stay, true)),
        Input::Absent { in_touch, is_proof } if from.is_under_way() => Some(absent(slot, in_touch, is_proof)),
        Input::Quiet { is_expired } => quiet(slot, is_expired),
        _ => None,
    }
}

fn sent(slot: &Slot) -> Option<Outcome> {
    if slot.has(FAILURE_UNCONFIRMED) {
        // The result does not contradict the reported failure.
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

fn absent(slot: &Slot, in_touch: bool, is_proof: bool) -> Outcome {
    // Without `in_touch`, the gateway may have restarted. Then it may have forgotten a message that it sent, and the stopped task may
    // have been another one with the same id.
    if slot.has(HAS_REFERENCE) {
        // Some of it was sent.
        end(State::Unresolved)
    } else if slot.has(TASK_STOPPED) && in_touch {
        end(State::Stopped)
    } else if is_not_accepted(slot) && is_proof {
        // The gateway never had the message. It responded with an error, its queue is empty, and it returns results under other user_ids
        // but not under this one. The gateway has answered all requests since, so it did not restart and forget the message.
        (State::Unsent, Next::SubmitApart, false)
    } else if slot.state() == State::Uncertain && slot.has(MAY_RESEND) && !slot.has(STOP_WANTED) {
        (State::Unsent, Next::SubmitLast, false)
    } else {
        end(State::Unresolved)
    }
}

/// Returns whether an error response to the latest submission says that it was probably not accepted, and no stop is wanted.
fn is_not_accepted(slot: &Slot) -> bool {
    slot.state() == State::Uncertain && slot.refusal != 0 && !slot.has(STOP_WANTED)
}

fn quiet(slot: &Slot, is_expired: bool) -> Option<Outcome> {
    if slot.has(FAILURE_UNCONFIRMED) {
        return Some(end(State::Failed));
    }
    let is_uncertain = slot.state() == State::Uncertain;
    is_expired.then(|| end(if is_uncertain { State::Unresolved } else { State::Expired }))
}

impl Transition {
    pub(in crate::track) fn from(self) -> State {
        self.from
    }

    pub(in crate::track) fn to(self) -> State {
        self.to
    }

    /// Returns whether a sequence number is drawn for the transition.
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
            Input::Absent { .. } if self.next == Next::SubmitLast => slot.set(RESENT, true),
            _ => {}
        }
        match self.next {
            Next::InFlight => {
                (slot.submitted, slot.not_begun, slot.refusal) = (sequence, sequence, 0);
                slot.forget_absence();
            }
            Next::SubmitFirst | Next::SubmitLast | Next::SubmitApart => slot.submitted = Sequence::NEVER,
            Next::End => {
                slot.set(PROGRESSED, false);
                slot.since = now;
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

/// Sets the state of a new message.
pub(in crate::track) fn begin(slot: &mut Slot, now: Tick) {
    slot.set_state(State::Unsent);
    slot.since = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [Input; 23] = [
        Input::Submit,
        Input::NotSent,
        Input::Accept,
        Input::Refuse,
        Input::Defer,
        Input::Lose,
        Input::Restart,
        Input::Sending { is_located: false },
        Input::Sending { is_located: true },
        Input::Sent,
        Input::Delivered,
        Input::Failed,
        Input::AllReported,
        Input::FailureReported { is_certain: false },
        Input::FailureReported { is_certain: true },
        Input::Progress,
        Input::Contested,
        Input::Absent { in_touch: false, is_proof: false },
        Input::Absent { in_touch: true, is_proof: false },
        Input::Absent { in_touch: true, is_proof: true },
        Input::Quiet { is_expired: false },
        Input::Quiet { is_expired: true },
        Input::Stop,
    ];

    /// Returns the states that may follow a state.
    fn followers(state: State) -> &'static [State] {
        use State::{
            Accepted, Delivered, Expired, Failed, Sending, Sent, Stopped, Submitted, Uncertain, Unresolved,
            Unsent,
        };
        match state {
            Unsent => &[Submitted, Stopped, Expired, Unresolved],
            Submitted => &[Unsent, Accepted, Uncertain, Failed, Stopped, Unresolved],
            Uncertain => &[Unsent, Sending, Sent, Delivered, Failed, Stopped, Unresolved],
            Accepted => &[Sending, Sent, Delivered, Failed, Stopped, Expired, Unresolved],
            Sending => &[Sent, Delivered, Failed, Stopped, Expired, Unresolved],
            Sent => &[Delivered, Failed, Expired],
            Delivered | Failed | Stopped | Expired | Unresolved => &[],
        }
    }

    fn each_slot(mut check: impl FnMut(&Slot)) {
        let flags = [WANTS_REPORT, MAY_RESEND, RESENT, HAS_REFERENCE, STOP_WANTED, TASK_STOPPED];
        let flags = [&flags[..], &[FAILURE_UNCONFIRMED]].concat();
        for state in State::ALL {
            for chosen in 0..1 << flags.len() {
                let mut slot = Slot::EMPTY;
                slot.set_state(state);
                for (bit, flag) in flags.iter().enumerate() {
                    slot.set(*flag, chosen >> bit & 1 == 1);
                }
                check(&slot);
            }
        }
    }

    #[test]
    fn states_change_only_as_documented_and_final_ones_never() {
        let mut seen = std::collections::HashSet::new();
        each_slot(|slot| {
            for transition in INPUTS.into_iter().filter_map(|input| transition(slot, input)) {
                let (from, to) = (transition.from(), transition.to());
                assert!(!slot.is_over());
                assert!(from == to || followers(from).contains(&to), "{transition:?}");
                seen.insert((from, to));
            }
        });
        let documented =
            State::ALL.into_iter().flat_map(|from| followers(from).iter().map(move |to| (from, *to)));
        for pair in documented {
            assert!(seen.contains(&pair), "{pair:?}");
        }
    }

    #[test]
    fn each_end_is_an_update_and_each_update_has_a_number() {
        each_slot(|slot| {
            for transition in INPUTS.into_iter().filter_map(|input| transition(slot, input)) {
                let mut after = slot.clone();
                transition.write(&mut after, Tick::ZERO, Sequence::new(7));
                assert_eq!(after.state(), transition.to());
                assert_eq!(after.is_over(), transition.next == Next::End, "{transition:?}");
                assert_eq!(after.revision != slot.revision, transition.is_update);
                assert!(transition.is_update || !after.is_over());
            }
        });
    }

    #[test]
    fn only_a_message_that_may_be_resent_is_submitted_again() {
        each_slot(|slot| {
            let again = transition(slot, Input::Absent { in_touch: true, is_proof: false })
                .filter(|it| it.to() == State::Unsent);
            if again.is_some() {
                assert!(slot.has(MAY_RESEND) && !slot.has(STOP_WANTED) && slot.state() == State::Uncertain);
            }
        });
    }

    #[test]
    fn a_message_is_submitted_again_after_an_error_only_with_proof() {
        for refusal in [0, 500] {
            each_slot(|slot| {
                let mut slot = slot.clone();
                slot.refusal = refusal;
                for (in_touch, is_proof) in [(false, false), (true, false), (true, true)] {
                    let next = transition(&slot, Input::Absent { in_touch, is_proof }).map(|it| it.next);
                    let expected = slot.state() == State::Uncertain
                        && refusal == 500
                        && is_proof
                        && !slot.has(STOP_WANTED)
                        && !slot.has(TASK_STOPPED)
                        && !slot.has(HAS_REFERENCE);
                    assert_eq!(next == Some(Next::SubmitApart), expected);
                }
            });
        }
    }

    #[test]
    fn a_message_that_is_submitted_again_had_not_begun_to_be_sent_before() {
        let mut slot = Slot::EMPTY;
        slot.set_state(State::Unsent);
        slot.not_begun = Sequence::new(3);
        let submit = transition(&slot, Input::Submit).unwrap();
        submit.write(&mut slot, Tick::ZERO, Sequence::new(7));
        assert_eq!((slot.submitted, slot.not_begun), (Sequence::new(7), Sequence::new(7)));
    }
}
