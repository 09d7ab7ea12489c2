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
    /// A message has changed. Until it is [acknowledged](crate::Messenger::acknowledge), the update is returned again after a restart.
    Update(Message),
    /// A message has arrived. Until it is [acknowledged](crate::Messenger::acknowledge_incoming), it is returned again after a restart,
    /// and no other message is fetched.
    Incoming(Incoming<'a>),
    /// A report that belongs to no message here, for example to a message of another client. Each is returned once.
    Unmatched(Report),
    /// A report that may belong to several messages, or to a message of another program as well as to one of these. It decides
    /// nothing, and the messages are marked. Each is returned once.
    Ambiguous(Report),
    /// The gateway has restarted the ids of its incoming messages, so some messages may be returned again.
    InboxRestarted,
    /// The message with this id cannot be read, because it makes its response malformed. It is left out.
    UnreadableMessage(i64),
    /// The result of a message has a status that the vendor's document does not list. Only the counts of such a
    /// result are used. Each word is returned once after a start, and again after four others.
    UnknownStatus {
        /// The message.
        user_id: UserId,
        /// The status.
        status: StatusWord,
    },
    /// The store held this many torn records at the start. They were skipped, and the messages that they belong to are
    /// unknown.
    RecordsSkipped(u32),
    /// Requests have begun to fail, or fail for another reason that does not pass by itself. They are retried at growing intervals;
    /// [`Messenger::last_error`](crate::Messenger::last_error) is `None` once they succeed again. Until the next event is awaited,
    /// [`Gateway::excerpt`](crate::Gateway::excerpt) of [`Messenger::gateway`](crate::Messenger::gateway) is the text of a response whose
    /// status refused the request.
    RequestsFailing(&'a Error<E>),
}

/// An event that was taken from its place. [`Event`] borrows the messenger, which is still needed to look for other events.
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
            // A message or an error that is due is there.
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
