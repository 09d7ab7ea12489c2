//! Events that are not updates of a message.

use serde::Serialize;
use sms_gateway_core::{
    UserId,
    track::{Report, StatusWord},
};
use tokio::sync::mpsc;

use super::Receiver;

/// An event that is not an update of a message. It is reported at most once, and not again after a restart.
///
/// It serializes as one object with its kind in `event`: `{"event": "unmatched_report", "port": 1, …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A status report that matches no message of this messenger, for example the report for another client's message.
    #[serde(rename = "unmatched_report")]
    Unmatched(Report),
    /// A status report that may belong to several messages. Some of them may be another program's. This messenger's messages are marked
    /// as [ambiguous](sms_gateway_core::track::Message::ambiguous), and the report decides the outcome of none.
    #[serde(rename = "ambiguous_report")]
    Ambiguous(Report),
    /// The gateway has restarted the ids of its incoming messages, so some may be handed out again.
    InboxRestarted,
    /// A message in the gateway's inbox cannot be read, because it makes its response malformed. The message is skipped.
    UnreadableMessage {
        /// The message's id.
        incoming_sms_id: i64,
    },
    /// The result of a message has a status that the vendor's document does not list. Only the counts in such a result are
    /// used. A status is not reported again as long as it is among the last four that were reported since the start.
    UnknownStatus {
        /// The message.
        user_id: UserId,
        /// The status.
        status: StatusWord,
    },
    /// The store held torn records at the start. The records were skipped, and the messenger does not know their messages.
    RecordsSkipped {
        /// The number of records.
        records: u32,
    },
    /// Events were dropped because the receiver was full.
    Missed {
        /// The number of events.
        events: u64,
    },
}

/// Receives [`Event`]s. It is a [`Stream`](futures_core::Stream) too.
///
/// It holds at most as many events as [`Builder::events`](super::Builder::events) allows. Further events are dropped and
/// counted, so that they do not delay messages.
pub type Events = Receiver<Event>;

/// The task's side of the events.
pub(super) struct EventSender {
    events: mpsc::Sender<Event>,
    missed: u64,
}

impl EventSender {
    /// Returns both sides, for at most `capacity` events.
    pub(super) fn new(capacity: usize) -> (Self, Events) {
        let (events, receiver) = mpsc::channel(capacity.max(2));
        (Self { events, missed: 0 }, Receiver(receiver))
    }

    pub(super) fn send(&mut self, event: Event) {
        // The count of missed events comes before this event, so there must be room for both.
        if self.missed > 0
            && self.events.capacity() > 1
            && self.events.try_send(Event::Missed { events: self.missed }).is_ok()
        {
            self.missed = 0;
        }
        if self.missed > 0 || self.events.try_send(event).is_err() {
            self.missed += 1;
        }
    }
}
