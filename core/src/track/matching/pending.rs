//! Reports that wait for their message, and reports that are kept to recognise repetitions.
//!
//! A report may arrive before the result of its message contains the port and the reference. A report of another program's message usually
//! matches no message. Both kinds wait here. A report that has waited too long is returned to the caller. It is kept after that, so that it
//! is recognised and not returned again if the gateway repeats it.

use super::report::RawReport;
use crate::track::{
    clock::{GatewaySeconds, Ledger, Sequence, Tick},
    number::PackedNumber,
};

/// The number of entries in a group. A report is kept in the group of its port, number and reference.
const WAYS: usize = 8;

/// Lent memory for one status report that waits for its message or is kept to recognise repetitions. Fill an array with
/// [`PendingReport::EMPTY`].
#[derive(Clone, Copy, Debug)]
pub struct PendingReport {
    pub(super) report: RawReport,
    pub(super) sighting: Sighting,
    /// The latest time of the reports that were evicted from this entry, in seconds; or [`LOST_SIGN`].
    forgotten: u32,
    pub(super) stage: Stage,
}

/// When a report was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Sighting {
    /// The time and the sequence number (`first`) at which the report was first seen.
    pub(in crate::track) at: Tick,
    pub(in crate::track) first: Sequence,
    /// The latest time at which the report had certainly not arrived, if known.
    pub(in crate::track) absent: Option<Tick>,
}

impl Sighting {
    pub(super) const NEVER: Self = Self { at: Tick::ZERO, first: Sequence::NEVER, absent: None };
}

const STAGES: usize = 11;

/// Placeholder for the TP-Status in an entry of [`Stage::Foreign`].
const FOREIGN: u8 = u8::MAX;

/// The value of `forgotten` after an entry of [`Stage::Foreign`] was evicted.
const LOST_SIGN: u32 = u32::MAX;

/// The stage of a kept report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Empty,
    /// Waits for its message to be found.
    Waiting,
    /// Belongs to a known message, unless another message turns out to own it.
    Claimed,
    /// Is to be returned to the caller as unmatched.
    Unmatched,
    /// Is to be returned to the caller as ambiguous.
    Ambiguous,
    /// Was returned as unmatched, or was probably handled before a restart; kept to recognise repetitions.
    Given,
    /// Was returned as ambiguous; kept to recognise repetitions.
    Undecided,
    /// Was returned as ambiguous, and waits to be judged once more.
    Reopened,
    /// Was assigned to a message, or changes no message; kept to recognise repetitions.
    Taken,
    /// Not a report: a note of when a report of another program's message was last seen. There is one note for each port and number.
    Foreign,
    /// Not a report: a segment in the gateway's list of results.
    Listed,
}

impl PendingReport {
    /// Memory that holds no report.
    pub const EMPTY: Self = Self {
        report: RawReport { number: PackedNumber::NONE, time: None, port: 0, reference: 0, status: 0 },
        sighting: Sighting::NEVER,
        forgotten: 0,
        stage: Stage::Empty,
    };
}

/// The kept reports.
pub(super) struct PendingReports<'m> {
    places: &'m mut [PendingReport],
    /// The number of reports at each stage.
    counts: [u32; STAGES],
    /// The earliest time at which a waiting report may become unmatched.
    next_due: Tick,
    /// The indexes at which two searches continue: for reports to return, and for reports to judge again.
    cursor: usize,
    claims_cursor: usize,
    /// Whether a listed segment that may still own a report was evicted or found no room.
    pub(super) has_lost_listed: bool,
}

impl PendingReports<'_> {
    /// Creates an empty collection without memory.
    pub(super) const fn empty() -> Self {
        Self {
            places: &mut [],
            counts: [0; STAGES],
            next_due: Tick::ZERO,
            cursor: 0,
            claims_cursor: 0,
            has_lost_listed: false,
        }
    }
}

impl<'m> PendingReports<'m> {
    pub(super) fn lend(&mut self, places: &'m mut [PendingReport]) {
        places.fill(PendingReport::EMPTY);
        self.places = places;
    }

    /// Moves the reports to larger memory.
    pub(super) fn grow(&mut self, places: &'m mut [PendingReport]) {
        if places.len() <= self.places.len() {
            return;
        }
        let forgotten = self.places.iter().map(|place| place.forgotten).filter(|time| *time != LOST_SIGN);
        let forgotten = forgotten.max().unwrap_or(0);
        places.fill(PendingReport { forgotten, ..PendingReport::EMPTY });
        let old = core::mem::replace(&mut self.places, places);
        for kept in old.iter().filter(|kept| kept.stage != Stage::Empty) {
            let group = self.group(kept.report.port, kept.report.reference, &kept.report.number);
            if let Some(place) = group.iter_mut().find(|place| place.stage == Stage::Empty) {
                *place = PendingReport { forgotten, ..*kept };
            } else {
                self.has_lost_listed |= kept.stage == Stage::Listed;
                self.moved(kept.stage, Stage::Empty);
            }
        }
    }

    /// Returns whether at least half of the entries are in use: a report may soon find no room in its group.
    pub(super) fn is_crowded(&self) -> bool {
        let empty = Stage::Empty as usize;
        let kept = self.counts.iter().enumerate().filter(|(stage, _)| *stage != empty);
        let kept = kept.fold(0_usize, |sum, (_, count)| sum.saturating_add(*count as usize));
        kept.saturating_mul(2) >= self.places.len()
    }

    /// Returns the group of entries in which a report with this port, reference and number may be.
    pub(super) fn group(&mut self, port: u8, reference: u8, number: &PackedNumber) -> &mut [PendingReport] {
        let key = number.tail() ^ u32::from(port) << 24 ^ u32::from(reference) << 16 ^ u32::from(reference);
        let groups = (self.places.len() / WAYS).max(1);
        let group = ((u64::from(key.wrapping_mul(0x9E37_79B1)) * groups as u64) >> 32) as usize;
        let from = group * WAYS;
        let to = self.places.len().min(from + WAYS);
        self.places.get_mut(from..to).unwrap_or_default()
    }

    /// Returns the stage and the sighting of a kept report.
    pub(super) fn known(&mut self, report: &RawReport) -> Option<(Stage, Sighting)> {
        let place = self.place_of(report)?;
        Some((place.stage, place.sighting))
    }

    /// Returns whether a report that is not kept may have been seen before and evicted since.
    pub(super) fn may_have_forgotten(&mut self, report: &RawReport) -> bool {
        let time = report.time.map_or(0, GatewaySeconds::get);
        let group = self.group(report.port, report.reference, &report.number);
        group.is_empty() || group.iter().any(|place| place.forgotten >= time)
    }

    /// Notes that a report belongs to another program's message. Only the last sighting for each port and number is kept.
    pub(super) fn note_foreign(&mut self, report: &RawReport, sighting: Sighting) {
        let sign = RawReport { time: None, reference: 0, status: FOREIGN, ..*report };
        match self.place_of(&sign) {
            Some(place) => place.sighting = sighting,
            None => _ = self.put(&sign, Stage::Foreign, sighting, sighting.at),
        }
    }

    /// Returns whether a report of another program's message through the same port to the same number may have been seen. Only sightings
    /// less than `ticks` before the time `before`, or after that time, count.
    pub(super) fn had_foreign(&mut self, report: &RawReport, before: Tick, ticks: u32) -> bool {
        let group = self.group(report.port, 0, &report.number);
        group.iter().any(|place| {
            let sign = &place.report;
            let is_sign = place.stage == Stage::Foreign && sign.port == report.port;
            place.forgotten == LOST_SIGN
                || is_sign && sign.number.is_same(&report.number) && place.sighting.at.ago(before) < ticks
        })
    }

    pub(super) fn place_of(&mut self, report: &RawReport) -> Option<&mut PendingReport> {
        let group = self.group(report.port, report.reference, &report.number);
        group.iter_mut().find(|place| place.stage != Stage::Empty && place.report == *report)
    }

    /// Keeps a report, or changes the stage of a kept one. If this evicts a kept report, or if there is no room for this one, returns that
    /// report, and whether an event must still return it.
    pub(super) fn put(
        &mut self,
        report: &RawReport,
        stage: Stage,
        sighting: Sighting,
        due: Tick,
    ) -> Option<(RawReport, bool)> {
        if let Some(place) = self.place_of(report) {
            // The caller has already received this report as ambiguous.
            let is_again =
                place.stage == Stage::Reopened && matches!(stage, Stage::Ambiguous | Stage::Waiting);
            let stage = if is_again { Stage::Undecided } else { stage };
            let before = core::mem::replace(&mut place.stage, stage);
            self.moved(before, stage);
            return None;
        }
        let group = self.group(report.port, report.reference, &report.number);
        let worth =
            |place: &PendingReport| (place.stage.worth(), u32::MAX - place.sighting.at.ago(sighting.at));
        let place = group.iter_mut().min_by_key(|place| worth(place));
        // A claimed report is evicted only for another claimed one. If all entries are claimed, a new report that is not claimed is itself
        // returned.
        let gives_way = |place: &&mut PendingReport| stage == Stage::Claimed || place.stage != Stage::Claimed;
        let Some(place) = place else { return Some((*report, stage.is_owed())) };
        let evicted =
            if gives_way(&place) { *place } else { PendingReport { report: *report, stage, ..*place } };
        let is_report = !matches!(evicted.stage, Stage::Empty | Stage::Listed);
        let time = evicted.report.time.filter(|_| is_report);
        let lost = if evicted.stage == Stage::Foreign { LOST_SIGN } else { 0 };
        let is_needed = evicted.sighting.at.ago(sighting.at) < Ledger::NEEDED_FOR;
        place.forgotten = place.forgotten.max(time.map_or(0, GatewaySeconds::get)).max(lost);
        let is_lost = evicted.stage == Stage::Listed && is_needed;
        if evicted.report == *report && evicted.stage == stage {
            return Some((*report, stage.is_owed()));
        }
        (place.report, place.sighting, place.stage) = (*report, sighting, stage);
        self.has_lost_listed |= is_lost;
        if stage == Stage::Waiting && (self.count(Stage::Waiting) == 0 || due.is_due(self.next_due)) {
            self.next_due = due;
        }
        self.moved(evicted.stage, stage);
        (evicted.stage != Stage::Empty).then_some((evicted.report, evicted.stage.is_owed()))
    }

    /// Returns the number of reports at a stage.
    fn count(&self, stage: Stage) -> u32 {
        self.counts.get(stage as usize).copied().unwrap_or(0)
    }

    /// Updates the counts after a change of stage. A report that is not kept counts as being at [`Stage::Empty`].
    #[cfg_attr(target_os = "none", inline(never))]
    fn moved(&mut self, from: Stage, to: Stage) {
        if let Some(count) = self.counts.get_mut(from as usize) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.counts.get_mut(to as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// Returns the next kept report with this number, port and reference that may still be assigned. The search continues at the index
    /// `from` of the group.
    pub(super) fn find(
        &mut self,
        number: &PackedNumber,
        port: u8,
        reference: u8,
        from: &mut usize,
    ) -> Option<RawReport> {
        let group = self.group(port, reference, number);
        while let Some(place) = group.get(*from) {
            *from = from.saturating_add(1);
            let report = &place.report;
            let open =
                matches!(place.stage, Stage::Waiting | Stage::Claimed | Stage::Unmatched | Stage::Given);
            if open && report.port == port && report.reference == reference && report.number.is_same(number) {
                return Some(*report);
            }
        }
        None
    }

    /// Returns the next claimed or reopened report. Checks at most `looks` entries.
    pub(super) fn next_claimed(&mut self, looks: &mut usize) -> Option<RawReport> {
        while self.count(Stage::Claimed) + self.count(Stage::Reopened) > 0 && *looks > 0 {
            *looks -= 1;
            let at = self.claims_cursor;
            self.claims_cursor = if at + 1 < self.places.len() { at + 1 } else { 0 };
            let place = self.places.get(at)?;
            if matches!(place.stage, Stage::Claimed | Stage::Reopened) {
                return Some(place.report);
            }
        }
        None
    }

    /// Marks all undecided reports to be judged once more.
    pub(super) fn reopen(&mut self) {
        for at in 0..self.places.len() {
            if let Some(place) = self.places.get_mut(at).filter(|place| place.stage == Stage::Undecided) {
                place.stage = Stage::Reopened;
                self.moved(Stage::Undecided, Stage::Reopened);
            }
        }
    }

    /// Returns whether another report with the same number, port and reference is claimed and was first seen before `sequence`.
    pub(super) fn has_earlier_claim(&mut self, report: &RawReport, sequence: Sequence) -> bool {
        let group = self.group(report.port, report.reference, &report.number);
        group.iter().filter(|place| place.stage == Stage::Claimed).any(|place| {
            let other = &place.report;
            sequence.is_after(place.sighting.first)
                && (other.port, other.reference) == (report.port, report.reference)
                && other.number.is_same(&report.number)
        })
    }

    /// Returns the earliest time at which a waiting report may become unmatched.
    pub(super) fn next_due(&self) -> Option<Tick> {
        (self.count(Stage::Waiting) > 0).then_some(self.next_due)
    }

    /// Marks as unmatched the reports that have waited for `wait` ticks since they were first seen.
    pub(super) fn ripen(&mut self, now: Tick, wait: u32) {
        if self.count(Stage::Waiting) == 0 || !self.next_due.is_due(now) {
            return;
        }
        self.next_due = now.plus(wait);
        for at in 0..self.places.len() {
            let Some(place) = self.places.get_mut(at).filter(|place| place.stage == Stage::Waiting) else {
                continue;
            };
            let due = place.sighting.at.plus(wait);
            if due.is_due(now) {
                place.stage = Stage::Unmatched;
                self.moved(Stage::Waiting, Stage::Unmatched);
            } else {
                self.next_due = self.next_due.min(due);
            }
        }
    }

    /// Returns the next report for the caller, its sighting, and whether it is ambiguous.
    pub(super) fn next_ready(&mut self) -> Option<(RawReport, Sighting, bool)> {
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
            let (report, sighting) = (place.report, place.sighting);
            self.moved(before, after);
            return Some((report, sighting, after == Stage::Undecided));
        }
        None
    }
}

impl Stage {
    /// Returns whether a report that is evicted at this stage must still be returned to the caller.
    fn is_owed(self) -> bool {
        matches!(self, Self::Waiting | Self::Claimed | Self::Unmatched | Self::Ambiguous)
    }

    /// Returns the worth of a stage. Reports of the lowest worth are evicted first.
    fn worth(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Given | Self::Taken => 1,
            Self::Undecided | Self::Reopened => 2,
            Self::Waiting | Self::Foreign | Self::Listed => 3,
            Self::Unmatched | Self::Ambiguous => 4,
            Self::Claimed => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn pending(memory: &mut [PendingReport]) -> PendingReports<'_> {
        let mut reports = PendingReports::empty();
        reports.lend(memory);
        reports
    }

    fn raw(reference: u8, time: u32) -> RawReport {
        let number = PackedNumber::parse("13800123456").unwrap();
        RawReport { number, time: GatewaySeconds::new(time), port: 3, reference, status: 0 }
    }

    fn seen(at: u32) -> Sighting {
        Sighting { at: Tick::new(at), first: Sequence::new(at), absent: None }
    }

    #[test]
    fn a_report_is_returned_once() {
        let mut memory = vec![PendingReport::EMPTY; 4];
        let mut reports = pending(&mut memory);
        assert_eq!(reports.put(&raw(1, 7), Stage::Waiting, seen(5), Tick::new(105)), None);
        reports.ripen(Tick::new(104), 100);
        assert_eq!((reports.next_ready(), reports.next_due()), (None, Some(Tick::new(105))));
        reports.ripen(Tick::new(105), 100);
        assert_eq!((reports.next_ready(), reports.next_ready()), (Some((raw(1, 7), seen(5), false)), None));
        assert_eq!(reports.known(&raw(1, 7)), Some((Stage::Given, seen(5))));
        assert_eq!(reports.known(&raw(1, 8)), None);
    }

    #[test]
    fn evicted_reports_are_returned() {
        let mut memory = vec![PendingReport::EMPTY; 2];
        let mut reports = pending(&mut memory);
        let displaced: Vec<_> = (0..4)
            .map(|time| reports.put(&raw(1, time), Stage::Waiting, seen(time), Tick::new(time + 9)))
            .map(|evicted| evicted.and_then(|(report, _)| report.time).map(GatewaySeconds::get))
            .collect();
        assert_eq!(displaced, [None, None, Some(0), Some(1)]);
        let none = pending(&mut []).put(&raw(1, 0), Stage::Waiting, seen(0), Tick::new(9));
        assert_eq!(none, Some((raw(1, 0), true)));
        // An assigned report is evicted too, but need not be returned.
        let mut memory = vec![PendingReport::EMPTY; 1];
        let mut reports = pending(&mut memory);
        reports.put(&raw(1, 0), Stage::Taken, seen(0), Tick::ZERO);
        assert_eq!(reports.put(&raw(1, 5), Stage::Taken, seen(1), Tick::ZERO), Some((raw(1, 0), false)));
        assert_eq!(reports.put(&raw(1, 7), Stage::Taken, seen(1), Tick::ZERO), Some((raw(1, 5), false)));
        assert!(reports.may_have_forgotten(&raw(1, 5)) && !reports.may_have_forgotten(&raw(1, 6)));
        assert!(pending(&mut []).may_have_forgotten(&raw(1, 6)));
    }

    #[test]
    fn reports_of_other_programs_are_noted_by_number() {
        let mut memory = vec![PendingReport::EMPTY; 64];
        let mut reports = pending(&mut memory);
        reports.note_foreign(&raw(9, 1), seen(50));
        let had = |reports: &mut PendingReports<'_>, at: u32, ticks| {
            let number = PackedNumber::parse("+8613800123456").unwrap();
            reports.had_foreign(&RawReport { number, ..raw(200, 7) }, Tick::new(at), ticks)
        };
        assert!(had(&mut reports, 149, 100) && had(&mut reports, 20, 100));
        assert!(!had(&mut reports, 150, 100));
        let other = RawReport { port: 4, ..raw(9, 1) };
        assert!(!reports.had_foreign(&other, Tick::new(60), 100));
    }

    #[test]
    fn reports_of_other_programs_are_noted_for_one_port_and_number_of_a_group() {
        // With 8 entries, all reports share one group.
        let mut memory = vec![PendingReport::EMPTY; 8];
        let mut reports = pending(&mut memory);
        reports.note_foreign(&raw(9, 1), seen(50));
        let number = PackedNumber::parse("13800123457").unwrap();
        for other in [RawReport { port: 4, ..raw(9, 1) }, RawReport { number, ..raw(9, 1) }] {
            assert!(!reports.had_foreign(&other, Tick::new(60), 100), "{other:?}");
        }
        assert!(!reports.had_foreign(&raw(9, 1), Tick::new(150), 100));
        reports.note_foreign(&raw(9, 1), seen(51));
        assert!(reports.had_foreign(&raw(9, 1), Tick::new(150), 100), "the latest one counts");
    }

    #[test]
    fn only_reports_of_the_same_port_reference_and_number_are_found_or_claimed_before() {
        let number = PackedNumber::parse("13800123457").unwrap();
        for other in [
            RawReport { port: 4, ..raw(9, 1) },
            RawReport { reference: 10, ..raw(9, 1) },
            RawReport { number, ..raw(9, 1) },
            raw(9, 1),
        ] {
            // With 8 entries, all reports share one group.
            let mut memory = vec![PendingReport::EMPTY; 8];
            let mut reports = pending(&mut memory);
            reports.put(&other, Stage::Claimed, seen(5), Tick::ZERO);
            let is_same = other == raw(9, 1);
            let found = reports.find(&raw(9, 1).number, 3, 9, &mut 0);
            assert_eq!(found, is_same.then_some(other));
            assert_eq!(reports.has_earlier_claim(&raw(9, 2), Sequence::new(6)), is_same, "{other:?}");
        }
    }

    #[test]
    fn a_note_of_another_program_that_found_no_place_stands_for_all_numbers_of_its_group() {
        let mut memory = vec![PendingReport::EMPTY; 8];
        let mut reports = pending(&mut memory);
        reports.note_foreign(&raw(9, 1), seen(50));
        let other = RawReport { port: 4, ..raw(9, 1) };
        for time in 0..8 {
            assert!(!reports.had_foreign(&other, Tick::new(60), 100), "{time}");
            reports.put(&raw(1, time), Stage::Claimed, seen(60), Tick::new(99));
        }
        assert!(reports.had_foreign(&other, Tick::new(60), 100));
    }

    #[test]
    fn a_report_that_waits_for_a_certain_message_is_not_evicted_for_one_without() {
        let mut memory = vec![PendingReport::EMPTY; 2];
        let mut reports = pending(&mut memory);
        for time in 0..2 {
            reports.put(&raw(1, time), Stage::Claimed, seen(5), Tick::ZERO);
        }
        assert_eq!(reports.put(&raw(1, 7), Stage::Waiting, seen(9), Tick::new(99)), Some((raw(1, 7), true)));
        assert_eq!(reports.put(&raw(1, 8), Stage::Claimed, seen(9), Tick::ZERO), Some((raw(1, 0), true)));
        assert_eq!(reports.known(&raw(1, 1)).map(|it| it.0), Some(Stage::Claimed));
    }

    #[test]
    fn the_first_report_that_has_waited_long_enough_is_due_next() {
        let mut memory = vec![PendingReport::EMPTY; 8];
        let mut reports = pending(&mut memory);
        for (time, due) in [(1, 105), (2, 55), (3, 205)] {
            reports.put(&raw(1, time), Stage::Waiting, seen(due), Tick::new(due));
        }
        assert_eq!(reports.next_due(), Some(Tick::new(55)));
    }

    #[test]
    #[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
    fn a_listed_segment_that_found_no_place_is_lost_unless_it_is_not_needed_any_more() {
        for (later, is_lost) in [(Ledger::NEEDED_FOR - 1, true), (Ledger::NEEDED_FOR, false)] {
            let mut memory = vec![PendingReport::EMPTY; 2];
            let mut reports = pending(&mut memory);
            assert!((0..2).all(|time| reports.list(&raw(1, time), seen(50))));
            assert!(!reports.take_lost_listed());
            assert!(reports.list(&raw(1, 7), seen(50 + later)));
            assert_eq!((reports.take_lost_listed(), reports.take_lost_listed()), (is_lost, false));
        }
        let mut memory = vec![PendingReport::EMPTY; 1];
        let mut reports = pending(&mut memory);
        reports.put(&raw(1, 0), Stage::Claimed, seen(5), Tick::ZERO);
        assert!(reports.list(&raw(1, 7), seen(9)) && reports.take_lost_listed());
    }

    #[test]
    fn reports_are_kept_in_a_larger_memory() {
        let (mut few, mut many) = (vec![PendingReport::EMPTY; 32], vec![PendingReport::EMPTY; 128]);
        let mut reports = pending(&mut few);
        let mut kept = vec![];
        for reference in 0..24 {
            assert_eq!(reports.is_crowded(), kept.len() >= 16);
            let report = raw(reference, 1);
            let at = Sighting { at: Tick::ZERO, ..seen(u32::from(reference) + 1) };
            if reports.put(&report, Stage::Waiting, at, Tick::new(9)).is_none() {
                kept.push((report, at));
            }
        }
        reports.grow(&mut many);
        let are_suspect = (0..24).all(|reference| reports.may_have_forgotten(&raw(reference, 1)));
        assert_eq!(are_suspect, kept.len() < 24);
        assert!(!reports.may_have_forgotten(&raw(23, 2)));
        assert!(!reports.is_crowded() && kept.len() > 16);
        for (report, at) in &kept {
            assert_eq!(reports.known(report), Some((Stage::Waiting, *at)));
        }
        reports.ripen(Tick::new(9), 9);
        assert_eq!(std::iter::from_fn(|| reports.next_ready()).count(), kept.len());
    }

    #[test]
    fn kept_reports_are_found_by_another_spelling() {
        let mut memory = vec![PendingReport::EMPTY; 64];
        let mut reports = pending(&mut memory);
        reports.put(&raw(9, 1), Stage::Waiting, seen(4), Tick::new(9));
        reports.put(&raw(9, 2), Stage::Waiting, seen(5), Tick::new(9));
        let number = PackedNumber::parse("+8613800123456").unwrap();
        let mut from = 0;
        let mut found = vec![];
        while let Some(report) = reports.find(&number, 3, 9, &mut from) {
            found.push(report.time.map(GatewaySeconds::get));
        }
        assert_eq!(found, [Some(1), Some(2)]);
        reports.put(&raw(9, 1), Stage::Taken, seen(6), Tick::ZERO);
        assert_eq!(reports.find(&number, 3, 9, &mut 0), Some(raw(9, 2)));
    }
}
