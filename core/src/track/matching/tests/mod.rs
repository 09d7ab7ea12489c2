//! The rules for reports at their limits. Each test judges a report of port 3 and reference 9 to one number.

mod candidates;
mod certainty;
mod clocks;
mod results;
mod rivals;

use std::vec;

use super::{
    Judgement, Matching, PendingReport, RawReport, Sighting, Strictness, Verdict, insert_for_reports,
    rules::Evidence,
};
use crate::track::{
    clock::{GatewayClock, GatewaySeconds, Mark, Sequence, Tick},
    message::{Fates, HAS_REFERENCE, Slot, State, WANTS_REPORT, lifecycle},
    number::PackedNumber,
    plan::{Messages, Queue, View, Waits},
    table::{SlotId, Table},
};

const SECOND: u32 = 100;
const HOUR: u32 = 3600 * SECOND;

/// The time for which reports may be late, and for which they may be repeated.
const LATE: u32 = 72 * HOUR;
const DOUBLED: u32 = HOUR;

const WAITS: Waits =
    Waits { expire: 72 * HOUR, late: LATE, reported: 2 * HOUR, doubled: DOUBLED, ..Waits::NONE };

/// When the port and the reference of a message became known, and what the gateway's clock showed when it was sent.
const START: Tick = Tick::new(1000 * HOUR);
const SENT: u32 = 1_800_000_000;

const EXCLUSIVE: Strictness = Strictness { is_exclusive: true, is_strict: false };
const STRICT: Strictness = Strictness { is_exclusive: false, is_strict: true };
const QUICK: Strictness = Strictness { is_exclusive: false, is_strict: false };

fn number() -> PackedNumber {
    PackedNumber::parse("13800000007").unwrap()
}

/// A report of a delivery, whose time is a number of seconds after [`SENT`].
fn report(after: i32) -> RawReport {
    let time = GatewaySeconds::new(SENT.wrapping_add_signed(after));
    RawReport { number: number(), time, port: 3, reference: 9, status: 0 }
}

/// The sequence number of the first sight of reports.
const FIRST: u32 = 1000;

struct Rig {
    table: Messages<'static>,
    matching: Matching<'static>,
    clock: GatewayClock,
    next: u32,
}

impl Rig {
    fn new(strictness: Strictness) -> Self {
        let mut table = Table::empty();
        table.lend(vec![Slot::EMPTY; 300].leak(), Queue::FREE);
        let mut matching = Matching::empty();
        matching.lend(vec![PendingReport::EMPTY; 64].leak(), strictness);
        matching.note_segments(8);
        Self { table, matching, clock: GatewayClock::NEW, next: 0 }
    }

    /// Adds a message of one segment that was sent at [`START`], with changes.
    fn add(&mut self, change: impl FnOnce(&mut Slot)) -> SlotId {
        let id = SlotId::at(self.next).unwrap();
        self.next += 1;
        let slot = self.table.get_mut(id).unwrap();
        slot.user_id = self.next;
        slot.set_number(&number());
        slot.set(WANTS_REPORT, true);
        slot.set(HAS_REFERENCE, true);
        lifecycle::restore(slot, State::Sent);
        (slot.port, slot.reference, slot.segments) = (3, 9, 1);
        (slot.sent, slot.located, slot.since) = (GatewaySeconds::new(SENT), START, START);
        (slot.submitted, slot.not_begun) = (Sequence::new(10), Sequence::new(10));
        change(slot);
        insert_for_reports(&mut self.table, id);
        id
    }

    /// Adds a message whose segment was delivered, and which ended at a time.
    fn delivered(&mut self, at: Tick, reported: i32) -> SlotId {
        self.add(|slot| {
            lifecycle::restore(slot, State::Delivered);
            (slot.fates, slot.since) = (Fates::new(1, 0, 0), at);
            slot.note_report_time(report(reported).time);
        })
    }

    /// Adds a message whose port and reference are not known.
    fn unlocated(&mut self, state: State, change: impl FnOnce(&mut Slot)) -> SlotId {
        self.add(|slot| {
            slot.set(HAS_REFERENCE, false);
            lifecycle::restore(slot, state);
            change(slot);
        })
    }

    /// Judges a report that was seen at a time, and had not arrived at another one.
    fn judge(&mut self, report: RawReport, absent: Option<Tick>, seen: Tick) -> Judgement {
        let sighting = Sighting { at: seen, first: Sequence::new(FIRST), absent };
        let view = View { now: seen, clock: &self.clock };
        self.matching.judge(&self.table, view, &WAITS, (&report, sighting))
    }

    fn verdict(&mut self, report: RawReport, absent: Tick) -> Verdict {
        self.judge(report, Some(absent), absent.plus(1)).verdict
    }

    /// Returns whether a report that was absent some time after [`START`] is assigned to a message.
    fn is_own(&mut self, report: RawReport, absent: Tick, seen: Tick) -> bool {
        matches!(self.judge(report, Some(absent), seen).verdict, Verdict::Own { .. })
    }

    fn evidence(&self) -> Evidence<'_, 'static> {
        Evidence {
            table: &self.table,
            view: View { now: START, clock: &self.clock },
            waits: &WAITS,
            strictness: self.matching.strictness(),
            longest: self.matching.longest(),
        }
    }

    /// Lets eight reports carry exactly the send time of their messages.
    fn learn_equality(&mut self) {
        assert!((0..8).any(|_| self.clock.learn(true)));
    }

    /// Lets five reports show by how much the clock of the port's reports is ahead.
    fn learn_lead(&mut self, seconds: u32) {
        (0..5).for_each(|_| self.clock.leads.vote(3, seconds, START.earlier(HOUR)));
    }
}

const fn own(id: SlotId) -> Verdict {
    Verdict::Own { id, segment: 0 }
}
