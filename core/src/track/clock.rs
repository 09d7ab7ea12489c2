//! The gateway's clock, as far as its answers show it.
//!
//! Gateway times are compared with each other only. The clock jumps: it is set, daylight saving begins, a restart puts it to
//! 1970. What was sent before it jumped back can't be told by time from what was sent after.

use super::{
    slot::{NO_TIME, Slot},
    timing::{Tick, seconds},
};

/// A box without the right time yet says it is in 1970; nothing before 2000 can be right.
const UNSET: u32 = 978_220_800;

/// How much earlier than expected a result may be and still be a message's own: a change of daylight saving, and some.
const TOLERANCE: u32 = 2 * 3600;

/// So many messages in a row whose results seem far too old: the clock was wrong before.
const DOUBTS: u8 = 2;

/// So many reports in a row carried exactly the time of sending: reports do so.
const SURE: u8 = 8;

/// So many in a row did not: they don't.
const UNSURE: u8 = 3;

/// A report that comes so many seconds after the sending is the message's own: other messages have other references then.
const SOON: u32 = 16;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Grows with each jump back.
    era: u8,
    /// The latest time of sending in this era, and when and at which sequence number it was seen.
    latest: u32,
    seen: Tick,
    sequence: u32,
    /// The latest time of sending before the clock jumped back, in whatever era.
    barrier: u32,
    doubts: u8,
    /// How many reports in a row carried the time of sending, and since then how many did not.
    equal: u8,
    unequal: u8,
}

/// How a report's time stands to a message's time of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    After,
    Before,
    Unknown,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            era: 0,
            latest: NO_TIME,
            seen: Tick(0),
            sequence: 0,
            barrier: 0,
            doubts: 0,
            equal: 0,
            unequal: 0,
        }
    }

    /// The latest time of sending that was seen since the clock last jumped back.
    pub(super) fn latest(&self) -> Option<u32> {
        (self.latest != NO_TIME).then_some(self.latest)
    }

    /// What the clock says by now, unless it was put back.
    pub(super) fn reading(&self, now: Tick) -> Option<u32> {
        self.latest().map(|latest| latest.saturating_add(seconds(self.seen.ago(now))))
    }

    pub(super) fn is_current(&self, slot: &Slot) -> bool {
        slot.sent != NO_TIME && slot.era == self.era
    }

    pub(super) fn era(&self) -> u8 {
        self.era
    }

    /// Whether a result of that time is too old to be of a message added then: it is another's with the same user_id. Not
    /// if several in a row are: then the clock was wrong before.
    pub(super) fn is_too_old(&mut self, sent: u32, added: Tick) -> bool {
        let (Some(latest), true) = (self.latest(), sent >= UNSET) else { return false };
        let then = latest.saturating_sub(seconds(added.ago(self.seen)));
        if sent.saturating_add(TOLERANCE) >= then {
            self.doubts = 0;
            return false;
        }
        self.doubts = self.doubts.saturating_add(1);
        self.doubts <= DOUBTS
    }

    /// Takes note of the time of sending of a message that had not begun at this sequence number. Whether the clock jumped back.
    pub(super) fn note(&mut self, sent: u32, not_begun: u32, now: Tick, sequence: u32) -> bool {
        let Some(latest) = self.latest() else {
            (self.latest, self.seen, self.sequence) = (sent, now, sequence);
            return false;
        };
        let came_later = not_begun.wrapping_sub(self.sequence) <= u32::MAX / 2;
        let jumped = came_later && sent.saturating_add(1) < latest;
        if jumped {
            self.era = self.era.wrapping_add(1);
            self.barrier = self.barrier.max(latest);
        }
        if jumped || sent > latest {
            (self.latest, self.seen, self.sequence) = (sent, now, sequence);
        }
        jumped
    }

    /// A time of sending that an earlier life saw.
    pub(super) fn recall(&mut self, sent: u32) {
        if self.latest().is_none_or(|latest| sent > latest) {
            self.latest = sent;
        }
    }

    /// A time of sending of before the clock was put back, in an earlier life.
    pub(super) fn recall_former(&mut self, sent: u32) {
        self.barrier = self.barrier.max(sent);
    }

    /// What an earlier life learned of the times of reports, and the era that it ended in.
    pub(super) fn recall_era(&mut self, equal: bool, era: u8) {
        (self.equal, self.era) = (if equal { SURE } else { 0 }, era);
    }

    /// All was recalled: from this sequence number on times are compared with it.
    pub(super) fn restored(&mut self, sequence: u32, now: Tick) {
        (self.sequence, self.seen) = (sequence, now);
    }

    /// Whether it was that time more than so many seconds ago, before or after the clock was put back.
    pub(super) fn is_past(&self, time: u32, seconds: u32, now: Tick) -> bool {
        let Some(reading) = self.reading(now) else { return false };
        let until = time.saturating_add(seconds);
        until < reading || until < self.barrier && time.saturating_sub(TOLERANCE) > reading
    }

    pub(super) fn relation(&self, slot: &Slot, time: u32) -> Relation {
        let was_set = slot.sent < UNSET && time >= UNSET;
        if slot.sent == NO_TIME || time == NO_TIME {
            Relation::Unknown
        } else if time == slot.sent {
            Relation::Equal
        } else if !self.is_current(slot) {
            Relation::Unknown
        } else if time.saturating_add(1) < slot.sent
            || was_set && time.saturating_add(TOLERANCE) <= self.barrier
        {
            // Or it was written before the clock was put to 1970.
            Relation::Before
        } else if was_set {
            Relation::Unknown
        } else {
            Relation::After
        }
    }

    /// Whether reports carry exactly the time of sending.
    pub(super) fn reports_equal(&self) -> bool {
        self.equal >= SURE
    }

    /// Whether a report of that time can't be the message's, since reports carry exactly the time of sending.
    pub(super) fn rules_out(&self, slot: &Slot, time: u32) -> bool {
        self.reports_equal() && slot.sent != NO_TIME && time != NO_TIME && slot.sent != time
    }

    /// Takes note of how the time of a report stood to that of the only message that it could be of, `late` seconds before.
    pub(super) fn learn(&mut self, relation: Relation, late: u32) {
        match relation {
            Relation::Equal => {
                self.equal = self.equal.saturating_add(1).min(SURE);
                self.unequal = 0;
            }
            Relation::Unknown | Relation::Before => {}
            // By then references may have come around: it may be another message's.
            Relation::After if late > SOON => {}
            Relation::After if self.reports_equal() => {
                self.unequal = self.unequal.saturating_add(1);
                if self.unequal >= UNSURE {
                    (self.equal, self.unequal) = (0, 0);
                }
            }
            Relation::After => self.equal = 0,
        }
    }
}
