//! One message in lent memory.

use super::{digits::Digits, timing::Tick};
use crate::TaskId;

/// No slot.
pub(super) const NIL: u32 = u32::MAX;

/// No time.
pub(super) const NO_TIME: u32 = u32::MAX;

/// Lent memory for one message. Fill an array with [`Slot::EMPTY`]; it holds as many messages, those included that are finished
/// and remembered because reports may still come for them.
// Two cache lines of 64 bytes: in the first what finding, queueing and asking need.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Slot {
    /// The first slot of the chain for user_ids that begins in this slot's place.
    pub(super) user_head: u32,
    pub(super) user_next: u32,
    /// The same for reports, but the last slot of the chain, which names the first.
    pub(super) report_head: u32,
    pub(super) report_next: u32,
    /// Its neighbours in the queue that it is in.
    pub(super) previous: u32,
    pub(super) next: u32,
    pub(super) news_next: u32,
    pub(super) change_next: u32,
    pub(super) user_id: u32,
    pub(super) due: Tick,
    pub(super) digits: Digits,
    pub(super) flags: u16,
    pub(super) state: State,
    pub(super) queue: Queue,
    pub(super) port: u8,
    pub(super) reference: u8,
    pub(super) segments: u8,

    pub(super) task: i64,
    pub(super) ports: u32,
    /// When it was added; at its end, when that was.
    pub(super) added: Tick,
    /// The sequence number when it was handed to the gateway.
    pub(super) submitted: u32,
    /// The sequence number of the latest question whose answer says that it had not begun to be sent; at its end, that of
    /// its end.
    pub(super) heard: u32,
    /// When it was sent, in seconds of the gateway's clock.
    pub(super) sent: u32,
    /// Between these two of the gateway's times its reports so far came.
    pub(super) first_report: u32,
    pub(super) last_report: u32,
    pub(super) delivered: u32,
    pub(super) temporary: u32,
    pub(super) failed: u32,
    /// The error_code of a refusal, or the status of the report that decided.
    pub(super) code: u32,
    pub(super) text_bytes: u16,
    /// The number of its latest news, and of the latest that was acknowledged.
    pub(super) news: u16,
    pub(super) acknowledged: u16,
    pub(super) succeeded: u8,
    /// How often its waits have doubled.
    pub(super) attempt: u8,
    /// The era of the gateway's clock that `sent` is of.
    pub(super) era: u8,
    /// How many complete answers in a row, since the gateway's queue was empty, did not have it.
    pub(super) absent: u8,
    pub(super) failed_segment: u8,
}

impl Slot {
    /// Memory that holds nothing yet.
    pub const EMPTY: Self = Self {
        user_head: NIL,
        user_next: NIL,
        report_head: NIL,
        report_next: NIL,
        previous: NIL,
        next: NIL,
        news_next: NIL,
        change_next: NIL,
        user_id: NIL,
        digits: Digits::NONE,
        ports: 0,
        task: 0,
        due: Tick(0),
        added: Tick(0),
        submitted: 0,
        heard: 0,
        sent: NO_TIME,
        first_report: NO_TIME,
        last_report: NO_TIME,
        delivered: 0,
        temporary: 0,
        failed: 0,
        code: 0,
        text_bytes: 0,
        flags: 0,
        news: 0,
        acknowledged: 0,
        state: State::Asked,
        queue: Queue::None,
        port: 0,
        reference: 0,
        segments: 0,
        succeeded: 0,
        attempt: 0,
        era: 0,
        absent: 0,
        failed_segment: 0,
    };

    /// Makes it empty but for the chains that begin in its place.
    pub(super) fn clear(&mut self) {
        *self = Self { user_head: self.user_head, report_head: self.report_head, ..Self::EMPTY };
    }

    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn set(&mut self, flag: u16, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    /// One bit for each segment.
    pub(super) fn all_segments(&self) -> u32 {
        match 1_u32.checked_shl(self.segments.into()) {
            Some(bit) => bit.wrapping_sub(1),
            None => u32::MAX,
        }
    }

    /// Which segments have come to an end.
    pub(super) fn ended(&self) -> u32 {
        self.delivered | self.failed
    }

    pub(super) fn is_fully_reported(&self) -> bool {
        self.has(LOCATED) && self.ended() & self.all_segments() == self.all_segments()
    }

    /// Whether nothing more will become of it.
    pub(super) fn is_over(&self) -> bool {
        self.state.is_final() || self.state == State::Sent && !self.has(REPORTED)
    }

    pub(super) fn task(&self) -> Option<TaskId> {
        self.has(HAS_TASK).then(|| TaskId::new(self.task))
    }
}

/// Status reports are wanted.
pub(super) const REPORTED: u16 = 1;
/// May be sent again when it was probably not accepted.
pub(super) const RESEND: u16 = 1 << 1;
/// Two bits: how it is encoded.
pub(super) const UNICODE: u16 = 1 << 2;
pub(super) const GSM_7BIT: u16 = 1 << 3;
/// `task` is known.
pub(super) const HAS_TASK: u16 = 1 << 4;
/// Its port and reference are known.
pub(super) const LOCATED: u16 = 1 << 5;
/// A report may be its or another's.
pub(super) const AMBIGUOUS: u16 = 1 << 6;
/// Its task is to be stopped.
pub(super) const STOP: u16 = 1 << 7;
/// The gateway has stopped its task.
pub(super) const STOPPED: u16 = 1 << 8;
/// A report says that it failed; the result is asked once more.
pub(super) const DOUBTED: u16 = 1 << 9;
/// In the chain of news.
pub(super) const IN_NEWS: u16 = 1 << 10;
/// In the chain of changes.
pub(super) const IN_CHANGES: u16 = 1 << 11;
/// Only the change that forgets it is still to be saved.
pub(super) const GONE: u16 = 1 << 12;
/// It was submitted a second time.
pub(super) const RESENT: u16 = 1 << 13;
/// Something became known since the last question.
pub(super) const CHANGED: u16 = 1 << 14;
/// The FAILED of a result decided.
pub(super) const NOT_SENT: u16 = 1 << 15;
/// What is saved of the flags.
pub(super) const SAVED: u16 = !(IN_NEWS | IN_CHANGES | CHANGED);

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum State {
    /// Handed to the tracker, not yet to the gateway.
    Asked,
    /// On its way to the gateway.
    Submitted,
    /// The answer to its send_sms is missing: the gateway may have it or not, and is asked.
    Uncertain,
    /// The gateway has it.
    Accepted,
    /// A port is sending it.
    Sending,
    /// The network has it. That is the end when no status report was asked for.
    Sent,
    /// All segments are delivered. An end.
    Delivered,
    /// It failed: see [`Failure`](super::Failure). An end.
    Failed,
    /// It was stopped before it was sent. An end.
    Stopped,
    /// No outcome came in time. An end.
    Expired,
    /// Nobody can know: the gateway's answer was lost and the gateway knows nothing of it, or has forgotten it. An end.
    Unresolved,
}

impl State {
    /// Whether nothing more will become of the message.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Stopped | Self::Expired | Self::Unresolved)
    }

    /// Whether the gateway has the message, or may have it, and has not sent it.
    pub(super) const fn is_under_way(self) -> bool {
        matches!(self, Self::Submitted | Self::Uncertain | Self::Accepted | Self::Sending)
    }

    pub(super) const ALL: [Self; 11] = [
        Self::Asked,
        Self::Submitted,
        Self::Uncertain,
        Self::Accepted,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Stopped,
        Self::Expired,
        Self::Unresolved,
    ];
}

/// How often waits double before they are the slowest, at most, and how often those of messages that were sent double.
pub(super) const SLOWEST_STEP: u8 = 7;
pub(super) const STEPS: u8 = 12;

/// The queue that a slot is in. All waits of one queue are equally long, so that it is in the order in which they end; after a restart
/// `Short` and `Long` are in no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    None,
    Free,
    /// To be submitted.
    Asked,
    /// Part of the question that is being asked.
    InHand,
    /// Waits for a question for its result, by how often the wait has doubled.
    Result(u8),
    /// Waits for a question for its reports.
    Report(u8),
    /// Finished, its news not acknowledged.
    Done,
    /// Finished; waits to be forgotten.
    Short,
    Long,
}

impl Queue {
    pub(super) const COUNT: usize = 6 + 2 * STEPS as usize;

    pub(super) fn number(self) -> Option<usize> {
        Some(match self {
            Self::None => return None,
            Self::Free => 0,
            Self::Asked => 1,
            Self::InHand => 2,
            Self::Done => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Result(step) => 6 + usize::from(step.min(STEPS - 1)),
            Self::Report(step) => 6 + usize::from(STEPS) + usize::from(step.min(STEPS - 1)),
        })
    }
}
