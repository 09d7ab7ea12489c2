//! The truth about a message, and the part of it that the tracker was shown.

use sms_gateway_core::{UserId, call::Status, track::Message};

use crate::{device::Fact, numbers::Spelt};

/// A message as requested by the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requested {
    pub(crate) number: Spelt,
    pub(crate) segments: u8,
    /// 0 for any port.
    pub(crate) ports: u32,
    pub(crate) report: bool,
    pub(crate) resend: bool,
}

/// The fate of one submission of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copy {
    pub(crate) serial: u32,
    pub(crate) task: i64,
    /// The port and the send time, by the gateway's clock.
    pub(crate) begun: Option<(u8, i64)>,
    /// The reference of the first segment.
    pub(crate) reference: Option<u8>,
    /// Whether it was sent successfully, once sending has ended.
    pub(crate) sent: Option<bool>,
    /// Removed from the queue by stop_sms, or aborted by a restart.
    pub(crate) dropped: bool,
    pub(crate) broken: bool,
    /// The network's final outcomes, with a bit for each segment.
    pub(crate) received: u32,
    pub(crate) failed: u32,
    /// Segments with reports that are not final, and with final ones.
    pub(crate) undecided: u32,
    pub(crate) reported: u32,
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
            Fact::Reported { segment, status: 0 | 64..=127, .. } => self.reported |= 1 << segment,
            Fact::Reported { segment, .. } => self.undecided |= 1 << segment,
            Fact::Dropped => self.dropped = true,
            Fact::Broken => self.broken = true,
        }
    }

    /// Returns whether it was sent through a port with this reference.
    pub(crate) fn is_at(&self, port: u8, reference: u8) -> bool {
        self.begun.is_some_and(|begun| begun.0 == port) && self.reference == Some(reference)
    }
}

/// The facts about a message that the tracker was shown. Times are by the caller's clock, and 0 stands for never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// The result with the most progress.
    pub(crate) result: Option<Status>,
    /// The time at which a result first contained port and reference.
    pub(crate) located: u64,
    /// Segments whose final report was shown: received, or failed.
    pub(crate) received: u32,
    pub(crate) failed: u32,
    /// Whether the response that accepted it was shown.
    pub(crate) accepted: bool,
}

/// The segments that the tracker has decided: with a status that one of their shown reports had, without such a report, and against
/// their fate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Judged {
    pub(crate) right: u32,
    pub(crate) wrong: u32,
    pub(crate) untrue: u32,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) id: UserId,
    pub(crate) requested: Requested,
    pub(crate) added: u64,
    /// Number of sent requests that contain the message. Those that were refused and not accepted are subtracted.
    pub(crate) submitted: u32,
    /// The time at which its first submission was planned.
    pub(crate) asked: Option<u64>,
    pub(crate) first: Option<Copy>,
    pub(crate) more: Vec<Copy>,
    /// The error_code with which the gateway refused it.
    pub(crate) refused: Option<u32>,
    pub(crate) shown: Shown,
    /// Whether it was lost in a reset before it was saved, and so before anything was sent.
    pub(crate) vanished: bool,
    pub(crate) is_saved: bool,
    /// Whether the caller requested to stop it.
    pub(crate) stop_asked: bool,
    /// Segments that the tracker has decided: rightly, wrongly, and against their fate.
    pub(crate) judged: Judged,
    /// The latest update, and the time at which it was received.
    pub(crate) update: Option<(Message, u64)>,
    /// Whether its last update was acknowledged, and whether that acknowledgement was saved.
    pub(crate) acknowledged: bool,
    pub(crate) is_closed: bool,
}

impl Truth {
    pub(crate) fn new(id: UserId, requested: Requested, added: u64) -> Self {
        Self {
            id,
            requested,
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
            judged: Judged::default(),
            update: None,
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

    /// Returns a mask with a bit for each segment.
    pub(crate) fn all(&self) -> u32 {
        (1 << self.requested.segments) - 1
    }

    pub(crate) fn was_delivered(&self) -> bool {
        self.copies().any(|copy| copy.received == self.all())
    }

    /// Returns whether it may have been sent before a time, as far as the client can know: a reset may have happened at any
    /// moment after its submission was planned.
    pub(crate) fn may_have_left(&self, time: u64) -> bool {
        self.asked.is_some_and(|asked| asked <= time)
    }
}
