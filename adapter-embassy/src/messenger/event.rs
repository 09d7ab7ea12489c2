//! The events of a messenger.

use sms_gateway_core::{
    UserId,
    client::Incoming,
    track::{Event as TrackerEvent, Message, Report, StatusWord},
};

use super::Messenger;
use crate::{Error, Transport};

/// An event. `E` is the transport's error.
#[derive(Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a, E> {
    /// A message has changed. Until the update is [acknowledged](crate::Messenger::acknowledge), it is returned again after a restart.
    Update(Message),
    /// A message has arrived. Until it is [acknowledged](crate::Messenger::acknowledge_incoming), it is returned again after a restart,
    /// and the next message is not fetched.
    Incoming(Incoming<'a>),
    /// A report that belongs to no message of this messenger, for example to another client's message. Each report is returned once.
    Unmatched(Report),
    /// A report that may belong to several messages. Some of them may be another program's. The report decides the outcome of none, and
    /// this messenger's messages are marked as [`ambiguous`](Message::ambiguous). Each report is returned once.
    Ambiguous(Report),
    /// The gateway has restarted the ids of its incoming messages, so some messages may be returned again.
    InboxRestarted,
    /// The incoming message with this id cannot be read, because it makes the response malformed. It is skipped.
    UnreadableMessage(i64),
    /// The result of a message has a status that the vendor's document does not list. Only the counts of such a result are used. A
    /// status is not returned again as long as it is among the last four that were returned since the start.
    UnknownStatus {
        /// The message.
        user_id: UserId,
        /// The status.
        status: StatusWord,
    },
    /// The store held this many torn records at the start. The records were skipped, and the messenger does not know their messages.
    RecordsSkipped(u32),
    /// Requests have begun to fail. While they fail, this is returned again only if the reason changes to one that does not pass by itself,
    /// or if the same error persists with new credentials. Failed requests are retried at growing intervals.
    /// [`Messenger::last_error`](crate::Messenger::last_error) is `None` as soon as requests succeed again. After
    /// [`Failure::Http`](crate::Failure::Http), [`Gateway::excerpt`](crate::Gateway::excerpt) of
    /// [`Messenger::gateway`](crate::Messenger::gateway) is the beginning of the response's body, until the next event is awaited.
    RequestsFailing(&'a Error<E>),
}

/// The next event, from which [`Messenger::event`] makes an [`Event`]. Unlike the [`Event`], it does not borrow the messenger.
pub(super) enum Due {
    Tracked(TrackerEvent),
    Incoming,
    RequestsFailing,
    RecordsSkipped(u32),
}

impl<T: Transport, S> Messenger<'_, '_, T, S> {
    /// Takes the next event.
    pub(super) fn take_due(&mut self) -> Option<Due> {
        if core::mem::take(&mut self.is_failure_new) {
            return Some(Due::RequestsFailing);
        }
        let skipped = self.driver.skipped_records();
        if skipped > 0 {
            return Some(Due::RecordsSkipped(skipped));
        }
        if let Some(report) = self.unmatched.pop() {
            return Some(Due::Tracked(TrackerEvent::Unmatched(report)));
        }
        if self.held.hand_out() {
            return Some(Due::Incoming);
        }
        self.driver.tracker_mut().next_event().map(Due::Tracked)
    }

    pub(super) fn event(&self, due: &Due) -> Event<'_, T::Error> {
        let tracked = match *due {
            Due::Tracked(event) => event,
            Due::RecordsSkipped(records) => return Event::RecordsSkipped(records),
            // A due message or error always exists, so the fallbacks are not used.
            Due::Incoming => return self.held.message().map_or(Event::InboxRestarted, Event::Incoming),
            Due::RequestsFailing => {
                return self.last_error.as_ref().map_or(Event::InboxRestarted, Event::RequestsFailing);
            }
        };
        match tracked {
            TrackerEvent::Update(message) => Event::Update(message),
            TrackerEvent::Ambiguous(report) => Event::Ambiguous(report),
            TrackerEvent::Unmatched(report) => Event::Unmatched(report),
            TrackerEvent::InboxRestarted => Event::InboxRestarted,
            TrackerEvent::Unreadable { id } => Event::UnreadableMessage(id),
            TrackerEvent::UnknownStatus { id, status } => Event::UnknownStatus { user_id: id, status },
        }
    }
}
