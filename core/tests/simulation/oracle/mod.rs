//! The oracle, which knows the truth and compares it with the tracker's reports.

mod end;
mod judge;
mod reports;
mod seen;
mod truth;
mod updates;

use std::{cell::OnceCell, collections::HashMap, fmt::Display, rc::Rc};

use sms_gateway_core::{UserId, call::Status};
pub(crate) use truth::{Requested, Truth};

use crate::{
    config::Config,
    device::{Entry, Fact, ReportRow, ResultRow},
    figures::Figures,
    numbers::Numbers,
};
use seen::SeenReports;

/// A broken rule.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The message concerned.
    pub(crate) message: Option<u32>,
    pub(crate) what: String,
}

/// Fails unless a rule holds.
pub(crate) fn demand(holds: bool, message: u32, what: impl Display) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure { message: Some(message), what: what.to_string() }) }
}

/// The history of one message and of the other messages to its number.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    watched: Option<u32>,
    tail: Option<u32>,
    pub(crate) lines: Vec<String>,
}

pub(crate) struct Oracle {
    pub(crate) config: Config,
    pub(crate) numbers: Rc<Numbers>,
    pub(crate) truths: Vec<Truth>,
    by_id: HashMap<UserId, u32>,
    by_tail: HashMap<u32, Vec<u32>>,
    seen: SeenReports,
    /// The time at which it became known that reports carry the send time. Computed on demand.
    learned: OnceCell<u64>,
    /// Messages whose last update is not acknowledged yet.
    open: Vec<u32>,
    /// The times at which the gateway's clock jumped back, in simulated time.
    pub(crate) jumps_back: Vec<u64>,
    pub(crate) life: u32,
    /// The start of this life, that is, the time of the client's last start.
    pub(crate) born: u64,
    pub(crate) now: u64,
    pub(crate) figures: Figures,
    pub(crate) trace: Trace,
}

impl Oracle {
    pub(crate) fn new(config: Config, numbers: Rc<Numbers>, watched: Option<u32>) -> Self {
        Self {
            config,
            numbers,
            truths: Vec::new(),
            by_id: HashMap::new(),
            by_tail: HashMap::new(),
            seen: SeenReports::default(),
            learned: OnceCell::new(),
            open: Vec::new(),
            jumps_back: Vec::new(),
            life: 0,
            born: 0,
            now: 0,
            figures: Figures::default(),
            trace: Trace { watched, ..Trace::default() },
        }
    }

    /// Returns the message with a user_id.
    pub(crate) fn find(&self, id: UserId) -> Result<u32, Failure> {
        let unknown = || Failure { message: None, what: format!("user_id {id} was never given out") };
        self.by_id.get(&id).copied().ok_or_else(unknown)
    }

    pub(crate) fn truth(&self, message: u32) -> &Truth {
        &self.truths[message as usize]
    }

    pub(crate) fn truth_mut(&mut self, message: u32) -> &mut Truth {
        &mut self.truths[message as usize]
    }

    /// Adds a line to the history, if the message is the watched one or has the same number.
    pub(crate) fn write(&mut self, message: u32, line: impl FnOnce() -> String) {
        if self.trace.watched.is_some() && self.trace.tail == Some(self.tail(message)) {
            self.write_line(Some(message), &line());
        }
    }

    fn write_line(&mut self, message: Option<u32>, line: &str) {
        let who = message.map_or(String::new(), |message| format!(" #{message}"));
        self.trace.lines.push(format!("{:>11.3} s{who} {line}", self.now as f64 / 1000.0));
    }

    /// Adds a line about all messages to the history.
    pub(crate) fn write_all(&mut self, line: impl FnOnce() -> String) {
        if self.trace.watched.is_some() {
            self.write_line(None, &line());
        }
    }

    pub(crate) fn tail(&self, message: u32) -> u32 {
        self.numbers.tail(self.truth(message).requested.number.line)
    }

    /// Notes that the caller added a message.
    pub(crate) fn added(&mut self, id: UserId, requested: Requested) -> Result<u32, Failure> {
        let message = self.truths.len() as u32;
        self.truths.push(Truth::new(id, requested, self.now));
        let earlier = self.by_id.insert(id, message);
        // A message that vanished before it was saved leaves its user_id unused.
        let is_new =
            earlier.is_none_or(|earlier| self.truth(earlier).vanished && self.truth(earlier).submitted == 0);
        demand(is_new, message, format_args!("user_id {id} was given out before"))?;
        let tail = self.tail(message);
        self.by_tail.entry(tail).or_default().push(message);
        self.open.push(message);
        self.figures.messages += 1;
        if self.trace.watched == Some(message) {
            self.trace.tail = Some(tail);
        }
        self.write(message, || format!("added as {id}: {requested:?}"));
        Ok(message)
    }

    /// Notes that the message will be submitted. From now on, the client cannot know whether it was sent.
    pub(crate) fn asked(&mut self, message: u32) {
        let now = self.now;
        self.truth_mut(message).asked.get_or_insert(now);
    }

    /// Notes that a request with the message was refused, although the gateway may have accepted it.
    pub(crate) fn refused(&mut self, message: u32, code: u32, is_accepted: bool) {
        let truth = self.truth_mut(message);
        truth.refused = Some(code);
        // A request that was not accepted may be followed by another one for the same message.
        truth.submitted -= u32::from(!is_accepted);
    }

    /// Notes that a request with the message is sent. `is_known` states whether the gateway has it already.
    pub(crate) fn submitted(&mut self, message: u32, is_known: bool) -> Result<(), Failure> {
        let truth = self.truth_mut(message);
        let again = truth.submitted > 0;
        truth.submitted += 1;
        let (allowed, saved) = (truth.requested.resend, truth.is_saved);
        self.write(message, || "request is sent".to_owned());
        self.figures.sent_again += u64::from(again);
        demand(saved, message, "sent before it was saved")?;
        demand(!again || allowed, message, "sent twice")?;
        demand(!is_known, message, "sent again although the gateway has it")
    }

    /// Notes a fact of the gateway.
    pub(crate) fn note(&mut self, entry: &Entry) {
        let Entry { owner, copy, fact, .. } = *entry;
        self.write(owner, || format!("[gateway, at {:.3} s] {fact:?}", entry.at as f64 / 1000.0));
        self.truth_mut(owner).note(copy, fact);
        if let Fact::Accepted { .. } = fact {
            debug_assert!(self.truth(owner).submitted > 0);
        }
    }

    pub(crate) fn report_forgotten(&mut self, serial: u32) {
        self.seen.forget(serial);
    }

    /// Notes a result that is passed to the tracker.
    pub(crate) fn show_result(&mut self, row: &ResultRow) {
        self.figures.results += 1;
        let now = self.now;
        let Some(owner) = row.owner else { return };
        let shown = &mut self.truth_mut(owner).shown;
        if shown.result.is_none_or(|before| rank(before) < rank(row.status)) {
            shown.result = Some(row.status);
        }
        if shown.located == 0 && (row.succeeded > 0 || row.status != Status::Sending) {
            shown.located = now;
        }
        self.write(owner, || format!("shown the result {row:?}"));
    }

    /// Notes a report that is passed to the tracker.
    pub(crate) fn show_report(&mut self, row: &ReportRow) {
        self.figures.reports += 1;
        self.note_shown(row);
        let tail = self.numbers.tail(row.number.line);
        let is_new = self.seen.show(row, tail, self.now, self.life);
        if self.trace.tail == Some(tail) {
            let kind = if is_new { "shown" } else { "shown again" };
            self.write_line(row.owner, &format!("{kind} the report {row:?}"));
        }
    }
}

/// Orders results by progress.
fn rank(status: Status) -> u8 {
    match status {
        Status::Sending => 0,
        Status::SentOk => 1,
        Status::Failed | Status::Delivered => 2,
    }
}
