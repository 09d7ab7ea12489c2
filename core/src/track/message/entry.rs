//! One message in lent memory.

use super::{segments::Fates, state::State, validity::Validity};
use crate::{
    TaskId, UserId,
    track::{
        clock::{GatewaySeconds, SentAt, Sequence, Tick},
        number::PackedNumber,
        table::{Links, Node, QueueId},
    },
};

/// Lent memory for one message. Fill an array with [`Slot::EMPTY`]. The array holds as many messages as it has slots, including
/// finished ones that are kept because reports may still arrive for them.
// Two cache lines of 64 bytes. The first one contains the fields that are needed to find, queue and query messages.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Slot {
    links: Links,
    pub(in crate::track) user_id: u32,
    /// The time at which the message's wait in its queue ends.
    pub(in crate::track) due: Tick,
    number_words: [u32; 3],
    flags: u16,
    number_form: u8,
    state: State,
    queue: QueueId,
    pub(in crate::track) port: u8,
    /// The message reference of the first segment.
    pub(in crate::track) reference: u8,
    pub(in crate::track) segments: u8,
    /// The send time by the gateway's clock.
    pub(in crate::track) sent: Option<GatewaySeconds>,

    pub(in crate::track) task: i64,
    /// The ports through which it may be sent, one bit each; 0 for any.
    pub(in crate::track) ports: u32,
    /// The time from which its time limit counts. For a finished message, this is the time when it finished. For any other message, it is
    /// the time when it was added.
    pub(in crate::track) since: Tick,
    /// A report that was first seen before this sequence number does not belong to this message.
    pub(in crate::track) submitted: Sequence,
    /// The sequence number of the latest request whose response shows that this message was not being sent yet.
    pub(in crate::track) not_begun: Sequence,
    /// The time at which its port and reference became known.
    pub(in crate::track) located: Tick,
    /// The sequence number of its latest record, saved or restored.
    pub(in crate::track) record: Sequence,
    /// The earliest and the latest time of its reports so far.
    pub(in crate::track) first_report: Option<GatewaySeconds>,
    pub(in crate::track) last_report: Option<GatewaySeconds>,
    pub(in crate::track) fates: Fates,
    /// The error_code of the response to its submission; 0 for none.
    pub(in crate::track) refusal: u32,
    pub(in crate::track) text_bytes: u16,
    /// The number of its latest update, and of its latest acknowledged one.
    pub(in crate::track) revision: u16,
    pub(in crate::track) acknowledged: u16,
    /// The number of segments that were sent.
    pub(in crate::track) succeeded: u8,
    /// The number of doublings of its wait.
    pub(in crate::track) step: u8,
    /// The era of the gateway's clock in which it was sent.
    pub(in crate::track) era: u8,
    /// How long it may wait to be submitted, if it has a limit of its own.
    pub(in crate::track) validity: Validity,
    /// The first segment that failed, in the lower five bits, and flags in the upper ones.
    failed_segment: u8,
    /// The TP-Status of the first segment that failed.
    pub(in crate::track) failed_status: u8,
}

const _: () = assert!(size_of::<Slot>() == 128);

impl Slot {
    /// Memory that holds no message.
    pub const EMPTY: Self = Self {
        links: Links::NONE,
        user_id: 0,
        due: Tick::ZERO,
        number_words: [0; 3],
        flags: 0,
        number_form: 0,
        state: State::Unsent,
        queue: QueueId::NONE,
        port: 0,
        reference: 0,
        segments: 0,
        task: 0,
        sent: None,
        ports: 0,
        since: Tick::ZERO,
        submitted: Sequence::NEVER,
        not_begun: Sequence::NEVER,
        located: Tick::ZERO,
        record: Sequence::NEVER,
        first_report: None,
        last_report: None,
        fates: Fates::NONE,
        refusal: 0,
        text_bytes: 0,
        revision: 0,
        acknowledged: 0,
        succeeded: 0,
        step: 0,
        era: 0,
        validity: Validity::NONE,
        failed_segment: 0,
        failed_status: 0,
    };

    /// Clears the message. The bucket and the ring that begin in this slot stay.
    pub(in crate::track) fn clear(&mut self) {
        *self = Self { links: self.links.cleared(), ..Self::EMPTY };
    }

    pub(in crate::track) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub(in crate::track) fn set(&mut self, flag: u16, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    pub(in crate::track) fn flags(&self) -> u16 {
        self.flags
    }

    pub(in crate::track) fn set_flags(&mut self, flags: u16) {
        self.flags = flags;
    }

    pub(in crate::track) fn state(&self) -> State {
        self.state
    }

    /// Sets the state. Only the lifecycle calls this.
    pub(super) fn set_state(&mut self, state: State) {
        self.state = state;
    }

    pub(in crate::track) fn next(&self) -> Option<crate::track::table::SlotId> {
        self.links.next()
    }

    pub(in crate::track) fn previous(&self) -> Option<crate::track::table::SlotId> {
        self.links.previous()
    }

    pub(in crate::track) fn id(&self) -> Option<UserId> {
        UserId::new(self.user_id.into()).ok()
    }

    pub(in crate::track) fn number(&self) -> PackedNumber {
        PackedNumber::of_parts(self.number_words, self.number_form)
    }

    pub(in crate::track) fn set_number(&mut self, number: &PackedNumber) {
        (self.number_words, self.number_form) = (number.words(), number.form());
    }

    pub(in crate::track) fn sent_at(&self) -> SentAt {
        SentAt { time: self.sent, era: self.era }
    }

    pub(in crate::track) fn task(&self) -> Option<TaskId> {
        self.has(HAS_TASK).then(|| TaskId::new(self.task))
    }

    /// Returns a mask with a bit for each segment.
    pub(in crate::track) fn all_segments(&self) -> u32 {
        match 1_u32.checked_shl(self.segments.into()) {
            Some(bit) => bit.wrapping_sub(1),
            None => u32::MAX,
        }
    }

    pub(in crate::track) fn is_fully_reported(&self) -> bool {
        self.has(HAS_REFERENCE) && self.fates.ended() & self.all_segments() == self.all_segments()
    }

    /// Returns the first segment that failed.
    pub(in crate::track) fn failed_segment(&self) -> u8 {
        self.failed_segment & FAILED_SEGMENT
    }

    pub(in crate::track) fn set_failed_segment(&mut self, segment: u8) {
        self.failed_segment = segment & FAILED_SEGMENT | self.failed_segment & !FAILED_SEGMENT;
    }

    /// Returns whether it is submitted before all messages that are not urgent.
    pub(in crate::track) fn is_urgent(&self) -> bool {
        self.failed_segment & IS_URGENT != 0
    }

    pub(in crate::track) fn set_urgent(&mut self, is_urgent: bool) {
        self.failed_segment &= !IS_URGENT;
        self.failed_segment |= if is_urgent { IS_URGENT } else { 0 };
    }

    /// Returns the byte that is saved: the first segment that failed, and whether the message is urgent.
    pub(in crate::track) fn segment_and_urgency(&self) -> u8 {
        self.failed_segment & (FAILED_SEGMENT | IS_URGENT)
    }

    pub(in crate::track) fn restore_segment_and_urgency(&mut self, saved: u8) {
        self.failed_segment = saved & (FAILED_SEGMENT | IS_URGENT);
    }

    /// Notes a complete response that lacks the message after the gateway's queue was empty or the task was stopped. Returns whether it is
    /// the second such response in a row.
    pub(in crate::track) fn count_absence(&mut self) -> bool {
        let is_second = self.failed_segment & WAS_ABSENT != 0;
        self.failed_segment |= WAS_ABSENT;
        is_second
    }

    pub(in crate::track) fn forget_absence(&mut self) {
        self.failed_segment &= !WAS_ABSENT;
    }

    /// Returns the age in ticks, counted from [`since`](Self::since), at which the message expires. `expire` is the default and the
    /// maximum.
    pub(in crate::track) fn expires_after(&self, expire: u32) -> u32 {
        let own = self.validity.ticks().filter(|_| self.state == State::Unsent);
        own.map_or(expire, |own| own.min(expire))
    }

    /// Returns whether the state of this message is final.
    pub(in crate::track) fn is_over(&self) -> bool {
        self.state.is_final() || self.state == State::Sent && !self.has(WANTS_REPORT)
    }

    /// Returns whether all its updates are acknowledged.
    pub(in crate::track) fn is_acknowledged(&self) -> bool {
        self.revision == self.acknowledged
    }

    /// Widens the span of its reports' times. Returns whether the span changed.
    pub(in crate::track) fn note_report_time(&mut self, time: Option<GatewaySeconds>) -> bool {
        let Some(time) = time else { return false };
        let before = (self.first_report, self.last_report);
        let later = |known: &GatewaySeconds| known.get() > time.get();
        let earlier = |known: &GatewaySeconds| known.get() < time.get();
        if self.first_report.as_ref().is_none_or(later) {
            self.first_report = Some(time);
        }
        if self.last_report.as_ref().is_none_or(earlier) {
            self.last_report = Some(time);
        }
        before != (self.first_report, self.last_report)
    }
}

impl Node for Slot {
    fn links(&self) -> &Links {
        &self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }

    fn queue(&self) -> QueueId {
        self.queue
    }

    fn set_queue(&mut self, queue: QueueId) {
        self.queue = queue;
    }
}

/// The bits of `failed_segment` that contain the segment.
const FAILED_SEGMENT: u8 = 31;
/// A complete response lacked the message after the gateway's queue was empty or the task was stopped.
const WAS_ABSENT: u8 = 32;
const IS_URGENT: u8 = 64;

/// Status reports are requested.
pub(in crate::track) const WANTS_REPORT: u16 = 1;
/// May be sent again if it was probably not accepted.
pub(in crate::track) const MAY_RESEND: u16 = 1 << 1;
/// Its encoding, in two flags.
pub(in crate::track) const UNICODE: u16 = 1 << 2;
pub(in crate::track) const GSM_7BIT: u16 = 1 << 3;
/// `task` is known.
pub(in crate::track) const HAS_TASK: u16 = 1 << 4;
/// `port`, `reference` and `segments` are known.
pub(in crate::track) const HAS_REFERENCE: u16 = 1 << 5;
/// A report may belong to this message or to another one.
pub(in crate::track) const AMBIGUOUS: u16 = 1 << 6;
/// The caller wants its task stopped.
pub(in crate::track) const STOP_WANTED: u16 = 1 << 7;
/// The gateway has stopped its task.
pub(in crate::track) const TASK_STOPPED: u16 = 1 << 8;
/// A report says that it failed, and the result is queried once more.
pub(in crate::track) const FAILURE_UNCONFIRMED: u16 = 1 << 9;
/// In the chain of updates.
pub(in crate::track) const IN_UPDATES: u16 = 1 << 10;
/// In the chain of changes.
pub(in crate::track) const IN_CHANGES: u16 = 1 << 11;
/// Deleted, but the change that deletes its record is not taken yet.
pub(in crate::track) const DELETED: u16 = 1 << 12;
/// Submitted a second time.
pub(in crate::track) const RESENT: u16 = 1 << 13;
/// A report arrived since the last request for its reports.
pub(in crate::track) const PROGRESSED: u16 = 1 << 14;
/// A result is FAILED. The message fails if the complete response contains no better result.
pub(in crate::track) const NOT_SENT: u16 = 1 << 15;
/// The flags that are saved.
pub(in crate::track) const SAVED_FLAGS: u16 = !(IN_UPDATES | IN_CHANGES | PROGRESSED);
