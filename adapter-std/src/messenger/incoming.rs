//! Messages that come in.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use sms_gateway_core::{Timestamp, call::IncomingSms, json::Text, track::InboxMark};
use tokio::sync::mpsc;

use super::link::Shared;

/// A message that came in. It comes again after a restart until it is [acknowledged](Self::acknowledge).
///
/// It may also come again, with another id, when the gateway numbers its messages anew
/// ([`Event::InboxRestarted`](super::Event::InboxRestarted)); the hash of its mark then is the same as before.
#[derive(Debug)]
#[must_use = "a message keeps its place until it is acknowledged"]
#[non_exhaustive]
pub struct Incoming {
    /// The gateway's id of it, and a hash that stays the same when ids begin anew.
    pub mark: InboxMark,
    /// The port that received it.
    pub port: Option<u32>,
    /// The sender: a number, or letters.
    pub number: String,
    /// The number of the SMSC.
    pub smsc: String,
    /// When it came in, by the gateway's clock.
    pub time: Option<Timestamp>,
    /// The text; empty when it was too long.
    pub text: String,
    /// What is wrong with the text.
    pub flaw: Option<Flaw>,
    receipt: Receipt,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It has U+FFFD in place of what was unreadable, or a stray backslash.
    Lossy,
    /// It is missing, since it did not find room in the record buffer. It can be fetched with
    /// [`query_incoming_sms`](crate::Gateway::query_incoming_sms) after the id before it, by a gateway with a larger one.
    TooLong {
        /// The size that would do, in bytes: see [`Builder::record_buffer`](crate::Builder::record_buffer).
        needed: usize,
    },
}

impl Incoming {
    /// The caller has taken note of the message: it does not come again. That holds once those that were handed out before it
    /// are acknowledged too, and what the messenger stores next is stored. Without a [store](super::Builder::store) that lasts
    /// it holds until the messenger ends.
    pub fn acknowledge(self) {
        let place = self.receipt.place;
        self.receipt.shared.acknowledge(|acknowledged| acknowledged.incoming.push(place));
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
            flaw,
            receipt,
        }
    }
}

struct Receipt {
    place: u64,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.place.fmt(f)
    }
}

/// Receives messages that come in, in their order. It is a [`Stream`], too.
///
/// So many as [`Builder::unacknowledged`](super::Builder::unacknowledged) says are handed out and not acknowledged at most; then no more
/// are fetched until one is. Dropping it ends that as well, and what was not acknowledged comes again after a restart.
#[derive(Debug)]
pub struct Inbox {
    messages: mpsc::Receiver<Incoming>,
}

impl Inbox {
    /// Waits for the next message; `None` when the messenger has ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.messages.recv().await
    }
}

impl Stream for Inbox {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.messages.poll_recv(context)
    }
}

/// The task's side: the messages that were handed out and are not acknowledged.
pub(super) struct InboxSender {
    messages: mpsc::Sender<Incoming>,
    /// The maximum number of messages.
    capacity: usize,
    /// The place of the first one, in the order in which they were handed out.
    first: u64,
    /// Each mark, and whether it is acknowledged.
    open: VecDeque<(InboxMark, bool)>,
}

impl InboxSender {
    /// Both sides, for at most `capacity` messages.
    pub(super) fn new(capacity: usize) -> (Self, Inbox) {
        // One more, for a page that began when there was no room.
        let (sender, messages) = mpsc::channel(capacity.saturating_add(1));
        let inbox = Self { messages: sender, capacity, first: 0, open: VecDeque::new() };
        (inbox, Inbox { messages })
    }

    /// Whether another message can be handed out.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() < self.capacity && !self.messages.is_closed()
    }

    /// Hands out a message.
    pub(super) fn hand_out(&mut self, sms: &IncomingSms<'_>, mark: InboxMark, shared: &Arc<Shared>) {
        let place = self.first + self.open.len() as u64;
        self.open.push_back((mark, false));
        let message = Incoming::new(sms, mark, Receipt { place, shared: Arc::clone(shared) });
        if self.messages.try_send(message).is_err() {
            tracing::debug!("a message that arrived finds no receiver");
        }
    }

    /// Takes acknowledgements; the mark up to which all are.
    pub(super) fn acknowledged(&mut self, places: &[u64]) -> Option<InboxMark> {
        for place in places {
            let place = place.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
            if let Some((_, acknowledged)) = place.and_then(|place| self.open.get_mut(place)) {
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
