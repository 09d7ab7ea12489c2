//! Incoming messages.

use std::{collections::VecDeque, fmt, sync::Arc};

use serde::{Serialize, Serializer};
use sms_gateway_core::{Timestamp, call::IncomingSms, client, json::Text, track::InboxMark};
use tokio::sync::mpsc;

use super::{Receiver, shared::Shared};

/// An incoming message. It is handed out again after a restart until it is [acknowledged](Self::acknowledge).
///
/// It may also be handed out again, with another id, when the gateway restarts the ids of its messages
/// ([`Event::InboxRestarted`](super::Event::InboxRestarted)). The hash of its `mark` is then the same as before.
///
/// It serializes with the field names of the API; `text` is null if it was too long.
#[must_use = "a message keeps its slot until it is acknowledged"]
#[non_exhaustive]
pub struct Incoming {
    /// The message's id, and a hash that stays the same when the ids restart.
    pub mark: InboxMark,
    /// The port that received the message.
    pub port: Option<u32>,
    /// The sender: a number, or letters.
    pub number: String,
    /// The number of the SMSC.
    pub smsc: String,
    /// The time at which the message arrived, by the gateway's clock.
    pub time: Option<Timestamp>,
    /// The text; empty if it was too long.
    pub text: String,
    /// The IMSI of the SIM card that received the message; empty if the gateway does not report it, as in earlier versions of the
    /// API.
    pub imsi: String,
    /// The flaw of the text, if it has one.
    pub flaw: Option<Flaw>,
    receipt: Receipt,
}

/// A flaw of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The text contains U+FFFD in place of unreadable characters, or contains an unnecessary backslash, which is kept.
    Lossy,
    /// The text is missing because it did not fit into the record buffer. A [`Gateway`](crate::Gateway) with a larger buffer can
    /// read it: call [`query_incoming_sms`](crate::Gateway::query_incoming_sms) with a request for messages after the previous id.
    TooLong {
        /// The size of a record buffer that suffices, in bytes: see [`Builder::record_buffer`](crate::Builder::record_buffer).
        needed: usize,
    },
}

/// The position of a message in the order in which messages were handed out.
struct Receipt {
    position: u64,
    shared: Arc<Shared>,
}

impl Incoming {
    /// Acknowledges the message, so that it is not handed out again. The acknowledgement takes effect when all messages that were
    /// handed out before this one are acknowledged too. The messenger stores the acknowledgement with its next change. Without a durable
    /// [store](super::Builder::store), the acknowledgement lasts only until the messenger ends.
    pub fn acknowledge(self) {
        let Receipt { position, shared } = self.receipt;
        shared.acknowledge(|acknowledged| acknowledged.incoming.push(position));
    }

    /// Returns the message as the type of `core`, which can be serialized and shown.
    const fn borrowed(&self) -> client::Incoming<'_> {
        client::Incoming {
            mark: self.mark,
            port: self.port,
            number: Text::Exact(self.number.as_str()),
            smsc: Text::Exact(self.smsc.as_str()),
            time: self.time,
            text: match self.flaw {
                Some(Flaw::TooLong { needed }) => Text::TooLong { needed },
                _ => Text::Exact(self.text.as_str()),
            },
            imsi: if self.imsi.is_empty() { Text::Missing } else { Text::Exact(self.imsi.as_str()) },
        }
    }

    fn new(sms: &IncomingSms<'_>, mark: InboxMark, receipt: Receipt) -> Self {
        let flaw = match sms.text {
            Text::Lossy(_) => Some(Flaw::Lossy),
            Text::TooLong { needed } => Some(Flaw::TooLong { needed }),
            _ => None,
        };
        Self {
            mark,
            port: sms.port.get(),
            number: sms.number.as_str().to_owned(),
            smsc: sms.smsc.as_str().to_owned(),
            time: sms.timestamp.get(),
            text: sms.text.as_str().to_owned(),
            imsi: sms.imsi.as_str().to_owned(),
            flaw,
            receipt,
        }
    }
}

impl Serialize for Incoming {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.borrowed().serialize(serializer)
    }
}

/// Shows neither the number nor the text, which do not belong in logs.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrowed().fmt(f)
    }
}

/// Receives incoming messages, in order. It is a [`Stream`](futures_core::Stream) too.
///
/// [`Builder::unacknowledged`](super::Builder::unacknowledged) limits the number of messages that are handed out but not
/// acknowledged. At that limit, no more messages are queried until the oldest unacknowledged one is acknowledged. Dropping
/// the inbox also ends the queries. Messages that were not acknowledged are handed out again after a restart.
pub type Inbox = Receiver<Incoming>;

/// The task's side of the inbox: the messages that were handed out, from the first unacknowledged one.
pub(super) struct InboxSender {
    messages: mpsc::Sender<Incoming>,
    /// The maximum number of messages.
    capacity: usize,
    /// The position of the first message in `open`.
    first: u64,
    /// The mark of each message, and whether the message is acknowledged.
    open: VecDeque<(InboxMark, bool)>,
}

impl InboxSender {
    /// Returns both sides, for at most `capacity` messages.
    pub(super) fn new(capacity: usize) -> (Self, Inbox) {
        let (messages, receiver) = mpsc::channel(capacity);
        (Self { messages, capacity, first: 0, open: VecDeque::new() }, Receiver(receiver))
    }

    /// Whether another message can be handed out.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() < self.capacity && !self.messages.is_closed()
    }

    /// Hands out a message.
    pub(super) fn send(&mut self, sms: &IncomingSms<'_>, mark: InboxMark, shared: &Arc<Shared>) {
        let position = self.first + self.open.len() as u64;
        self.open.push_back((mark, false));
        let receipt = Receipt { position, shared: Arc::clone(shared) };
        if self.messages.try_send(Incoming::new(sms, mark, receipt)).is_err() {
            tracing::debug!("an incoming message has no receiver");
        }
    }

    /// Records acknowledgements, and removes the messages before the first unacknowledged one. Returns the mark of the last removed
    /// message; `None` if no message was removed.
    pub(super) fn acknowledged(&mut self, positions: &[u64]) -> Option<InboxMark> {
        for position in positions {
            let index = position.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            if let Some((_, acknowledged)) = index.and_then(|index| self.open.get_mut(index)) {
                *acknowledged = true;
            }
        }
        let mut last = None;
        while let Some((mark, true)) = self.open.front() {
            last = Some(*mark);
            self.first += 1;
            self.open.pop_front();
        }
        last
    }
}
