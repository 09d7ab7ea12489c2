//! Checks after a reset, and at the end.

use sms_gateway_core::{
    UserId,
    track::{Message, State},
};

use super::{Failure, Oracle, demand};
use crate::config::ENOUGH_PENDING;

impl Oracle {
    /// Notes that all changes are saved.
    pub(crate) fn saved(&mut self) {
        // Unsaved messages are at the end.
        for message in (0..self.truths.len()).rev() {
            let truth = &mut self.truths[message];
            if truth.is_saved || truth.vanished {
                break;
            }
            truth.is_saved = true;
        }
    }

    /// Notes that the client restarts from its saved records.
    pub(crate) fn client_restarted(
        &mut self,
        message: impl Fn(UserId) -> Option<Message>,
    ) -> Result<(), Failure> {
        self.life += 1;
        self.born = self.now;
        self.figures.resets += 1;
        self.write_all(|| "reset of the client".to_owned());
        let open = std::mem::take(&mut self.open);
        for index in open {
            let truth = self.truth_mut(index);
            // It is unknown whether the acknowledgement was saved. If not, the update is repeated.
            truth.is_closed |= truth.acknowledged;
            if truth.is_closed {
                continue;
            }
            if message(truth.id).is_some() {
                truth.is_saved = true;
                self.open.push(index);
            } else {
                self.missing(index)?;
            }
        }
        Ok(())
    }

    fn missing(&mut self, index: u32) -> Result<(), Failure> {
        demand(!self.truth(index).is_saved, index, "lost in a reset although it was saved")?;
        self.write(index, || "vanished in a reset before it was saved".to_owned());
        self.truth_mut(index).vanished = true;
        self.figures.vanished += 1;
        Ok(())
    }

    /// Notes that the caller acknowledges an update.
    pub(crate) fn acknowledge(&mut self, index: u32, revision: u16) -> bool {
        self.write(index, || format!("acknowledges {revision}"));
        let truth = self.truth_mut(index);
        let is_end =
            truth.update.is_some_and(|(message, _)| message.is_final && message.revision == revision);
        truth.acknowledged |= is_end;
        is_end
    }

    /// Notes that the acknowledgement was saved.
    pub(crate) fn closed(&mut self, index: u32) {
        self.truth_mut(index).is_closed = true;
    }

    /// Returns whether the acknowledgements of all last updates are saved.
    pub(crate) fn is_all_closed(&mut self) -> bool {
        while let Some(last) = self.open.last() {
            let truth = self.truth(*last);
            if !truth.is_closed && !truth.vanished {
                return false;
            }
            self.open.pop();
        }
        true
    }

    /// Checks that every message has ended, and that unknown outcomes could not be known.
    pub(crate) fn close(&mut self) -> Result<(), Failure> {
        for index in 0..self.truths.len() as u32 {
            let truth = self.truth(index);
            if truth.vanished {
                continue;
            }
            let Some((message, _)) = truth.update else {
                return demand(false, index, "no update was ever returned");
            };
            demand(message.is_final, index, format_args!("not final: {message:?}"))?;
            self.figures.end(message.state, message.ambiguous);
            if self.judges() {
                self.count_segments(index);
            } else if message.state == State::Expired {
                self.justify(index, message.ambiguous)?;
            }
        }
        Ok(())
    }

    fn justify(&mut self, index: u32, ambiguous: bool) -> Result<(), Failure> {
        let what = if ambiguous {
            "ambiguous although its reports differ from all others"
        } else if self.is_decided(index) {
            // Its report waited in vain for another message to be ruled out.
            self.figures.ambiguous += 1;
            "expired although decisive reports were shown"
        } else {
            return Ok(());
        };
        // With little memory for reports, and after restarts and jumps of clocks, the tracker does not know when a report arrived.
        let (caller, device) = (&self.config.caller, &self.config.device);
        let is_calm = device.restarts == 0 && device.clock_steps == 0 && !device.starts_in_1970;
        let knows = caller.pending_reports == ENOUGH_PENDING && caller.resets == 0 && is_calm;
        demand(!(knows && self.config.settings.exclusive) || self.is_ambiguous(index), index, what)
    }
}
