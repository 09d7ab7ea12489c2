//! Checks that updates are in order and true.

use sms_gateway_core::{
    call::Status,
    track::{Message, MessageFailure as Why, Sent, State},
};

use super::{Failure, Oracle, Truth, demand, truth::Copy};
use crate::civil;

impl Oracle {
    /// Checks an update. `is_known`: the gateway still has the message.
    pub(crate) fn hear(&mut self, message: &Message, is_known: bool) -> Result<u32, Failure> {
        let index = self.find(message.id)?;
        self.figures.news += 1;
        self.write(index, || format!("news {message:?}"));
        let truth = self.truth(index);
        demand(!truth.vanished, index, "news of a message that had vanished")?;
        if self.is_repetition(index, message)? {
            self.figures.repeated_news += 1;
        } else {
            self.check(index, message, is_known)?;
            let (now, born) = (self.now, self.born);
            if message.state != State::Unsent {
                // Saved as submitted before a reset.
                self.truth_mut(index).asked.get_or_insert(born);
            }
            self.truth_mut(index).news = Some((*message, now));
        }
        Ok(index)
    }

    fn is_repetition(&self, index: u32, message: &Message) -> Result<bool, Failure> {
        let truth = self.truth(index);
        let Some((before, _)) = &truth.news else { return Ok(false) };
        if before.revision == message.revision {
            demand(
                is_same(before, message),
                index,
                format_args!("other news under the same number: {before:?} {message:?}"),
            )?;
            return Ok(true);
        }
        let ahead = message.revision.wrapping_sub(before.revision);
        demand(ahead < 1000, index, format_args!("news {} after {}", message.revision, before.revision))?;
        demand(!before.is_final, index, format_args!("{message:?} after the end {before:?}"))?;
        Ok(false)
    }

    fn check(&self, index: u32, message: &Message, is_known: bool) -> Result<(), Failure> {
        let truth = self.truth(index);
        let says = |holds, what: &str| {
            demand(holds, index, format_args!("told what is not so, {what}: {message:?}"))
        };
        if let Some(sent) = &message.sent {
            let copy = truth.copies().find(|copy| is_sent_so(copy, truth, sent));
            says(copy.is_some() || message.state == State::Failed, "how it was sent")?;
            if let Some(copy) = copy {
                let segments = message.segments;
                says(segments.delivered & !copy.received == 0, "a segment as delivered")?;
                says(segments.failed & !copy.failed == 0, "a segment as failed")?;
                says(segments.temporary & !copy.undecided == 0, "a segment as not delivered yet")?;
            }
        }
        says(is_true(truth, message), "its state")?;
        match message.state {
            State::Expired => self.check_expired(index, is_known),
            State::Unresolved => {
                let settled = truth.shown.result.is_some_and(|status| status != Status::Sending);
                demand(!settled, index, "unresolved though a result told what became of it")?;
                demand(!is_known, index, "unresolved though the gateway could tell more")
            }
            _ => Ok(()),
        }
    }

    /// Checks that a message does not expire early, nor with a decisive outcome.
    fn check_expired(&self, index: u32, is_known: bool) -> Result<(), Failure> {
        let truth = self.truth(index);
        let age = self.now - truth.added;
        let expire = self.config.settings.timing.expire.as_millis() as u64;
        demand(age + 20 >= expire, index, format_args!("expired after {age} ms"))?;
        let was_asked = truth.shown.result.is_some_and(|status| status != Status::Sending);
        let could_tell = is_known && truth.copies().any(|copy| copy.sent.is_some());
        demand(was_asked || !could_tell, index, "expired though the gateway could tell its result")?;
        let decided = matches!(truth.shown.result, Some(Status::Failed | Status::Delivered));
        demand(!decided, index, "expired though its result was decisive")
    }
}

/// Returns whether a repeated update is the same, except for facts about its sending and its segments that became known meanwhile.
fn is_same(before: &Message, again: &Message) -> bool {
    let (was, is) = (before.segments, again.segments);
    let more = was.delivered & !is.delivered == 0 && was.failed & !is.failed == 0;
    let mut again = *again;
    (again.segments, again.sent) = (was, before.sent);
    more && *before == again
}

fn is_sent_so(copy: &Copy, truth: &Truth, sent: &Sent) -> bool {
    let Some((_, begun)) = copy.begun else { return false };
    copy.is_at(sent.port, sent.reference)
        && sent.time == Some(civil::timestamp(begun))
        && sent.segments == truth.wish.segments
}

fn is_true(truth: &Truth, message: &Message) -> bool {
    let mut copies = truth.copies();
    match message.state {
        // A reset may have come before the request left.
        State::Unsent | State::Submitted | State::Uncertain => true,
        State::Accepted => copies.next().is_some(),
        State::Sending => copies.any(|copy| copy.begun.is_some()),
        State::Sent => copies.any(|copy| copy.sent == Some(true)),
        State::Delivered => truth.was_delivered(),
        State::Stopped => copies.all(|copy| copy.reference.is_none() && (copy.dropped || copy.broken)),
        State::Failed => has_failed_so(truth, message.failure),
        State::Expired | State::Unresolved => true,
    }
}

fn has_failed_so(truth: &Truth, why: Option<Why>) -> bool {
    // The outcome of a message that was sent again is that of its latest submission.
    if truth.was_delivered() && truth.more.is_empty() {
        return false;
    }
    match why {
        None => false,
        Some(Why::Refused(code)) => {
            // Sent once more since it was nowhere to be found.
            truth.refused == Some(code) && truth.copies().all(|copy| copy.reference.is_none())
        }
        Some(Why::NotSent) => truth.copies().any(|copy| copy.sent == Some(false)),
        Some(Why::Reported { segment, .. }) => truth.copies().any(|copy| copy.failed >> segment & 1 == 1),
    }
}
