//! The network's outcome of a segment, and its status reports.

use sms_gateway_core::call::Status;

use super::{Device, Fact, Happening, Job, ReportRow};
use crate::{
    config::{HOUR, MINUTE, ReportTime, SECOND},
    numbers::Spelt,
};

/// A report of the network on a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    owner: Option<u32>,
    copy: u32,
    number: Spelt,
    result: u64,
    port: u8,
    reference: u8,
    segment: u8,
    status: u8,
    /// The send times of the message and of the segment, by the gateway's clock.
    begun: i64,
    out: i64,
    /// The send time of the segment, and the time of this outcome, in simulated time.
    sent_at: u64,
    decided_at: u64,
    /// Whether this is the segment's final outcome, whether or not a report contains it.
    is_fate: bool,
    is_reported: bool,
    comes_twice: bool,
}

impl Device {
    /// Draws the fate of a segment that was sent.
    pub(super) fn send_over(&mut self, job: &Job, result: u64, place: (u8, u8, u8), begun: i64) {
        let (port, reference, segment) = place;
        let mut final_outcome = Outcome {
            owner: job.owner,
            copy: job.copy,
            number: job.number,
            result,
            port,
            reference,
            segment,
            status: self.draw_status(),
            begun,
            out: self.clock.at(self.now),
            sent_at: self.now,
            decided_at: self.now,
            is_fate: true,
            is_reported: job.report && !self.rng.happens(self.config.lost),
            comes_twice: self.rng.happens(self.config.doubled),
        };
        let wait = self.draw_delay();
        final_outcome.decided_at += wait;
        if job.report && self.rng.happens(self.config.temporary) {
            self.temporary_reports(&final_outcome, wait);
        }
        let transport = self.draw_transport();
        self.plan(wait + transport, Happening::Outcome(final_outcome));
    }

    fn draw_status(&mut self) -> u8 {
        if self.rng.happens(self.config.failing) {
            return self.rng.between(64, 127) as u8;
        }
        if self.rng.happens(self.config.unconfirmed) {
            return self.rng.pick(&[1, 1, 1, 2, 31, 200]);
        }
        0
    }

    /// Draws the time from an outcome to its report's arrival at the gateway.
    fn draw_transport(&mut self) -> u64 {
        match &self.config.mix {
            Some(_) if self.rng.happens(10_000) => self.rng.between(MINUTE, 10 * MINUTE),
            Some(_) => SECOND,
            None => 0,
        }
    }

    fn draw_delay(&mut self) -> u64 {
        if let Some(mix) = &self.config.mix {
            return mix.draw_delay(&mut self.rng);
        }
        if self.rng.happens(self.config.very_slow) {
            return self.rng.between(HOUR, 6 * HOUR);
        }
        if self.rng.happens(self.config.slow) {
            return self.rng.between(MINUTE, 30 * MINUTE);
        }
        self.rng.between(2 * SECOND, 20 * SECOND)
    }

    /// Draws one to three temporary reports. They usually arrive before the final report, but a late one may follow it.
    fn temporary_reports(&mut self, final_outcome: &Outcome, wait: u64) {
        for _ in 0..self.rng.between(1, 3) {
            let lag = if self.rng.below(20) == 0 { MINUTE } else { 0 };
            let at = self.rng.between(SECOND, wait + lag);
            let status = self.rng.between(32, 63) as u8;
            let comes_twice = self.rng.happens(self.config.doubled);
            let decided_at = self.now + at;
            let report = Outcome {
                status,
                is_fate: false,
                is_reported: true,
                comes_twice,
                decided_at,
                ..*final_outcome
            };
            self.plan(at, Happening::Outcome(report));
        }
    }

    pub(super) fn outcome(&mut self, outcome: Outcome) {
        let Outcome { owner, copy, segment, status, .. } = outcome;
        if outcome.is_fate {
            self.note(owner, copy, Fact::Fate { segment, status });
        }
        if !outcome.is_reported {
            return;
        }
        let again = Outcome { is_fate: false, ..outcome };
        if !self.is_up {
            // The network retries.
            let wait = self.rng.between(10 * SECOND, 5 * MINUTE);
            return self.plan(wait, Happening::Outcome(again));
        }
        if outcome.comes_twice {
            let longest = if self.config.mix.is_some() { 28 * MINUTE } else { 2 * MINUTE };
            let wait = self.rng.below(longest);
            self.plan(wait, Happening::Outcome(Outcome { comes_twice: false, ..again }));
        }
        self.report(&outcome);
    }

    fn report(&mut self, outcome: &Outcome) {
        let Outcome { owner, copy, segment, status, .. } = *outcome;
        let time = match self.config.report_time {
            ReportTime::Sending => outcome.begun,
            ReportTime::Segment => outcome.out,
            ReportTime::Arrival => self.clock.at(self.now),
            ReportTime::Submission => self.centre_time(outcome.port, outcome.sent_at),
            ReportTime::Discharge => self.centre_time(outcome.port, outcome.decided_at),
        };
        let filed = match &self.config.mix {
            Some(mix) if !mix.filters_by_report => self.clock.at(self.now),
            _ => time,
        };
        self.note(owner, copy, Fact::Reported { segment, status, time });
        let row = ReportRow {
            serial: 0,
            owner,
            copy,
            segment,
            port: outcome.port,
            number: self.config.report_spelling.apply(outcome.number, &mut self.rng),
            time,
            filed,
            reference: outcome.reference,
            status,
        };
        self.forgotten_reports.extend(self.reports.push(row, self.config.remembered));
        if status == 0 {
            self.received(outcome);
        }
    }

    /// Converts simulated time to the clock of the port's SMS centre.
    fn centre_time(&self, port: u8, at: u64) -> i64 {
        self.config.mix.as_ref().map_or(0, |mix| mix.centre_time(port, at))
    }

    /// Updates the result from a report, as some gateways do.
    fn received(&mut self, outcome: &Outcome) {
        let says_delivered = self.config.says_delivered;
        let Some(row) = self.results.get_mut(outcome.result) else { return };
        row.received |= 1 << outcome.segment;
        if says_delivered && row.received.count_ones() == u32::from(row.count) {
            row.status = Status::Delivered;
        }
    }
}
