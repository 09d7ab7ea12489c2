//! The tracker's requests to its caller, their tokens, and the results of commands.

use core::{marker::PhantomData, time::Duration};

use super::{
    message::{Slot, WANTS_REPORT},
    number::NumberBuf,
    table::SlotId,
};
use crate::{
    Number, Ports, UserId,
    call::{QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, SendSms, StopSms},
    text::Alphabet,
};

/// The next thing to do. One request is in flight at a time.
#[derive(Debug)]
#[must_use]
pub enum Ask {
    /// Do nothing until this time, or until something is added, stopped or acknowledged.
    Wait(Option<Duration>),
    /// Send the messages of [`Tracker::submission`](super::Tracker::submission).
    Submit(Token<SendSms<'static>>),
    /// Query the results of messages, with [`Tracker::results_request`](super::Tracker::results_request).
    Results(Token<QuerySmsResult<'static>>),
    /// Query status reports, with [`Tracker::reports_request`](super::Tracker::reports_request).
    Reports(Token<QuerySmsDeliverStatus<'static>>),
    /// Query the number of messages that wait to be sent, with [`QuerySmsInQueue`].
    Queue(Token<QuerySmsInQueue>),
    /// Query the inbox, with [`Tracker::incoming_request`](super::Tracker::incoming_request).
    Incoming(Token<QueryIncomingSms>),
    /// Stop a task, with [`Tracker::stop_request`](super::Tracker::stop_request).
    Stop(Token<StopSms>),
}

impl Ask {
    /// Returns the token of the request without the type of its call; `None` for [`Wait`](Self::Wait).
    pub(crate) fn into_token(self) -> Option<Token<()>> {
        let serial = match self {
            Self::Wait(_) => return None,
            Self::Submit(token) => token.serial,
            Self::Results(token) => token.serial,
            Self::Reports(token) => token.serial,
            Self::Queue(token) => token.serial,
            Self::Incoming(token) => token.serial,
            Self::Stop(token) => token.serial,
        };
        Some(Token::new(serial))
    }
}

/// Represents one request. A token cannot be cloned, so the outcome of its request cannot be reported twice.
///
/// A token that is dropped, for example with the future that held it, is treated at the next [`Tracker::step`](super::Tracker::step) as if
/// it had been passed to [`Tracker::handle_lost`](super::Tracker::handle_lost).
#[derive(Debug)]
#[must_use]
pub struct Token<C> {
    serial: u32,
    call: PhantomData<fn() -> C>,
}

impl<C> Token<C> {
    pub(super) fn new(serial: u32) -> Self {
        Self { serial, call: PhantomData }
    }

    pub(super) fn serial(&self) -> u32 {
        self.serial
    }
}

/// The error returned while changes are not saved yet; see [`Tracker::next_change`](super::Tracker::next_change).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsaved;

impl core::fmt::Display for Unsaved {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("changes must be saved before messages are sent")
    }
}

impl core::error::Error for Unsaved {}

/// An iterator over the messages of one send_sms, which share ports, encoding and `status_report`.
pub struct Submission<'a> {
    slots: &'a [Slot],
    at: Option<SlotId>,
    /// The ports through which the messages may be sent.
    pub ports: Ports,
    /// The encoding of the messages; `None` for the gateway's default.
    pub alphabet: Option<Alphabet>,
    /// Whether status reports are requested.
    pub status_report: bool,
}

impl<'a> Submission<'a> {
    /// Creates a submission of the messages from this slot to the end of its queue.
    pub(super) fn new(slots: &'a [Slot], first: SlotId) -> Option<Self> {
        let slot = slots.get(first.index())?;
        Some(Self {
            ports: Ports::from_bits(slot.ports),
            alphabet: slot.alphabet(),
            status_report: slot.has(WANTS_REPORT),
            slots,
            at: Some(first),
        })
    }
}

impl Iterator for Submission<'_> {
    type Item = Outgoing;

    fn next(&mut self) -> Option<Outgoing> {
        let slot = self.slots.get(self.at?.index())?;
        self.at = slot.next();
        Some(Outgoing { id: slot.id()?, number: NumberBuf::new(&slot.number()) })
    }
}

/// A message of a [`Submission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The user_id to be sent with the message.
    pub id: UserId,
    number: NumberBuf,
}

impl Outgoing {
    /// Returns the recipient's number.
    pub fn number(&self) -> Number<'_> {
        Number::of_valid(self.number.as_str())
    }
}

/// The reason why a message was not added. Nothing of the message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddError {
    /// All lent slots are in use. The slot of a finished message becomes free after the message's last update is acknowledged and reports
    /// can no longer arrive for the message.
    Full,
}

impl core::fmt::Display for AddError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the tracker is full: no slot is free for another message")
    }
}

impl core::error::Error for AddError {}

/// The result of a request to stop a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StopResult {
    /// The message is stopped before it is submitted.
    Stopped,
    /// The gateway will be asked to stop the message's task. The task has no other unsent message, or all its messages are to be
    /// stopped.
    Requested,
    /// Nothing is stopped. The gateway stops only whole tasks, and this task has other unsent messages. `Tracker::stop_task_of` stops
    /// them all.
    SharedTask {
        /// The number of messages that would be stopped, including this one. It is at least 2.
        messages: u32,
    },
    /// The message is sent, finished or unknown, or the gateway never named its task.
    TooLate,
    /// Too many tasks wait to be stopped; try again.
    Busy,
}

/// The outcome of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum ReportOutcome {
    /// The caller has nothing to do.
    Accepted,
    /// There was no room, so the tracker dropped a report: this one or a kept one. No event has returned the dropped report, so handle it
    /// like [`Event::Unmatched`](super::Event::Unmatched).
    Evicted(super::Report),
    /// The report lacks its port, reference or status, or its number cannot be parsed. It is not kept: if the gateway repeats it, the
    /// outcome is the same.
    Unreadable,
}
