//! What has to be so after a reset, and in the end.

use sms_gateway_core::{
    UserId,
    track::{Message, State},
};

use super::{Failure, Oracle, demand};
use crate::config::ENOUGH_EARLY;

impl Oracle {
    /// All changes are saved.
    pub(crate) fn saved(&mut self) {
        // Only messages that were not saved yet stand at the end.
        for message in (0..self.truths.len()).rev() {
            let truth = &mut self.truths[message];
            if truth.is_saved || truth.vanished {
                break;
            }
            truth.is_saved = true;
        }
    }

    /// Our side begins a new life with what was saved.
    pub(crate) fn reborn(&mut self, message: impl Fn(UserId) -> Option<Message>) -> Result<(), Failure> {
        self.life += 1;
        self.born = self.now;
        self.figures.resets += 1;
        self.write_all(|| "reset of ours".to_owned());
        let open = std::mem::take(&mut self.open);
        for index in open {
            let truth = self.truth_mut(index);
            // Whether that was saved is not known; if not, its news comes again.
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
        demand(!self.truth(index).is_saved, index, "lost in a reset though it was saved")?;
        self.write(index, || "vanished in a reset before it was saved".to_owned());
        self.truth_mut(index).vanished = true;
        self.figures.vanished += 1;
        Ok(())
    }

    /// The caller acknowledges news.
    pub(crate) fn acknowledge(&mut self, index: u32, news: u16) -> bool {
        self.write(index, || format!("acknowledges {news}"));
        let truth = self.truth_mut(index);
        let is_end = truth.news.is_some_and(|(message, _)| message.is_final && message.revision == news);
        truth.acknowledged |= is_end;
        is_end
    }

    /// That was saved.
    pub(crate) fn closed(&mut self, index: u32) {
        self.truth_mut(index).is_closed = true;
    }

    /// How many messages have no end yet that was acknowledged.
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

    /// Every message has its end, and every end that tells nothing is one of which nobody could tell more.
    pub(crate) fn close(&mut self) -> Result<(), Failure> {
        for index in 0..self.truths.len() as u32 {
            let truth = self.truth(index);
            if truth.vanished {
                continue;
            }
            let Some((message, _)) = truth.news else {
                return demand(false, index, "nothing was ever told of it");
            };
            demand(message.is_final, index, format_args!("no end: {message:?}"))?;
            self.figures.end(message.state, message.ambiguous);
            if message.state == State::Expired {
                self.justify(index, message.ambiguous)?;
            }
        }
        Ok(())
    }

    fn justify(&mut self, index: u32, ambiguous: bool) -> Result<(), Failure> {
        let what = if ambiguous {
            "ambiguous though its reports can be told from all others"
        } else if self.is_decided(index) {
            // Its report waited for another message to be told from, in vain.
            self.figures.ambiguous += 1;
            "expired though the reports that were shown decide"
        } else {
            return Ok(());
        };
        // Where there is little room for reports, it is forgotten which of them came before the message.
        let had_room = self.config.caller.early == ENOUGH_EARLY;
        demand(!had_room || self.could_not_tell(index), index, what)
    }
}
