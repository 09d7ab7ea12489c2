//! The messages to which a report can belong, given what the tracker was shown.

use sms_gateway_core::track::Report;

use super::{Failure, Oracle, Truth, seen::Seen, truth::Copy};
use crate::{civil, config::ReportTime};

/// Number of consecutive clear reports after which all reports are known to carry the send time. A clear report could belong to only one
/// message, and carries its send time.
const LEARNED: u32 = 8;

/// The maximum time between two queries for reports, in milliseconds.
const BETWEEN_LOOKS: u64 = 3_600_000;

impl Oracle {
    /// Returns whether the report could belong to the message.
    pub(super) fn could_be(&self, seen: &Seen, message: u32) -> bool {
        self.fits(seen, message) && !self.had_its_report(seen, message)
    }

    /// Returns whether the report could belong to the message, regardless of the message's earlier reports.
    fn fits(&self, seen: &Seen, message: u32) -> bool {
        let truth = self.truth(message);
        // It does not matter whether reports were requested, because gateways of the document's version ignore the parameter.
        truth.may_have_left(seen.first)
            && self.numbers.same(truth.requested.number, seen.row.number)
            && self.fits_place_and_time(seen, truth)
    }

    /// Returns whether the report, which belongs to this message, cannot belong to another one.
    fn is_certain(&self, seen: &Seen, message: u32) -> bool {
        !self.by_tail[&self.tail(message)].iter().any(|other| *other != message && self.fits(seen, *other))
    }

    fn fits_place_and_time(&self, seen: &Seen, truth: &Truth) -> bool {
        if truth.shown.located == 0 {
            // It is unknown whether the message was sent, and through which port.
            return truth.requested.ports == 0 || truth.requested.ports >> seen.row.port & 1 == 1;
        }
        truth.copies().any(|copy| self.is_at(seen, truth, copy))
    }

    fn is_at(&self, seen: &Seen, truth: &Truth, copy: &Copy) -> bool {
        copy.begun
            .is_some_and(|(_, begun)| is_in_place(seen, truth, copy) && self.fits_time(seen, truth, begun))
    }

    fn fits_time(&self, seen: &Seen, truth: &Truth, begun: i64) -> bool {
        let time = seen.row.time;
        if time == begun || seen.first > self.learned() {
            return time == begun;
        }
        time + 1 >= begun || self.went_back(truth.added, seen.first)
    }

    /// Returns the time at which it became known that reports carry the send time.
    fn learned(&self) -> u64 {
        *self.learned.get_or_init(|| {
            if self.config.device.report_time != ReportTime::Sending {
                return u64::MAX;
            }
            let mut in_a_row = 0;
            let row = |seen: &&Seen| {
                in_a_row = if self.is_surely_equal(seen) { in_a_row + 1 } else { 0 };
                in_a_row == LEARNED
            };
            self.seen.in_order().find(row).map_or(u64::MAX, |seen| seen.first)
        })
    }

    /// Returns whether the report could belong to only one message when it arrived, and carries that message's send time.
    fn is_surely_equal(&self, seen: &Seen) -> bool {
        let mut candidates = self.by_tail.get(&self.numbers.tail(seen.row.number.line)).into_iter().flatten();
        let fits = |message: &&u32| {
            let truth = self.truth(**message);
            let port = 1_u32 << seen.row.port;
            truth.may_have_left(seen.first)
                && self.numbers.same(truth.requested.number, seen.row.number)
                && if (1..=seen.first).contains(&truth.shown.located) {
                    truth.copies().any(|copy| is_in_place(seen, truth, copy))
                } else {
                    truth.requested.ports == 0 || truth.requested.ports & port != 0
                }
        };
        let Some(only) = candidates.find(fits) else { return false };
        let begun = self.truth(*only).copies().find_map(|copy| copy.begun).map(|begun| begun.1);
        candidates.find(fits).is_none() && begun == Some(seen.row.time)
    }

    /// Returns whether the gateway's clock jumped back in a period.
    pub(super) fn went_back(&self, from: u64, to: u64) -> bool {
        self.jumps_back.iter().any(|jump| (from..=to).contains(jump))
    }

    /// Returns whether the segment's final report is known, and the message ended too long ago for a report to be duplicated now.
    fn had_its_report(&self, seen: &Seen, message: u32) -> bool {
        // Only queries for reports show that the report was still absent, and faults can keep such queries far apart.
        let doubled = self.config.settings.timing.doubled.as_millis() as u64 + BETWEEN_LOOKS;
        let truth = self.truth(message);
        let Some(reference) = truth.copies().find_map(|copy| copy.reference) else { return false };
        let segment = seen.row.reference.wrapping_sub(reference);
        let before = || {
            self.own(message).filter(|other| other.first <= seen.first && other.row.serial != seen.row.serial)
        };
        let decides = |other: &Seen| other.row.segment == segment && is_final_status(other.row.status);
        before().any(|other| decides(other) && self.is_certain(other, message))
            && truth.update.is_some_and(|(message, at)| message.is_final && at + doubled < seen.first)
            && !self.went_back(truth.added, seen.first)
    }

    /// Returns the shown reports that truly belong to the message.
    pub(super) fn own(&self, message: u32) -> impl Iterator<Item = &Seen> {
        self.seen.of_tail(self.tail(message)).filter(move |seen| seen.row.owner == Some(message))
    }

    /// Returns whether a shown report could belong to the message and also to others.
    pub(super) fn is_ambiguous(&self, message: u32) -> bool {
        let tail = self.tail(message);
        let rivals = &self.by_tail[&tail];
        self.seen.of_tail(tail).any(|seen| {
            self.could_be(seen, message)
                && rivals.iter().any(|rival| *rival != message && self.could_be(seen, *rival))
        })
    }

    /// Returns whether decisive reports of the message were shown.
    pub(super) fn is_decided(&self, message: u32) -> bool {
        let truth = self.truth(message);
        let usable = |seen: &&Seen| seen.life == self.life || !self.seen.is_forgotten(seen.row.serial);
        let in_time = |seen: &&Seen| !self.is_before_sending(seen, truth);
        let mut received = 0;
        let mut failed = false;
        for seen in self.own(message).filter(usable).filter(in_time) {
            match seen.row.status {
                0 => received |= 1_u32 << seen.row.segment,
                64..=127 => failed = true,
                _ => {}
            }
        }
        truth.more.is_empty() && (received == truth.all() || failed)
    }

    fn is_before_sending(&self, seen: &Seen, truth: &Truth) -> bool {
        let begun = truth.first.and_then(|copy| copy.begun).map_or(i64::MIN, |begun| begun.1);
        seen.row.time + 1 < begun
    }

    /// Checks that a report returned as unmatched or ambiguous was shown before.
    pub(crate) fn receive_report(&mut self, report: &Report, ambiguous: bool) -> Result<(), Failure> {
        let count =
            if ambiguous { &mut self.figures.events_ambiguous } else { &mut self.figures.events_unmatched };
        *count += 1;
        let digits = report.number.as_str();
        let tail = digits[digits.len().saturating_sub(7)..].parse().unwrap_or_default();
        let time = report.time.map_or(-1, civil::seconds);
        let content = (tail, report.port, report.reference, report.status, time);
        self.figures.events_repeated += u64::from(self.seen.hand(&content));
        let meant: Vec<Seen> = self.seen.with_content(&content).copied().collect();
        if self.trace.tail == Some(tail) {
            let line = format!("handed out, ambiguous: {ambiguous}: {report:?}");
            self.write_all(|| line);
        }
        if meant.is_empty() {
            return Err(Failure {
                message: None,
                what: format!("handed out a report that was never shown: {report:?}"),
            });
        }
        if let (Some(owners), false) =
            (meant.iter().map(|seen| seen.row.owner).collect::<Option<Vec<u32>>>(), ambiguous)
        {
            self.figures.events_of_ours += u64::from(!self.is_rightly_unmatched(&owners, &meant[0]));
        }
        Ok(())
    }

    /// Returns whether an own report is rightly unmatched: its message's result was not shown yet, its message is closed, or its time is
    /// before the message's send time.
    fn is_rightly_unmatched(&self, owners: &[u32], seen: &Seen) -> bool {
        owners.iter().any(|owner| {
            let truth = self.truth(*owner);
            truth.shown.located == 0 || truth.is_closed || self.is_before_sending(seen, truth)
        })
    }
}

/// Returns whether port and reference match one of the segments.
fn is_in_place(seen: &Seen, truth: &Truth, copy: &Copy) -> bool {
    let (Some((port, _)), Some(reference)) = (copy.begun, copy.reference) else { return false };
    port == seen.row.port && seen.row.reference.wrapping_sub(reference) < truth.requested.segments
}

pub(super) fn is_final_status(status: u8) -> bool {
    matches!(status, 0 | 64..=127)
}

/// Helpers for the history of a failure.
impl Oracle {
    /// Returns the shown reports that fit one of the message's segments, and the messages to which each could belong.
    pub(crate) fn reports_around(&self, message: u32) -> Vec<String> {
        let truth = self.truth(message);
        let first = truth.copies().filter_map(|copy| Some((copy.begun?.0, copy.reference?)));
        let places: Vec<(u8, u8)> = first.collect();
        let fits = |seen: &&Seen| {
            places.iter().any(|(port, reference)| {
                *port == seen.row.port
                    && seen.row.reference.wrapping_sub(*reference) < truth.requested.segments
            })
        };
        let tail = self.tail(message);
        let line = |seen: &Seen| {
            let all = self.by_tail[&tail].iter().copied();
            let could_be: Vec<u32> = all.filter(|other| self.could_be(seen, *other)).collect();
            format!("{seen:?} could be of {could_be:?}")
        };
        self.seen.of_tail(tail).filter(fits).map(line).collect()
    }
}
