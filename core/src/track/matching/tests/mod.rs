//! Tests the limits in the rules for reports. All judged reports have port 3, reference 9 and the same number.

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

/// The ticks by which reports may be late, and for which they may be repeated.
const LATE: u32 = 72 * HOUR;
const DOUBLED: u32 = HOUR;

const WAITS: Waits =
    Waits { expire: 72 * HOUR, late: LATE, reported: 2 * HOUR, doubled: DOUBLED, ..Waits::NONE };

/// When the port and the reference of a message became known.
const START: Tick = Tick::new(1000 * HOUR);
/// The send time of a message, in seconds of the gateway's clock.
const SENT: u32 = 1_800_000_000;

const EXCLUSIVE: Strictness = Strictness { is_exclusive: true, is_strict: false };
const STRICT: Strictness = Strictness { is_exclusive: false, is_strict: true };
const QUICK: Strictness = Strictness { is_exclusive: false, is_strict: false };

fn number() -> PackedNumber {
    PackedNumber::parse("13800000007").unwrap()
}

/// Returns a report of a successful delivery. The time in it is `after` seconds after [`SENT`].
fn report(after: i32) -> RawReport {
    let time = GatewaySeconds::new(SENT.wrapping_add_signed(after));
    RawReport { number: number(), time, port: 3, reference: 9, status: 0 }
}

/// The sequence number at which reports are first seen.
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

    /// Adds a message of one segment that was sent at [`SENT`]. Its reference became known at [`START`]. `change` may alter all of this.
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

    /// Adds a message that ended at the tick `at`. A report whose time is [`SENT`] plus `reported` seconds has
    /// confirmed its delivery.
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

    /// Judges a report that was first seen at `seen` and had not arrived at `absent`.
    fn judge(&mut self, report: RawReport, absent: Option<Tick>, seen: Tick) -> Judgement {
        let sighting = Sighting { at: seen, first: Sequence::new(FIRST), absent };
        let view = View { now: seen, clock: &self.clock };
        self.matching.judge(&self.table, view, &WAITS, (&report, sighting))
    }

    fn verdict(&mut self, report: RawReport, absent: Tick) -> Verdict {
        self.judge(report, Some(absent), absent.plus(1)).verdict
    }

    /// Returns whether a report that was first seen at `seen` and had not arrived at `absent` is assigned to a message.
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

    /// Simulates eight reports from which the clock learns that reports carry exactly the message's send time.
    fn learn_equality(&mut self) {
        assert!((0..8).any(|_| self.clock.learn(true)));
    }

    /// Simulates five reports from which the clock learns that the lead of port 3 is `seconds`.
    fn learn_lead(&mut self, seconds: u32) {
        (0..5).for_each(|_| self.clock.leads.vote(3, seconds, START.earlier(HOUR)));
    }
}

const fn own(id: SlotId) -> Verdict {
    Verdict::Own { id, segment: 0 }
}
