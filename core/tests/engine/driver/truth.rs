//! The true outcome of each message, and checks of the driver's actions and updates against it.

use std::collections::{BTreeMap, BTreeSet};

use sms_gateway_core::track::{Message, MessageFailure, State};

use super::gateway::{Gateway, Outcome};

/// Facts about a message that the gateway does not know.
#[derive(Clone, Copy, Debug)]
// Each flag is an independent fact.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Truth {
    pub(crate) number: u64,
    pub(crate) wants_report: bool,
    pub(crate) may_resend: bool,
    pub(crate) added_at: u64,
    /// Number of requests that contain the message and may have arrived.
    uncertain: u32,
    /// Whether a request that contains the message was answered with HTTP 5xx and not accepted.
    is_unclear: bool,
    /// Number of requests that contain the message and were accepted.
    accepted: u32,
    was_refused: bool,
    /// Whether it was submitted and the outcome is not stored yet.
    is_unstored: bool,
    /// Whether its final update was acknowledged. The acknowledgement need not be stored yet.
    pub(crate) is_closed: bool,
}

#[derive(Default)]
pub(crate) struct Truths(pub(crate) BTreeMap<u32, Truth>);

impl Truths {
    pub(crate) fn add(&mut self, id: u32, number: u64, wants_report: bool, may_resend: bool, added_at: u64) {
        let truth = Truth {
            number,
            wants_report,
            may_resend,
            added_at,
            uncertain: 0,
            is_unclear: false,
            accepted: 0,
            was_refused: false,
            is_unstored: false,
            is_closed: false,
        };
        assert!(self.0.insert(id, truth).is_none(), "the user_id {id} is used twice");
    }

    pub(crate) fn of(&mut self, id: u32) -> &mut Truth {
        self.0.get_mut(&id).unwrap_or_else(|| panic!("message {id} was never added"))
    }

    /// Checks that a message may be submitted.
    pub(crate) fn submitting(&mut self, id: u32) {
        let truth = self.of(id);
        assert_eq!(truth.accepted, 0, "message {id} is submitted again, although the gateway has it");
        assert!(
            truth.uncertain == 0 || truth.may_resend,
            "message {id} is submitted again, although it may have arrived"
        );
        assert!(!truth.is_closed, "message {id} is submitted after its end");
        truth.is_unstored = true;
    }

    /// Notes that everything is stored.
    pub(crate) fn stored(&mut self) {
        self.0.retain(|_, truth| !truth.is_closed);
        self.0.values_mut().for_each(|truth| truth.is_unstored = false);
    }

    /// Notes a restart, after which only the stored messages are known. An outcome that was not stored is uncertain.
    pub(crate) fn restarted(&mut self, stored: &BTreeSet<u32>) {
        self.0.retain(|id, _| stored.contains(id));
        for truth in self.0.values_mut() {
            truth.uncertain += u32::from(truth.is_unstored);
            (truth.is_closed, truth.is_unstored) = (false, false);
        }
    }

    /// Notes the outcome of a request with a message.
    pub(crate) fn submitted(&mut self, id: u32, is_accepted: bool, is_uncertain: bool) {
        let truth = self.of(id);
        truth.accepted += u32::from(is_accepted);
        truth.uncertain += u32::from(is_uncertain);
    }

    pub(crate) fn answered_with_error(&mut self, id: u32) {
        self.of(id).is_unclear = true;
    }

    pub(crate) fn refused(&mut self, id: u32) {
        self.of(id).was_refused = true;
    }

    /// Checks the state of a message against the truth.
    pub(crate) fn check(&mut self, message: &Message, gateway: &Gateway, expire: u64, now: u64) {
        let truth = *self.of(message.id.get());
        let outcome = gateway.has(message.id.get()).map(|held| held.outcome);
        let is_true = match (message.state, message.failure) {
            (State::Unsent | State::Submitted | State::Uncertain, _) => true,
            (State::Accepted | State::Sending, _) => truth.accepted > 0,
            (State::Sent, _) => {
                matches!(outcome, Some(Outcome::Delivered | Outcome::NotDelivered | Outcome::Unreported))
            }
            (State::Delivered, _) => outcome == Some(Outcome::Delivered),
            (State::Failed, Some(MessageFailure::Refused(_))) => truth.was_refused && truth.accepted == 0,
            (State::Failed, Some(MessageFailure::NotSent)) => outcome == Some(Outcome::NotSent),
            (State::Failed, Some(MessageFailure::Reported { status: 65, .. })) => {
                outcome == Some(Outcome::NotDelivered)
            }
            (State::Failed, _) => false,
            (State::Stopped, _) => matches!(outcome, None | Some(Outcome::Stopped)),
            (State::Unresolved, _) => {
                (truth.uncertain > 0 || truth.is_unclear) && matches!(outcome, None | Some(Outcome::Stopped))
                    || outcome == Some(Outcome::Stopped)
            }
            (State::Expired, _) => now >= truth.added_at + expire,
        };
        assert!(is_true, "{message:?} of {truth:?}, and the gateway says {outcome:?}");
        let is_final = message.state.is_final() || message.state == State::Sent && !truth.wants_report;
        assert_eq!(message.is_final, is_final, "{message:?}");
    }
}
