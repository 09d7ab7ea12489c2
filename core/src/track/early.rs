//! Reports that belong to no message, or not yet.
//!
//! A report may come before its message's result tells port and reference; one of another client's message never finds
//! its own. They wait here, are handed out once, and are recognised when the gateway repeats them.

use super::{digits::Digits, digits::NumberBuf, slot::NO_TIME, timing::Tick, tracker::is_later};
use crate::{Timestamp, value::from_seconds};

/// In how many places a report may be.
const WAYS: usize = 8;

/// Lent memory for a report that matches no message (yet). Fill an array with [`EarlyReport::EMPTY`].
#[derive(Clone, Copy, Debug)]
pub struct EarlyReport {
    report: Raw,
    /// When it was first seen: time and sequence number.
    since: Tick,
    sequence: u32,
    stage: Stage,
}

/// A report in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) digits: Digits,
    /// Seconds of the gateway's clock.
    pub(super) time: u32,
    pub(super) port: u8,
    pub(super) reference: u8,
    pub(super) status: u8,
}

const STAGES: usize = 7;

/// What is to be done with a report that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Empty,
    /// A message may still turn out to be its own.
    Waiting,
    /// It has a message, unless one turns out to be its own whose port and reference are not known yet.
    Claimed,
    /// To be handed out as unmatched, or as ambiguous.
    Unmatched,
    Ambiguous,
    /// Was handed out, and is kept to be recognised.
    Given,
    Undecided,
}

impl EarlyReport {
    /// Memory that holds nothing yet.
    pub const EMPTY: Self = Self {
        report: Raw { digits: Digits::NONE, time: NO_TIME, port: 0, reference: 0, status: 0 },
        since: Tick(0),
        sequence: 0,
        stage: Stage::Empty,
    };
}

/// A status report that is handed out since no message can be told to be its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The port that the segment was sent through.
    pub port: u8,
    /// The recipient's number as the report spells it.
    pub number: NumberBuf,
    /// Its time.
    pub time: Option<Timestamp>,
    /// The segment's message reference.
    pub reference: u8,
    /// TP-Status; see [`Delivery`](crate::call::Delivery).
    pub status: u8,
}

impl From<&Raw> for Report {
    fn from(raw: &Raw) -> Self {
        Self {
            port: raw.port,
            number: NumberBuf::new(&raw.digits),
            time: (raw.time != NO_TIME).then(|| from_seconds(raw.time)),
            reference: raw.reference,
            status: raw.status,
        }
    }
}

/// The reports that are kept.
pub(super) struct Early<'m> {
    places: &'m mut [EarlyReport],
    /// How many are at each stage.
    counts: [u32; STAGES],
    /// From when on one of those that wait has waited long enough.
    next_due: Tick,
    /// Where the search goes on for those to be handed out, and for those that are claimed.
    cursor: usize,
    claims_cursor: usize,
}

impl<'m> Early<'m> {
    pub(super) fn new(places: &'m mut [EarlyReport]) -> Self {
        places.fill(EarlyReport::EMPTY);
        Self { places, counts: [0; STAGES], next_due: Tick(0), cursor: 0, claims_cursor: 0 }
    }

    /// The few places where a report of this port and reference is, if it is anywhere.
    fn group(&mut self, port: u8, reference: u8, number: &Digits) -> &mut [EarlyReport] {
        let key = number.tail() ^ u32::from(port) << 24 ^ u32::from(reference) << 16 ^ u32::from(reference);
        let groups = (self.places.len() / WAYS).max(1);
        let group = ((u64::from(key.wrapping_mul(0x9E37_79B1)) * groups as u64) >> 32) as usize;
        let from = group * WAYS;
        let to = self.places.len().min(from + WAYS);
        self.places.get_mut(from..to).unwrap_or_default()
    }

    /// What is known of a report that was seen before: where it stands, and the sequence number of that time.
    pub(super) fn known(&mut self, report: &Raw) -> Option<(Stage, u32)> {
        let place = self.place_of(report)?;
        Some((place.stage, place.sequence))
    }

    fn place_of(&mut self, report: &Raw) -> Option<&mut EarlyReport> {
        let group = self.group(report.port, report.reference, &report.digits);
        group.iter_mut().find(|place| place.stage != Stage::Empty && place.report == *report)
    }

    /// Keeps a report that is not kept yet, or changes where it stands. What had to make room though it was still to be handed out.
    pub(super) fn put(
        &mut self,
        report: &Raw,
        stage: Stage,
        now: Tick,
        due: Tick,
        sequence: u32,
    ) -> Option<Raw> {
        if let Some(place) = self.place_of(report) {
            let before = core::mem::replace(&mut place.stage, stage);
            self.moved(before, stage);
            return None;
        }
        let group = self.group(report.port, report.reference, &report.digits);
        let worth = |place: &EarlyReport| (place.stage.worth(), u32::MAX - place.since.ago(now));
        let place = group.iter_mut().min_by_key(|place| worth(place));
        // What may be a message's is not given up for what is nobody's, which is handed out instead.
        let gives_way = |place: &&mut EarlyReport| stage == Stage::Claimed || place.stage != Stage::Claimed;
        let Some(place) = place.filter(gives_way) else { return Some(*report) };
        let made_room = *place;
        *place = EarlyReport { report: *report, since: now, sequence, stage };
        if stage == Stage::Waiting && (self.count(Stage::Waiting) == 0 || due.is_due(self.next_due)) {
            self.next_due = due;
        }
        self.moved(made_room.stage, stage);
        matches!(made_room.stage, Stage::Waiting | Stage::Claimed | Stage::Unmatched | Stage::Ambiguous)
            .then_some(made_room.report)
    }

    /// How many are at that stage.
    fn count(&self, stage: Stage) -> u32 {
        self.counts.get(stage as usize).copied().unwrap_or(0)
    }

    /// One went from that stage to this; what is not kept counts as [`Stage::Empty`].
    #[cfg_attr(target_os = "none", inline(never))]
    fn moved(&mut self, from: Stage, to: Stage) {
        if let Some(count) = self.counts.get_mut(from as usize) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.counts.get_mut(to as usize) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn remove(&mut self, report: &Raw) {
        if let Some(place) = self.place_of(report) {
            let before = core::mem::replace(&mut place.stage, Stage::Empty);
            self.moved(before, Stage::Empty);
        }
    }

    /// The next kept report of a number, port and reference that may still find a message, from the `from`th place on.
    pub(super) fn find(
        &mut self,
        number: &Digits,
        port: u8,
        reference: u8,
        from: &mut usize,
    ) -> Option<(Raw, u32)> {
        let group = self.group(port, reference, number);
        while let Some(place) = group.get(*from) {
            *from = from.saturating_add(1);
            let report = &place.report;
            let open =
                matches!(place.stage, Stage::Waiting | Stage::Claimed | Stage::Unmatched | Stage::Given);
            if open && report.port == port && report.reference == reference && report.digits.is_same(number) {
                return Some((*report, place.sequence));
            }
        }
        None
    }

    /// The next report that has a message unless it is another's, if there is one among the next `looks` places.
    pub(super) fn next_claimed(&mut self, looks: &mut usize) -> Option<Raw> {
        while self.count(Stage::Claimed) > 0 && *looks > 0 {
            *looks -= 1;
            let at = self.claims_cursor;
            self.claims_cursor = if at + 1 < self.places.len() { at + 1 } else { 0 };
            let place = self.places.get(at)?;
            if place.stage == Stage::Claimed {
                return Some(place.report);
            }
        }
        None
    }

    /// Whether a report of the same number, port and reference that came earlier waits for a message to be ruled out.
    pub(super) fn has_earlier_claim(&mut self, report: &Raw, sequence: u32) -> bool {
        let group = self.group(report.port, report.reference, &report.digits);
        group.iter().filter(|place| place.stage == Stage::Claimed).any(|place| {
            let other = &place.report;
            is_later(sequence, place.sequence)
                && (other.port, other.reference) == (report.port, report.reference)
                && other.digits.is_same(&report.digits)
        })
    }

    /// When the next report has waited long enough.
    pub(super) fn next_due(&self) -> Option<Tick> {
        (self.count(Stage::Waiting) > 0).then_some(self.next_due)
    }

    /// Makes what has waited long enough ready to be handed out.
    pub(super) fn ripen(&mut self, now: Tick, wait: u32) {
        if self.count(Stage::Waiting) == 0 || !self.next_due.is_due(now) {
            return;
        }
        self.next_due = now.plus(wait);
        for at in 0..self.places.len() {
            let Some(place) = self.places.get_mut(at).filter(|place| place.stage == Stage::Waiting) else {
                continue;
            };
            let due = place.since.plus(wait);
            if due.is_due(now) {
                place.stage = Stage::Unmatched;
                self.moved(Stage::Waiting, Stage::Unmatched);
            } else {
                self.next_due = self.next_due.min(due);
            }
        }
    }

    /// A report to be handed out, and whether it is one that may be of several messages.
    pub(super) fn next_ready(&mut self) -> Option<(Raw, bool)> {
        if self.count(Stage::Unmatched) == 0 && self.count(Stage::Ambiguous) == 0 {
            return None;
        }
        for _ in 0..self.places.len() {
            let at = self.cursor;
            self.cursor = if at + 1 < self.places.len() { at + 1 } else { 0 };
            let Some(place) = self.places.get_mut(at) else { continue };
            let before = place.stage;
            let after = match before {
                Stage::Unmatched => Stage::Given,
                Stage::Ambiguous => Stage::Undecided,
                _ => continue,
            };
            place.stage = after;
            let report = place.report;
            self.moved(before, after);
            return Some((report, after == Stage::Undecided));
        }
        None
    }
}

impl Stage {
    /// What makes room first: the lowest.
    fn worth(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Given => 1,
            Self::Undecided => 2,
            Self::Waiting => 3,
            Self::Unmatched | Self::Ambiguous => 4,
            Self::Claimed => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn raw(reference: u8, time: u32) -> Raw {
        Raw { digits: Digits::parse("13800123456").unwrap(), time, port: 3, reference, status: 0 }
    }

    #[test]
    fn a_report_is_handed_out_once() {
        let mut memory = vec![EarlyReport::EMPTY; 4];
        let mut early = Early::new(&mut memory);
        let put = |early: &mut Early<'_>, at: u32| {
            early.put(&raw(1, 7), Stage::Waiting, Tick(at), Tick(at + 100), at)
        };
        assert_eq!(put(&mut early, 5), None);
        early.ripen(Tick(104), 100);
        assert_eq!((early.next_ready(), early.next_due()), (None, Some(Tick(105))));
        early.ripen(Tick(105), 100);
        assert_eq!((early.next_ready(), early.next_ready()), (Some((raw(1, 7), false)), None));
        assert_eq!(early.known(&raw(1, 7)), Some((Stage::Given, 5)));
        assert_eq!(early.known(&raw(1, 8)), None);
    }

    #[test]
    fn what_makes_room_is_not_lost() {
        let mut memory = vec![EarlyReport::EMPTY; 2];
        let mut early = Early::new(&mut memory);
        let displaced: Vec<_> = (0..4)
            .map(|time| early.put(&raw(1, time), Stage::Waiting, Tick(time), Tick(time + 9), 0))
            .map(|report| report.map(|report| report.time))
            .collect();
        assert_eq!(displaced, [None, None, Some(0), Some(1)]);
        assert_eq!(Early::new(&mut []).put(&raw(1, 0), Stage::Waiting, Tick(0), Tick(9), 0), Some(raw(1, 0)));
    }

    #[test]
    fn kept_reports_are_found_by_another_spelling() {
        let mut memory = vec![EarlyReport::EMPTY; 64];
        let mut early = Early::new(&mut memory);
        early.put(&raw(9, 1), Stage::Waiting, Tick(0), Tick(9), 4);
        early.put(&raw(9, 2), Stage::Waiting, Tick(0), Tick(9), 5);
        let number = Digits::parse("+8613800123456").unwrap();
        let mut from = 0;
        let mut found = vec![];
        while let Some((report, sequence)) = early.find(&number, 3, 9, &mut from) {
            found.push((report.time, sequence));
        }
        assert_eq!(found, [(1, 4), (2, 5)]);
        early.remove(&raw(9, 1));
        assert_eq!(early.find(&number, 3, 9, &mut 0).map(|found| found.1), Some(5));
    }
}
