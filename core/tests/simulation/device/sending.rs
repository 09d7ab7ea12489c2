//! The ports, each of which sends one message at a time.

use sms_gateway_core::call::Status;

use super::{Device, Fact, Happening, Job, ResultRow};
use crate::config::SECOND;

/// One port.
#[derive(Debug)]
pub(super) struct Port {
    current: Option<Current>,
    /// The reference of the next segment.
    reference: u8,
}

/// The message that a port is sending.
#[derive(Clone, Copy, Debug)]
struct Current {
    job: Job,
    /// The position of its result.
    result: u64,
    /// Its send time, by the gateway's clock.
    begun: i64,
    /// Number of segments sent, and the segment that will fail.
    out: u8,
    fails_at: Option<u8>,
}

impl Port {
    pub(super) const fn new(reference: u8) -> Self {
        Self { current: None, reference }
    }

    fn take_reference(&mut self) -> u8 {
        let reference = self.reference;
        self.reference = reference.wrapping_add(1);
        reference
    }

    pub(super) fn abort(&mut self) -> Option<Job> {
        self.current.take().map(|current| current.job)
    }

    pub(super) fn restart_references(&mut self) {
        self.reference = 0;
    }
}

impl Device {
    /// Assigns waiting messages to free ports.
    pub(super) fn dispatch(&mut self) {
        for port in 0..self.config.ports {
            if self.queue.len() == 0 {
                return;
            }
            if self.ports[usize::from(port)].current.is_none()
                && let Some(job) = self.queue.pop(port)
            {
                self.begin(port, job);
            }
        }
    }

    fn begin(&mut self, port: u8, job: Job) {
        let begun = self.clock.at(self.now);
        self.note(job.owner, job.copy, Fact::Begins { port, time: begun });
        let number = self.config.result_spelling.apply(job.number, &mut self.rng);
        let row = ResultRow {
            owner: job.owner,
            copy: job.copy,
            user_id: job.user_id,
            port,
            number,
            time: begun,
            status: Status::Sending,
            count: job.segments,
            succeeded: 0,
            reference: 0,
            received: 0,
        };
        let result = self.results.push(row, self.config.remembered);
        let fails = self.rng.happens(self.config.not_sent);
        let fails_at = fails.then(|| self.rng.below(job.segments.into()) as u8);
        self.ports[usize::from(port)].current = Some(Current { job, result, begun, out: 0, fails_at });
        let (shortest, longest) = if self.config.mix.is_some() { (2, 4) } else { (5, 8) };
        let wait = self.rng.between(shortest * SECOND, longest * SECOND);
        self.plan(wait, Happening::SegmentDone { port, boot: self.boot });
    }

    pub(super) fn segment_done(&mut self, port: u8) {
        let state = &mut self.ports[usize::from(port)];
        let Some(current) = state.current else { return };
        let fails = current.fails_at == Some(current.out);
        // A segment that the network refuses may or may not have used up a reference.
        if fails && self.rng.below(2) == 0 {
            return self.end(port, current, false);
        }
        let reference = state.take_reference();
        if fails {
            return self.end(port, current, false);
        }
        self.segment_out(port, &current, reference);
        let current = Current { out: current.out + 1, ..current };
        if current.out == current.job.segments {
            return self.end(port, current, true);
        }
        self.ports[usize::from(port)].current = Some(current);
        let wait = self.rng.between(2 * SECOND, 4 * SECOND);
        self.plan(wait, Happening::SegmentDone { port, boot: self.boot });
    }

    fn segment_out(&mut self, port: u8, current: &Current, reference: u8) {
        let Current { job, result, begun, out: segment, .. } = *current;
        self.note(job.owner, job.copy, Fact::SegmentOut { segment, reference });
        if let Some(row) = self.results.get_mut(result) {
            row.succeeded += 1;
            row.reference = if segment == 0 { reference } else { row.reference };
        }
        self.send_over(&job, result, (port, reference, segment), begun);
    }

    fn end(&mut self, port: u8, current: Current, sent: bool) {
        self.note(current.job.owner, current.job.copy, Fact::Ends { sent });
        // All reports may have arrived already.
        if let Some(row) = self.results.get_mut(current.result)
            && row.status != Status::Delivered
        {
            row.status = if sent { Status::SentOk } else { Status::Failed };
        }
        self.ports[usize::from(port)].current = None;
        self.dispatch();
    }
}
