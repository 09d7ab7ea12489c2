//! The tracker's methods in separate functions, so that callgrind counts each kind of event.

use std::{hint::black_box, time::Duration};

use sms_gateway_core::{
    TaskId, UserId,
    call::{Call, QuerySmsDeliverStatus, QuerySmsResult, SendSms, SmsResult, StatusReport},
    track::{Ask, Draft, Event, ReportOutcome, Token, Tracker},
};

/// The kinds of calls, named like the functions.
pub(crate) const KINDS: [&str; 10] =
    ["result", "result_again", "report", "report_again", "save", "tell", "add", "step", "accepted", "end"];

/// Number of calls of each kind.
pub(crate) type Counts = [u64; KINDS.len()];

/// The tracker, and the number of calls.
pub(crate) struct Calls {
    pub(crate) tracker: Tracker<'static>,
    pub(crate) counts: Counts,
}

impl Calls {
    /// Returns the number of results and reports.
    pub(crate) fn events(&self) -> u64 {
        self.counts.iter().take(4).sum()
    }

    /// Counts a call of the kind at this index.
    fn tracker(&mut self, kind: usize) -> &mut Tracker<'static> {
        self.counts[kind] += 1;
        &mut self.tracker
    }

    /// Handles a result with new information.
    #[inline(never)]
    pub(crate) fn result(
        &mut self,
        token: &Token<QuerySmsResult<'static>>,
        result: &SmsResult<'_>,
        now: Duration,
    ) {
        self.tracker(0).handle_result(token, result, now);
    }

    /// Handles a repeated result, or the result of another client's message.
    #[inline(never)]
    pub(crate) fn result_again(
        &mut self,
        token: &Token<QuerySmsResult<'static>>,
        result: &SmsResult<'_>,
        now: Duration,
    ) {
        self.tracker(1).handle_result(token, result, now);
    }

    /// Handles a report with new information, or the report of another client's message.
    #[inline(never)]
    pub(crate) fn report(
        &mut self,
        token: &Token<QuerySmsDeliverStatus<'static>>,
        report: &StatusReport<'_>,
        now: Duration,
    ) -> ReportOutcome {
        self.tracker(2).handle_report(token, report, now)
    }

    /// Handles a repeated report.
    #[inline(never)]
    pub(crate) fn report_again(
        &mut self,
        token: &Token<QuerySmsDeliverStatus<'static>>,
        report: &StatusReport<'_>,
        now: Duration,
    ) -> ReportOutcome {
        self.tracker(3).handle_report(token, report, now)
    }

    /// Takes a change. Returns the length of its record, or 0 for a deletion.
    #[inline(never)]
    pub(crate) fn save(&mut self) -> Option<usize> {
        let change = black_box(self.tracker.next_change()?);
        self.counts[4] += 1;
        Some(change.record().map_or(0, <[u8]>::len))
    }

    /// Takes an event, and acknowledges it if it is an update. Returns whether it is the last update of a message.
    #[inline(never)]
    pub(crate) fn tell(&mut self) -> Option<bool> {
        let event = black_box(self.tracker.next_event()?);
        self.counts[5] += 1;
        let Event::Update(message) = event else { return Some(false) };
        self.tracker.acknowledge(message.id, message.revision);
        Some(message.is_final)
    }

    #[inline(never)]
    pub(crate) fn add(&mut self, draft: &Draft<'_>, now: Duration) -> Option<UserId> {
        self.tracker(6).add(draft, now).ok()
    }

    #[inline(never)]
    pub(crate) fn step(&mut self, now: Duration) -> Ask {
        self.tracker(7).step(now)
    }

    /// Handles a response that accepted a submission.
    #[inline(never)]
    pub(crate) fn accepted(&mut self, token: Token<SendSms<'static>>, now: Duration) {
        self.tracker(8).handle_accepted(token, Some(TaskId::new(1)), now);
    }

    #[inline(never)]
    pub(crate) fn end<C: Call>(&mut self, token: Token<C>, now: Duration) {
        self.tracker(9).handle_end(token, now);
    }
}
