//! Which messages a report can be of, by what the tracker was shown.

use sms_gateway_core::track::Report;

use super::{Failure, Oracle, Truth, seen::Seen, truth::Copy};
use crate::{
    civil,
    config::{ReportTime, SECOND},
};

/// How many reports the tracker may see in a life of its own before it is held to know that they carry the time of sending.
const LEARNING: u64 = 10 * 60 * SECOND;

impl Oracle {
    /// Whether the report could be of the message.
    pub(super) fn could_be(&self, seen: &Seen, message: u32) -> bool {
        let truth = self.truth(message);
        // Whether reports were asked for does not matter: gateways of the document's version don't know the parameter.
        truth.submitted > 0
            && self.numbers.same(truth.wish.number, seen.row.number)
            && self.fits_place_and_time(seen, truth)
            && !self.had_its_report(seen, message)
    }

    fn fits_place_and_time(&self, seen: &Seen, truth: &Truth) -> bool {
        if truth.shown.located == 0 {
            // Nobody knows where it went, if it went at all.
            return truth.wish.ports == 0 || truth.wish.ports >> seen.row.port & 1 == 1;
        }
        truth.copies().any(|copy| self.is_at(seen, truth, copy))
    }

    fn is_at(&self, seen: &Seen, truth: &Truth, copy: &Copy) -> bool {
        let (Some((port, begun)), Some(reference)) = (copy.begun, copy.reference) else { return false };
        let segment = seen.row.reference.wrapping_sub(reference);
        port == seen.row.port && segment < truth.wish.segments && self.fits_time(seen, truth, begun)
    }

    fn fits_time(&self, seen: &Seen, truth: &Truth, begun: i64) -> bool {
        let time = seen.row.time;
        if self.config.device.report_time == ReportTime::Sending && seen.first > self.born + LEARNING {
            return time == begun;
        }
        time + 1 >= begun || begun < 0 || self.went_back(truth.added, seen.first)
    }

    /// Whether the gateway's clock went back in that time.
    pub(super) fn went_back(&self, from: u64, to: u64) -> bool {
        self.jumps_back.iter().any(|jump| (from..=to).contains(jump))
    }

    /// Whether this segment's last word was shown so long before that not even its double can come any more.
    fn had_its_report(&self, seen: &Seen, message: u32) -> bool {
        let doubled = self.config.settings.timing.doubled.as_millis() as u64;
        let truth = self.truth(message);
        let Some(reference) = truth.copies().find_map(|copy| copy.reference) else { return false };
        let segment = seen.row.reference.wrapping_sub(reference);
        self.own(message).any(|other| {
            other.row.segment == segment
                && is_last_word(other.row.status)
                && other.first + doubled < seen.first
        })
    }

    /// The reports shown that truly are the message's.
    pub(super) fn own(&self, message: u32) -> impl Iterator<Item = &Seen> {
        self.seen.of_tail(self.tail(message)).filter(move |seen| seen.row.owner == Some(message))
    }

    /// Whether the message's reports, or another's, could have been meant for it and for others as well.
    pub(super) fn could_not_tell(&self, message: u32) -> bool {
        let tail = self.tail(message);
        let rivals = &self.by_tail[&tail];
        self.seen.of_tail(tail).any(|seen| {
            self.could_be(seen, message)
                && rivals.iter().any(|rival| *rival != message && self.could_be(seen, *rival))
        })
    }

    /// Reports that decide over the message were shown, and still the caller was told nothing.
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

    /// A report was handed out as nobody's or as ambiguous: it must be one that was shown.
    pub(crate) fn hear_report(&mut self, report: &Report, ambiguous: bool) -> Result<(), Failure> {
        let count =
            if ambiguous { &mut self.figures.events_ambiguous } else { &mut self.figures.events_unmatched };
        *count += 1;
        let digits = report.number.as_str();
        let tail = digits[digits.len().saturating_sub(7)..].parse().unwrap_or_default();
        let time = report.time.map_or(-1, civil::seconds);
        let content = (tail, report.port, report.reference, report.status, time);
        self.figures.events_repeated += u64::from(self.seen.hand(&content));
        let meant: Vec<Seen> = self.seen.saying(&content).copied().collect();
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
            self.figures.events_of_ours += u64::from(!self.is_nobodys(&owners, &meant[0]));
        }
        Ok(())
    }

    /// A report of ours is nobody's only where its message's result was not shown yet, or time stands against it.
    fn is_nobodys(&self, owners: &[u32], seen: &Seen) -> bool {
        owners.iter().any(|owner| {
            let truth = self.truth(*owner);
            truth.shown.located == 0 || truth.is_closed || self.is_before_sending(seen, truth)
        })
    }
}

pub(super) fn is_last_word(status: u8) -> bool {
    matches!(status, 0 | 64..=127)
}

/// For the history of a failure.
impl Oracle {
    /// The reports shown that fit one of the message's segments, and which messages each could be of.
    pub(crate) fn reports_around(&self, message: u32) -> Vec<String> {
        let truth = self.truth(message);
        let first = truth.copies().filter_map(|copy| Some((copy.begun?.0, copy.reference?)));
        let places: Vec<(u8, u8)> = first.collect();
        let fits = |seen: &&Seen| {
            places.iter().any(|(port, reference)| {
                *port == seen.row.port && seen.row.reference.wrapping_sub(*reference) < truth.wish.segments
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
