//! Future events, ordered by time.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{message::Status, reports::Report};

/// An event in the gateway.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The next segment of this message has been sent.
    SegmentSent(u64),
    /// The port has finished this message, which now has this status.
    SendingEnds(u64, Status),
    ReportArrives(Report),
    /// The network ends the USSD request of this port and session, with a reply or without.
    UssdAnswered(u8, u64, Option<String>),
}

/// Events by time. Events at the same time keep the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Events {
    coming: BTreeMap<(Instant, u64), Happening>,
    added: u64,
}

impl Events {
    pub(crate) fn add(&mut self, at: Instant, happening: Happening) {
        self.added += 1;
        self.coming.insert((at, self.added), happening);
    }

    /// Removes and returns the first event that is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(Instant, Happening)> {
        let first = self.coming.first_entry().filter(|first| first.key().0 <= now)?;
        let ((at, _), happening) = first.remove_entry();
        Some((at, happening))
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.coming.first_key_value().map(|((at, _), _)| *at)
    }

    /// Drops the events inside the gateway. Status reports are on their way in the network, so they still arrive.
    pub(crate) fn keep_reports(&mut self) {
        self.coming.retain(|_, happening| matches!(happening, Happening::ReportArrives(_)));
    }
}
