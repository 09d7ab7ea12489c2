//! What is true of a message, and what of it was shown to the tracker.

use sms_gateway_core::{UserId, call::Status, track::Message};

use crate::{device::Fact, numbers::Spelt};

/// A message as the caller asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) number: Spelt,
    pub(crate) segments: u8,
    /// 0 for any.
    pub(crate) ports: u32,
    pub(crate) report: bool,
    pub(crate) resend: bool,
}

/// What the gateway made of one submission of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copy {
    pub(crate) serial: u32,
    pub(crate) task: i64,
    /// Where and when it began, by the gateway's clock.
    pub(crate) begun: Option<(u8, i64)>,
    /// The reference of the first segment.
    pub(crate) reference: Option<u8>,
    /// Whether it was sent, once that has ended.
    pub(crate) sent: Option<bool>,
    /// ReportOutcome out of the queue, or broken off by a restart.
    pub(crate) dropped: bool,
    pub(crate) broken: bool,
    /// By segment: the network's last word.
    pub(crate) received: u32,
    pub(crate) failed: u32,
    /// Reports that are no last word came in.
    pub(crate) undecided: u32,
}

impl Copy {
    fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Accepted { .. } => {}
            Fact::Begins { port, time } => self.begun = Some((port, time)),
            Fact::SegmentOut { segment: 0, reference } => self.reference = Some(reference),
            Fact::SegmentOut { .. } => {}
            Fact::Ends { sent } => self.sent = Some(sent),
            Fact::Fate { segment, status: 0 } => self.received |= 1 << segment,
            Fact::Fate { segment, status: 64.. } => self.failed |= 1 << segment,
            Fact::Fate { .. } => {}
            Fact::Reported { status: 0 | 64..=127, .. } => {}
            Fact::Reported { segment, .. } => self.undecided |= 1 << segment,
            Fact::Dropped => self.dropped = true,
            Fact::Broken => self.broken = true,
        }
    }

    /// Whether a segment's reference may be that many after the first.
    pub(crate) fn is_at(&self, port: u8, reference: u8) -> bool {
        self.begun.is_some_and(|begun| begun.0 == port) && self.reference == Some(reference)
    }
}

/// What the tracker was shown of a message, by the caller's clock; 0 for never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// The furthest result.
    pub(crate) result: Option<Status>,
    /// When a result first told port and reference.
    pub(crate) located: u64,
    /// Segments whose last word was shown: 0, or a failure.
    pub(crate) received: u32,
    pub(crate) failed: u32,
    /// The answer that accepted it.
    pub(crate) accepted: bool,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) id: UserId,
    pub(crate) wish: Wish,
    pub(crate) added: u64,
    /// Requests with it that left.
    pub(crate) submitted: u32,
    /// When it was first to be submitted.
    pub(crate) asked: Option<u64>,
    pub(crate) first: Option<Copy>,
    pub(crate) more: Vec<Copy>,
    /// Refused by the gateway with this code.
    pub(crate) refused: Option<u32>,
    pub(crate) shown: Shown,
    /// Not saved before a reset, and so forgotten before anything was sent.
    pub(crate) vanished: bool,
    pub(crate) is_saved: bool,
    /// The caller asked to stop it.
    pub(crate) stop_asked: bool,
    /// The latest news, and when.
    pub(crate) news: Option<(Message, u64)>,
    /// Its end was acknowledged, and that was saved.
    pub(crate) acknowledged: bool,
    pub(crate) is_closed: bool,
}

impl Truth {
    pub(crate) fn new(id: UserId, wish: Wish, added: u64) -> Self {
        Self {
            id,
            wish,
            added,
            submitted: 0,
            asked: None,
            first: None,
            more: Vec::new(),
            refused: None,
            shown: Shown::default(),
            vanished: false,
            is_saved: false,
            stop_asked: false,
            news: None,
            acknowledged: false,
            is_closed: false,
        }
    }

    pub(crate) fn copies(&self) -> impl Iterator<Item = &Copy> {
        self.first.iter().chain(&self.more)
    }

    pub(crate) fn note(&mut self, serial: u32, fact: Fact) {
        if let Fact::Accepted { task } = fact {
            let copy = Copy { serial, task, ..Copy::default() };
            if self.first.is_none() {
                self.first = Some(copy);
            } else {
                self.more.push(copy);
            }
            return;
        }
        let mut copies = self.first.iter_mut().chain(&mut self.more);
        copies.find(|copy| copy.serial == serial).expect("a fact of an unknown copy").note(fact);
    }

    /// One bit for each segment.
    pub(crate) fn all(&self) -> u32 {
        (1 << self.wish.segments) - 1
    }

    pub(crate) fn was_delivered(&self) -> bool {
        self.copies().any(|copy| copy.received == self.all())
    }

    /// Whether it may have been sent before that time, as far as our side can know: a reset may have come at any moment after
    /// it was to be submitted.
    pub(crate) fn may_have_left(&self, time: u64) -> bool {
        self.asked.is_some_and(|asked| asked <= time)
    }
}
