//! Status reports: their arrival and their content.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    Device,
    event::Happening,
    message::{Message, Status},
};
use crate::{
    clock::Civil,
    fate::Arrival,
    quirks::{NumberSpelling, Quirks, ReportTime},
};

/// The maximum number of reports that are kept.
const REMEMBERED: usize = 65_536;

/// The country code that [`NumberSpelling::spell`] adds or removes.
const COUNTRY: &str = "+86";

impl NumberSpelling {
    pub(crate) fn spell(self, number: &str) -> String {
        match self {
            Self::International if !number.starts_with('+') => format!("{COUNTRY}{number}"),
            Self::National => number.strip_prefix(COUNTRY).unwrap_or(number).to_owned(),
            Self::AsSent | Self::International => number.to_owned(),
        }
    }
}

/// A status report of one segment.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    message: u64,
    segment: u32,
    pub(crate) port: u8,
    number: String,
    sent: Civil,
    arrived: Civil,
    pub(crate) ref_id: u8,
    pub(crate) status_code: u8,
}

impl Report {
    /// Returns the number in this spelling.
    pub(crate) fn number(&self, spelling: NumberSpelling) -> String {
        spelling.spell(&self.number)
    }

    /// Returns the timestamp of the report on a gateway with these quirks.
    pub(crate) fn time(&self, quirks: &Quirks) -> Civil {
        let time = match quirks.report_time {
            ReportTime::Sending => self.sent,
            ReportTime::Arrival => self.arrived,
        };
        time.saturating_add(quirks.report_clock.into())
    }
}

/// The reports in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Reports(VecDeque<Report>);

impl Reports {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Report> {
        self.0.iter()
    }

    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, report: Report) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(report);
    }
}

impl Device {
    /// Schedules the reports of a segment that was just sent.
    pub(super) fn expect_reports(&mut self, id: u64, segment: u32, reference: u8) {
        let Some(message) = self.outbox.get(id).filter(|message| message.report_wanted) else { return };
        let Some(code) = message.plan.status_code(segment) else { return };
        let Some(report) = report(id, message, segment, reference, code) else { return };
        let plan = message.plan.clone();
        let first = self.now + self.clock.outside(first_after(message, segment));
        let first = match (plan.arrival, message.sending) {
            (Arrival::After(_), Some(sending)) => first + sending.ends.saturating_duration_since(self.now),
            _ => first,
        };
        let second = self.clock.outside(Duration::from_secs(1));
        let last = match plan.temporary {
            Some(code) => {
                self.arrive(first, second, plan.doubled, &Report { status_code: code, ..report.clone() });
                first + second * 10
            }
            None => first,
        };
        self.arrive(last, second, plan.doubled, &report);
    }

    fn arrive(&mut self, at: Instant, second: Duration, doubled: bool, report: &Report) {
        self.schedule(at, Happening::ReportArrives(report.clone()));
        if doubled {
            self.schedule(at + second, Happening::ReportArrives(report.clone()));
        }
    }

    pub(super) fn report_arrives(&mut self, report: Report) {
        let arrived = self.civil_now();
        if let Some(message) = self.outbox.get_mut(report.message) {
            if let Some(code) = message.reported.get_mut(report.segment as usize) {
                *code = Some(report.status_code);
            }
            if message.status == Status::SentOk && message.is_received() {
                message.status = Status::Delivered;
            }
        }
        self.reports.add(Report { arrived, ..report });
    }
}

fn report(id: u64, message: &Message, segment: u32, reference: u8, code: u8) -> Option<Report> {
    let sending = message.sending?;
    Some(Report {
        message: id,
        segment,
        port: sending.port,
        number: message.number.clone(),
        sent: sending.time,
        arrived: sending.time,
        ref_id: reference,
        status_code: code,
    })
}

/// Returns the delay of a segment's first report, in the gateway's time. The delay starts when the whole message has been sent, or
/// with [`Arrival::Early`] when the segment has been sent.
fn first_after(message: &Message, segment: u32) -> Duration {
    match message.plan.arrival {
        Arrival::Early => Duration::ZERO,
        Arrival::After(after) => {
            let rank =
                if message.plan.reversed { message.segments.saturating_sub(segment + 1) } else { segment };
            after.saturating_add(Duration::from_secs(rank.into()))
        }
    }
}
