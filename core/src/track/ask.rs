//! What to ask the gateway.

use core::{marker::PhantomData, time::Duration};

use super::{digits::NumberBuf, slot::Slot};
use crate::{
    Number, Ports, UserId,
    call::{QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, SendSms, StopSms},
    text::Alphabet,
};

/// What is to be done next. One question is asked at a time.
#[derive(Debug)]
#[must_use]
pub enum Ask {
    /// Nothing before that time, or before something is added, stopped or acknowledged.
    Wait(Option<Duration>),
    /// Send messages: [`Tracker::submission`](super::Tracker::submission).
    Submit(Token<SendSms<'static>>),
    /// Ask what became of messages: [`Tracker::results_request`](super::Tracker::results_request).
    Results(Token<QuerySmsResult<'static>>),
    /// Ask for status reports: [`Tracker::reports_request`](super::Tracker::reports_request).
    Reports(Token<QuerySmsDeliverStatus<'static>>),
    /// Ask how many messages wait to be sent, with [`QuerySmsInQueue`].
    Queue(Token<QuerySmsInQueue>),
    /// Look into the inbox: [`Tracker::incoming_request`](super::Tracker::incoming_request).
    Incoming(Token<QueryIncomingSms>),
    /// Stop a task: [`Tracker::stop_request`](super::Tracker::stop_request).
    Stop(Token<StopSms>),
}

/// Stands for one question. It can't be cloned: what came of the question is said once.
///
/// A token that is dropped, with the future that held it for example, counts as [`Tracker::handle_lost`](super::Tracker::handle_lost) at the next
/// [`Tracker::step`](super::Tracker::step).
#[derive(Debug)]
#[must_use]
pub struct Token<C> {
    pub(super) serial: u32,
    call: PhantomData<fn() -> C>,
}

impl<C> Token<C> {
    pub(super) fn new(serial: u32) -> Self {
        Self { serial, call: PhantomData }
    }
}

/// Something changed that is not saved yet: [`Tracker::next_change`](super::Tracker::next_change).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsaved;

impl core::fmt::Display for Unsaved {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("changes are to be saved before messages are sent")
    }
}

impl core::error::Error for Unsaved {}

/// The messages of one send_sms: all by the same ports, encoded alike. Each in its turn.
pub struct Submission<'a> {
    pub(super) slots: &'a [Slot],
    pub(super) at: u32,
    /// The ports to send through.
    pub ports: Ports,
    /// How they are encoded; `None` for the gateway's default.
    pub alphabet: Option<Alphabet>,
    /// Whether status reports are asked for.
    pub status_report: bool,
}

/// A message of a [`Submission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The message, and the user_id to be sent with it.
    pub id: UserId,
    pub(super) number: NumberBuf,
}

impl Outgoing {
    /// The recipient's number.
    pub fn number(&self) -> Number<'_> {
        Number::of_valid(self.number.as_str())
    }
}
