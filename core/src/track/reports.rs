//! Whose a status report is, and what it says.
//!
//! A report names port, number and reference; references come around again, so several messages may fit. One is the report's
//! when all others can be ruled out: by the gateway's times, since a report can't be older than its message, and by the order of
//! what was seen, since a message can't have a report that was seen before it was submitted. Else nobody is.

use core::time::Duration;

use super::{
    ask::Token,
    clock::Relation,
    digits::Digits,
    early::{Raw, Report, Stage},
    index::{Candidates, Unlocated},
    question::{Kind, OLD},
    slot::{AMBIGUOUS, CHANGED, DOUBTED, LOCATED, NO_TIME, Queue, Slot, State},
    timing::seconds,
    tracker::{Tracker, is_later},
};
use crate::{
    call::{Delivery, QuerySmsDeliverStatus, StatusReport},
    value::to_seconds,
};

/// How many messages that are not located yet are looked at for one report. Where there are more, one of those may own it.
const MAX_LOOKS: u32 = 256;

/// In so many places a step looks for reports that wait for another message to be ruled out, and for so many of them.
const MAX_REVIEW: usize = 1024;
const MAX_CLAIMS: u32 = 16;

/// What was made of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// Nothing is to be done about it.
    Noted,
    /// A report that was kept had to make room, and is to be handed out as [`Event::Unmatched`](super::Event::Unmatched) now.
    Displaced(Report),
    /// It lacks the port, reference or status, or its number is none: nobody's. It is not kept, and comes again
    /// when the gateway repeats it.
    Unreadable,
}

/// Whose a report is.
enum Owner {
    /// This message's segment.
    Message(u32, u8, Relation),
    /// Nobody's here, as yet.
    Nobody,
    /// One that was taken before, or that changes nothing.
    Repeated,
    /// A message's, unless it turns out to be of one whose port and reference are not known yet.
    Claimed,
    /// One of several.
    Several,
}

/// A message whose port and reference are not known, and which may own a report.
enum Rival {
    None,
    One(u32),
    /// There are too many to look at; the report waits until there are less.
    Many,
}

impl Tracker<'_> {
    /// A report of the answer to [`Ask::Reports`](super::Ask::Reports).
    pub fn handle_report(
        &mut self,
        token: &Token<QuerySmsDeliverStatus<'static>>,
        report: &StatusReport<'_>,
        now: Duration,
    ) -> Taken {
        if !self.is_asked(token)
            || !matches!(self.question.kind, Kind::Reports { .. } | Kind::Arrivals { .. })
        {
            return Taken::Noted;
        }
        self.now = self.tick(now);
        let Some(report) = Raw::read(report) else { return Taken::Unreadable };
        self.take_report(&report)
    }

    fn take_report(&mut self, report: &Raw) -> Taken {
        let known = self.early.known(report);
        if matches!(known, Some((Stage::Ambiguous | Stage::Undecided, _))) {
            return Taken::Noted;
        }
        let sequence = match known {
            Some((_, sequence)) => sequence,
            None => self.count(),
        };
        let stage = match self.owner(report, sequence, known.is_none()) {
            Owner::Message(at, segment, relation) => {
                self.early.remove(report);
                let late = report.time.saturating_sub(self.slots.get(at).sent);
                self.learn(relation, late);
                self.apply(at, segment, report, relation);
                return Taken::Noted;
            }
            Owner::Repeated => {
                self.early.remove(report);
                return Taken::Noted;
            }
            // Where it stands already is more than that nobody owns it.
            Owner::Nobody if known.is_some_and(|(stage, _)| stage != Stage::Claimed) => return Taken::Noted,
            Owner::Nobody if known.is_none() && self.is_ancient(report) => return Taken::Noted,
            Owner::Nobody => Stage::Waiting,
            Owner::Claimed => Stage::Claimed,
            Owner::Several => Stage::Ambiguous,
        };
        let due = self.now.plus(self.waits.unmatched);
        match self.early.put(report, stage, self.now, due, sequence) {
            Some(displaced) => Taken::Displaced((&displaced).into()),
            None => Taken::Noted,
        }
    }

    /// Whether the report may be of a message that is already forgotten.
    fn is_ancient(&self, report: &Raw) -> bool {
        report.time != NO_TIME && self.clock.is_past(report.time, seconds(self.waits.reported), self.now)
    }

    /// Whether the report comes too late for a message of before the clock was put back: only a time near that of sending speaks
    /// for the message then.
    fn is_doubtful(&self, slot: &Slot, report: &Raw, relation: Relation) -> bool {
        let from = slot.sent.saturating_sub(1);
        relation == Relation::Unknown
            && slot.sent != NO_TIME
            && self.is_ancient(report)
            && !(from..from.saturating_add(OLD)).contains(&report.time)
    }

    fn learn(&mut self, relation: Relation, late: u32) {
        let before = self.clock.reports_equal();
        self.clock.learn(relation, late);
        self.epoch.unsaved |= self.clock.reports_equal() != before;
    }

    /// Looks for reports that came before the message's result.
    pub(super) fn take_early(&mut self, at: u32) {
        let slot = self.slots.get(at);
        if !slot.has(LOCATED) {
            return;
        }
        let (digits, port, reference, segments) = (slot.digits, slot.port, slot.reference, slot.segments);
        for segment in 0..segments {
            let mut from = 0;
            while let Some((report, _)) =
                self.early.find(&digits, port, reference.wrapping_add(segment), &mut from)
            {
                // It is kept already, so it displaces none.
                let _ = self.take_report(&report);
            }
        }
    }

    /// Looks once more at reports that could have been of messages whose port and reference were not known. The gateway may never
    /// show them again.
    pub(super) fn review_claims(&mut self) {
        let mut looks = MAX_REVIEW;
        for _ in 0..MAX_CLAIMS {
            let Some(report) = self.early.next_claimed(&mut looks) else { return };
            // It is kept already, so it displaces none.
            let _ = self.take_report(&report);
        }
    }

    /// Whose a report is that was first seen at this sequence number, now if it is new.
    fn owner(&mut self, report: &Raw, sequence: u32, is_new: bool) -> Owner {
        let mut candidates =
            Candidates::new(&self.slots, report.port, report.reference, &report.digits, self.longest);
        let (mut possible, mut open, mut only, mut repeated) = (0_u32, 0_u32, None, false);
        let (mut unequal, mut late, mut doubtful) = (0_u32, 0, false);
        while let Some((at, segment)) = candidates.next(&self.slots) {
            let slot = self.slots.get(at);
            let relation = self.clock.relation(slot, report.time);
            if is_later(slot.submitted, sequence) {
                continue;
            }
            if is_repetition(slot, segment, report) {
                repeated = true;
            } else if self.clock.rules_out(slot, report.time) {
                // Where sending broke off, the next message has the references that were not used.
                if relation == Relation::After && segment < slot.succeeded {
                    (unequal, late) = (unequal + 1, report.time.wrapping_sub(slot.sent));
                }
            } else if self.is_doubtful(slot, report, relation) {
                doubtful = true;
            } else if relation != Relation::Before && !self.is_outdated(slot, segment, report) {
                possible += 1;
                open += u32::from(!is_ended(slot, segment));
                only = Some((at, segment, relation));
            }
        }
        if repeated || possible > 0 && open == 0 {
            if let (Some((at, ..)), 1, false) = (only, possible, repeated) {
                self.note_time(at, report.time);
            }
            return Owner::Repeated;
        }
        match only {
            None => {
                if unequal == 1 && is_new {
                    self.learn(Relation::After, late);
                }
                Owner::Nobody
            }
            Some((at, segment, relation)) if possible == 1 && !doubtful => {
                if self.clock.reports_equal() && relation == Relation::Equal {
                    return Owner::Message(at, segment, relation);
                }
                match self.rival(report, sequence) {
                    Rival::None => Owner::Message(at, segment, relation),
                    Rival::One(rival) if self.stays_unlocated(rival) => {
                        self.mark_candidates(report, sequence)
                    }
                    Rival::One(rival) => self.wait_for(rival),
                    Rival::Many => Owner::Claimed,
                }
            }
            // The earlier one may turn out to be one candidate's, and leave this one to the other.
            Some(_) if self.early.has_earlier_claim(report, sequence) => Owner::Claimed,
            Some(_) => self.mark_candidates(report, sequence),
        }
    }

    /// The message had a report of that time.
    fn note_time(&mut self, at: u32, time: u32) {
        let slot = self.slots.get_mut(at);
        let before = (slot.first_report, slot.last_report);
        slot.note_report_time(time);
        if before != (slot.first_report, slot.last_report) {
            self.change(at);
        }
    }

    /// Whether the message had the segment's last report too long ago for this to be that again.
    fn is_outdated(&self, slot: &Slot, segment: u8, report: &Raw) -> bool {
        let again = slot.last_report.saturating_add(seconds(self.waits.doubled));
        is_ended(slot, segment)
            && self.clock.is_current(slot)
            && report.time != NO_TIME
            && report.time > again
    }

    /// A message to the same number that may own the report too, since its port and reference are not known.
    fn rival(&self, report: &Raw, sequence: u32) -> Rival {
        let mut others = Unlocated::new(&self.slots, &report.digits);
        for _ in 0..MAX_LOOKS {
            let Some(at) = others.next(&self.slots) else { return Rival::None };
            if self.may_have_left(at, report.port, sequence) {
                return Rival::One(at);
            }
        }
        if others.next(&self.slots).is_some() { Rival::Many } else { Rival::None }
    }

    /// Whether a message that is not located may have been sent by this port before that sequence number.
    fn may_have_left(&self, at: u32, port: u8, sequence: u32) -> bool {
        let slot = self.slots.get(at);
        let by_port = slot.ports == 0 || slot.ports >> (port & 31) & 1 == 1;
        let begun = match slot.state {
            State::Failed | State::Stopped => false,
            state if state.is_final() => is_later(sequence, slot.submitted),
            _ => is_later(sequence, slot.heard),
        };
        by_port && begun
    }

    /// Whether reports of this finished message would be taken for another's if it were forgotten.
    pub(super) fn has_claimant(&self, at: u32) -> bool {
        let slot = self.slots.get(at);
        if self.clock.reports_equal() {
            // Their time tells whose they are.
            return false;
        }
        // A report may spell its number so that it is both messages', though their own spellings are of two subscribers.
        let number = slot.digits.shortest();
        let mut others = Unlocated::new(&self.slots, &number);
        for _ in 0..MAX_LOOKS {
            let Some(other) = others.next(&self.slots) else { break };
            let under_way = slot.has(LOCATED) && self.slots.get(other).state.is_under_way();
            if under_way && self.may_have_left(other, slot.port, slot.heard) {
                return true;
            }
        }
        if others.next(&self.slots).is_some() {
            return true;
        }
        let segments = if slot.has(LOCATED) { slot.segments } else { 0 };
        (0..segments).any(|segment| {
            let reference = slot.reference.wrapping_add(segment);
            let mut candidates = Candidates::new(&self.slots, slot.port, reference, &number, self.longest);
            core::iter::from_fn(|| candidates.next(&self.slots)).any(|(other, segment)| {
                let claimant = self.slots.get(other);
                other != at && !claimant.is_over() && !is_ended(claimant, segment)
            })
        })
    }

    /// Whether the gateway will not tell where the message was sent any more.
    fn stays_unlocated(&self, at: u32) -> bool {
        let slot = self.slots.get(at);
        slot.is_over() || slot.state == State::Sent
    }

    /// Asks soon for the rival's result, on which the report waits.
    fn wait_for(&mut self, rival: u32) -> Owner {
        let slot = self.slots.get(rival);
        if slot.state.is_under_way() && matches!(slot.queue, Queue::Result(_)) && !slot.due.is_due(self.now) {
            self.ask_soon(rival);
        }
        Owner::Claimed
    }

    /// Nobody is told what the report says; those that it may be of are told that.
    fn mark_candidates(&mut self, report: &Raw, sequence: u32) -> Owner {
        let mut candidates =
            Candidates::new(&self.slots, report.port, report.reference, &report.digits, self.longest);
        while let Some((at, segment)) = candidates.next(&self.slots) {
            let slot = self.slots.get(at);
            let relation = self.clock.relation(slot, report.time);
            let possible = relation != Relation::Before
                && !self.clock.rules_out(slot, report.time)
                && !self.is_doubtful(slot, report, relation);
            let open = !is_ended(slot, segment) && !slot.has(AMBIGUOUS) && !slot.is_over();
            if possible && open && !is_later(slot.submitted, sequence) {
                self.slots.get_mut(at).set(AMBIGUOUS, true);
                self.tell(at);
            }
        }
        Owner::Several
    }

    /// The report is of this segment.
    fn apply(&mut self, at: u32, segment: u8, report: &Raw, relation: Relation) {
        let Some(bit) = 1_u32.checked_shl(segment.into()) else { return };
        let sure = relation == Relation::Equal && self.clock.reports_equal();
        let over = self.slots.get(at).is_over();
        let slot = self.slots.get_mut(at);
        slot.note_report_time(report.time);
        let before = (slot.delivered, slot.temporary, slot.failed);
        if slot.ended() & bit == 0 {
            match Delivery::from(report.status) {
                Delivery::Received => slot.delivered |= bit,
                Delivery::Permanent | Delivery::GaveUp => slot.fail(bit, segment, report.status),
                Delivery::Reserved if report.status >= 128 => slot.fail(bit, segment, report.status),
                Delivery::Unconfirmed | Delivery::Replaced | Delivery::Temporary | Delivery::Reserved => {
                    slot.temporary |= bit;
                }
            }
            slot.temporary &= !slot.ended();
        }
        let changed = before != (slot.delivered, slot.temporary, slot.failed);
        let (failed, delivered) = (slot.failed != 0, slot.delivered == slot.all_segments());
        self.change(at);
        if over || !changed {
            return;
        }
        if delivered {
            self.finish(at, State::Delivered);
        } else if failed && sure {
            self.finish(at, State::Failed);
        } else if failed {
            self.slots.get_mut(at).set(DOUBTED, true);
            self.hurry_result(at);
        } else {
            self.slots.get_mut(at).set(CHANGED, true);
            self.tell(at);
        }
    }
}

impl Slot {
    fn note_report_time(&mut self, time: u32) {
        if time == NO_TIME {
            return;
        }
        if self.first_report == NO_TIME {
            (self.first_report, self.last_report) = (time, time);
        }
        self.first_report = self.first_report.min(time);
        self.last_report = self.last_report.max(time);
    }

    fn fail(&mut self, bit: u32, segment: u8, status: u8) {
        if self.failed == 0 {
            (self.failed_segment, self.code) = (segment, status.into());
        }
        self.failed |= bit;
    }
}

fn is_ended(slot: &Slot, segment: u8) -> bool {
    slot.ended() >> (segment & 31) & 1 == 1
}

/// Whether the message has taken this very report: what it says is noted, and its time is one of those noted.
fn is_repetition(slot: &Slot, segment: u8, report: &Raw) -> bool {
    let noted = match Delivery::from(report.status) {
        Delivery::Received => slot.delivered,
        Delivery::Permanent | Delivery::GaveUp => slot.failed,
        Delivery::Reserved if report.status >= 128 => slot.failed,
        _ => slot.temporary | slot.ended(),
    };
    let times = slot.first_report..=slot.last_report;
    noted >> (segment & 31) & 1 == 1
        && slot.first_report != NO_TIME
        && (report.time == NO_TIME || times.contains(&report.time))
}

impl Raw {
    fn read(report: &StatusReport<'_>) -> Option<Self> {
        let byte = |value: Option<u32>| u8::try_from(value?).ok();
        Some(Self {
            digits: Digits::parse(report.number.as_str())?,
            time: report.time.get().map_or(NO_TIME, to_seconds),
            port: byte(report.port.get())?,
            reference: byte(report.ref_id.get())?,
            status: byte(report.status_code.get())?,
        })
    }
}
