//! The gateway's clock, as far as its responses show it.
//!
//! Gateway times are compared with each other only. The clock jumps: it is set, daylight saving begins, a restart puts it to
//! 1970. Time cannot order messages sent before and after it jumped back, so each jump back begins an era.

use core::num::NonZeroU32;

use super::{Looks, Mark, Sequence, Tick, seconds};
use crate::{
    Timestamp,
    value::{from_seconds, to_seconds},
};

/// A time of the gateway's clock in seconds from 1969-01-01 00:00:00. An `Option` of it takes no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Stored as the complement, so that the last second, which stands for no time, is the 0 of the niche.
pub(in crate::track) struct GatewaySeconds(NonZeroU32);

impl GatewaySeconds {
    /// Returns a time; `None` for the last second.
    pub(in crate::track) const fn new(seconds: u32) -> Option<Self> {
        match NonZeroU32::new(!seconds) {
            Some(complement) => Some(Self(complement)),
            None => None,
        }
    }

    /// Returns a time, the last but one instead of the last second.
    pub(in crate::track) fn saturating(seconds: u32) -> Self {
        Self::new(seconds).unwrap_or(Self(NonZeroU32::MIN))
    }

    pub(in crate::track) fn from_time(time: Timestamp) -> Option<Self> {
        Self::new(to_seconds(time))
    }

    pub(in crate::track) const fn get(self) -> u32 {
        !self.0.get()
    }

    /// Returns the seconds of a time as a number that stands for no time too: the greatest.
    pub(in crate::track) const fn number(time: Option<Self>) -> u32 {
        match time {
            Some(time) => time.get(),
            None => u32::MAX,
        }
    }

    pub(in crate::track) fn to_time(self) -> Timestamp {
        from_seconds(self.get())
    }

    /// Returns the seconds of a later time, at most the greatest number.
    pub(in crate::track) fn plus(self, seconds: u32) -> u32 {
        self.get().saturating_add(seconds)
    }

    /// Returns an earlier time.
    pub(in crate::track) fn minus(self, seconds: u32) -> Self {
        Self::saturating(self.get().saturating_sub(seconds))
    }
}

/// When a message was sent, and in which era of the gateway's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct SentAt {
    pub(in crate::track) time: Option<GatewaySeconds>,
    pub(in crate::track) era: u8,
}

/// The first second of 2000. A gateway without the right time yet is in 1970.
const UNSET_BEFORE: u32 = 978_220_800;

/// The maximum by which a result may be earlier than expected and still be a message's own, in seconds: a change of daylight
/// saving and a reserve.
const TOLERANCE: u32 = 2 * 3600;

/// The number of consecutive results far too old after which they are accepted: the clock was wrong before.
const MAX_DOUBTS: u8 = 2;

/// Consecutive matches after which reports are assumed to carry the send time.
const SURE: u8 = 8;

/// Consecutive matches with a different time after which reports are not assumed to carry the send time any more.
const UNSURE: u8 = 3;

/// The eras of the gateway's clock, and what its reports' times mean.
#[derive(Debug)]
pub(in crate::track) struct GatewayClock {
    /// Grows with each jump back.
    era: u8,
    /// The latest send time in this era, and when and at which sequence number it was seen.
    latest: Option<GatewaySeconds>,
    seen: Tick,
    sequence: Sequence,
    /// The latest send time of all former eras, in seconds.
    barrier: u32,
    /// The number of consecutive results that were far too old.
    doubts: u8,
    /// The number of consecutive reports that carried the send time, and of those since then that did not.
    equal: u8,
    unequal: u8,
    /// When reports were looked at.
    pub(in crate::track) looks: Looks,
}

impl GatewayClock {
    pub(in crate::track) const NEW: Self = Self {
        era: 0,
        latest: None,
        seen: Tick::ZERO,
        sequence: Sequence::NEVER,
        barrier: 0,
        doubts: 0,
        equal: 0,
        unequal: 0,
        looks: Looks::NEW,
    };

    /// Returns the latest send time seen since the clock last jumped back.
    pub(in crate::track) fn latest(&self) -> Option<GatewaySeconds> {
        self.latest
    }

    /// Returns what the clock shows now in seconds, unless it was put back.
    pub(in crate::track) fn reading(&self, now: Tick) -> Option<u32> {
        self.latest.map(|latest| latest.plus(seconds(self.seen.ago(now))))
    }

    /// Returns whether a message was sent in the current era.
    pub(in crate::track) fn is_current(&self, sent: SentAt) -> bool {
        sent.time.is_some() && sent.era == self.era
    }

    pub(in crate::track) fn era(&self) -> u8 {
        self.era
    }

    /// Returns whether a result is too old for a message added at that tick, so that it belongs to another message with the same
    /// user_id. After several consecutive ones it is not: the clock was wrong before.
    pub(in crate::track) fn is_too_old(&mut self, sent: GatewaySeconds, added: Tick) -> bool {
        let sent = sent.get();
        let (Some(latest), true) = (self.latest, sent >= UNSET_BEFORE) else { return false };
        let then = latest.get().saturating_sub(seconds(added.ago(self.seen)));
        if sent.saturating_add(TOLERANCE) >= then {
            self.doubts = 0;
            return false;
        }
        self.doubts = self.doubts.saturating_add(1);
        self.doubts <= MAX_DOUBTS
    }

    /// Learns the send time of a message that had not begun to be sent at a sequence number. Returns whether the clock jumped back.
    pub(in crate::track) fn learn_send_time(
        &mut self,
        time: GatewaySeconds,
        not_begun: Sequence,
        now: Tick,
        sequence: Sequence,
    ) -> bool {
        let sent = time.get();
        let Some(latest) = self.latest.map(GatewaySeconds::get) else {
            (self.latest, self.seen, self.sequence) = (Some(time), now, sequence);
            return false;
        };
        let began_later = !self.sequence.is_after(not_begun);
        let jumped = began_later && sent.saturating_add(1) < latest;
        if jumped {
            self.era = self.era.wrapping_add(1);
            self.barrier = self.barrier.max(latest);
        }
        if jumped || sent > latest {
            (self.latest, self.seen, self.sequence) = (Some(time), now, sequence);
        }
        jumped
    }

    /// Restores the send time of a message. Until a jump is noticed, the era in which the last life ended counts as the current one.
    pub(in crate::track) fn restore_sent(&mut self, sent: SentAt) {
        let Some(time) = sent.time else { return };
        if sent.era != self.era {
            self.barrier = self.barrier.max(time.get());
        } else if self.latest.is_none_or(|latest| time.get() > latest.get()) {
            self.latest = Some(time);
        }
    }

    /// Restores what an earlier life learned about the times of reports, and the era in which it ended.
    pub(in crate::track) fn restore_era(&mut self, equal: bool, era: u8) {
        (self.equal, self.era) = (if equal { SURE } else { 0 }, era);
    }

    /// Ends restoring: messages that begin after this sequence number are compared with the restored times.
    pub(in crate::track) fn start(&mut self, sequence: Sequence, now: Tick, mark: Option<Mark>) {
        (self.sequence, self.seen) = (sequence, now);
        self.looks.start(now, mark);
    }

    /// Returns whether a time is more than a number of seconds ago, before or after the clock was put back.
    pub(in crate::track) fn is_past(&self, time: GatewaySeconds, seconds: u32, now: Tick) -> bool {
        let Some(reading) = self.reading(now) else { return false };
        let (time, until) = (time.get(), time.plus(seconds));
        until < reading || until < self.barrier && time.saturating_sub(TOLERANCE) > reading
    }

    /// Returns whether reports carry exactly the send time.
    pub(in crate::track) fn reports_equal(&self) -> bool {
        self.equal >= SURE
    }

    /// Learns whether a report that arrived soon after its message was sent carries the send time. Returns whether it is now known,
    /// or no longer, that reports do.
    pub(in crate::track) fn learn(&mut self, is_equal: bool) -> bool {
        let before = self.reports_equal();
        if is_equal {
            (self.equal, self.unequal) = (self.equal.saturating_add(1).min(SURE), 0);
        } else {
            self.unequal = self.unequal.saturating_add(1);
            if !before || self.unequal >= UNSURE {
                (self.equal, self.unequal) = (0, 0);
            }
        }
        before != self.reports_equal()
    }
}
