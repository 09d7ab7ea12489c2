//! Checks that updates are in order and true.

use sms_gateway_core::{
    call::Status,
    track::{Message, MessageFailure, Sent, State},
};

use super::{Failure, Oracle, Truth, demand, truth::Copy};
use crate::civil;

impl Oracle {
    /// Checks an update. `is_known` states whether the gateway still has the message.
    pub(crate) fn receive_update(&mut self, message: &Message, is_known: bool) -> Result<u32, Failure> {
        let index = self.find(message.id)?;
        self.figures.updates += 1;
        self.write(index, || format!("update {message:?}"));
        let truth = self.truth(index);
        demand(!truth.vanished, index, "update of a message that had vanished")?;
        if self.is_repetition(index, message)? {
            self.figures.repeated_updates += 1;
        } else {
            self.check(index, message, is_known)?;
            self.judge(index, message);
            let (now, born) = (self.now, self.born);
            if message.state != State::Unsent {
                // It was saved as submitted before a reset.
                self.truth_mut(index).asked.get_or_insert(born);
            }
            self.truth_mut(index).update = Some((*message, now));
        }
        Ok(index)
    }

    fn is_repetition(&self, index: u32, message: &Message) -> Result<bool, Failure> {
        let truth = self.truth(index);
        let Some((before, _)) = &truth.update else { return Ok(false) };
        if before.revision == message.revision {
            demand(
                is_same(before, message),
                index,
                format_args!("different updates with the same revision: {before:?} {message:?}"),
            )?;
            return Ok(true);
        }
        let ahead = message.revision.wrapping_sub(before.revision);
        demand(ahead < 1000, index, format_args!("revision {} after {}", message.revision, before.revision))?;
        demand(!before.is_final, index, format_args!("{message:?} after the end {before:?}"))?;
        Ok(false)
    }

    fn check(&self, index: u32, message: &Message, is_known: bool) -> Result<(), Failure> {
        let truth = self.truth(index);
        let check = |holds, what: &str| demand(holds, index, format_args!("wrong {what}: {message:?}"));
        if let Some(sent) = &message.sent {
            let copy = truth.copies().find(|copy| is_sent_as(copy, truth, sent));
            check(copy.is_some() || message.state == State::Failed, "details of sending")?;
            if let Some(copy) = copy {
                let segments = message.segments;
                let judges = self.judges();
                check(judges || segments.delivered & !copy.received == 0, "delivered segment")?;
                check(judges || segments.failed & !copy.failed == 0, "failed segment")?;
                check(
                    judges || segments.temporary & !copy.undecided == 0,
                    "segment that is not delivered yet",
                )?;
            }
        }
        let is_judged = self.judges() && matches!(message.state, State::Delivered | State::Failed);
        check(is_judged || is_true(truth, message), "state")?;
        match message.state {
            // The tracker may not recognise the numbers in results because of their separators. The figures count such messages.
            State::Expired | State::Unresolved if self.is_respelt() => Ok(()),
            State::Expired => self.check_expired(index, is_known),
            State::Unresolved => {
                // FAILED counts only after the response to a request that names the message has ended without a better result. The
                // gateway may forget the message before that.
                let settled = match truth.shown.result {
                    Some(Status::Failed) => is_known,
                    Some(Status::Sending) | None => false,
                    Some(_) => true,
                };
                demand(!settled, index, "unresolved although a result contained its outcome")?;
                demand(!is_known, index, "unresolved although the gateway still has it")
            }
            _ => Ok(()),
        }
    }

    /// Checks that a message does not expire early, and that it has no decisive outcome.
    fn check_expired(&self, index: u32, is_known: bool) -> Result<(), Failure> {
        let truth = self.truth(index);
        let age = self.now - truth.added;
        let expire = self.config.settings.timing.expire.as_millis() as u64;
        demand(age + 20 >= expire, index, format_args!("expired after {age} ms"))?;
        let was_asked = truth.shown.result.is_some_and(|status| status != Status::Sending);
        let has_result = is_known && truth.copies().any(|copy| copy.sent.is_some());
        demand(was_asked || !has_result, index, "expired although the gateway has its result")?;
        let decided = matches!(truth.shown.result, Some(Status::Failed | Status::Delivered));
        demand(!decided, index, "expired although its result was decisive")
    }
}

/// Returns whether a repeated update is the same, except for facts about sending and segments that became known since.
fn is_same(before: &Message, again: &Message) -> bool {
    let (was, is) = (before.segments, again.segments);
    let more = was.delivered & !is.delivered == 0 && was.failed & !is.failed == 0;
    let mut again = *again;
    (again.segments, again.sent) = (was, before.sent);
    more && *before == again
}

fn is_sent_as(copy: &Copy, truth: &Truth, sent: &Sent) -> bool {
    let Some((_, begun)) = copy.begun else { return false };
    copy.is_at(sent.port, sent.reference)
        && sent.time == Some(civil::timestamp(begun))
        && sent.segments == truth.requested.segments
}

fn is_true(truth: &Truth, message: &Message) -> bool {
    let mut copies = truth.copies();
    match message.state {
        // A reset may have happened before the request was sent.
        State::Unsent | State::Submitted | State::Uncertain => true,
        State::Accepted => copies.next().is_some(),
        State::Sending => copies.any(|copy| copy.begun.is_some()),
        State::Sent => copies.any(|copy| copy.sent == Some(true)),
        State::Delivered => truth.was_delivered(),
        State::Stopped => copies.all(|copy| copy.reference.is_none() && (copy.dropped || copy.broken)),
        State::Failed => has_failed_as(truth, message.failure),
        State::Expired | State::Unresolved => true,
    }
}

fn has_failed_as(truth: &Truth, failure: Option<MessageFailure>) -> bool {
    // The outcome of a message that was sent again is that of its latest submission.
    if truth.was_delivered() && truth.more.is_empty() {
        return false;
    }
    match failure {
        None => false,
        Some(MessageFailure::Refused(code)) => {
            // The message was sent again because the gateway did not have it.
            truth.refused == Some(code) && truth.copies().all(|copy| copy.reference.is_none())
        }
        Some(MessageFailure::NotSent) => truth.copies().any(|copy| copy.sent == Some(false)),
        Some(MessageFailure::Reported { segment, .. }) => {
            truth.copies().any(|copy| copy.failed >> segment & 1 == 1)
        }
    }
}
