//! What is no news of a message.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use sms_gateway_core::track::Report;
use tokio::sync::mpsc;

use super::link::Shared;

/// What is no news of a message. It is told once at most, and not again after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A status report that belongs to no message here, such as one of another client's.
    Unmatched(Report),
    /// A status report that may be of one of several messages; those are marked as
    /// [ambiguous](sms_gateway_core::track::Message::ambiguous), and it decides nothing.
    Ambiguous(Report),
    /// The gateway numbers its incoming messages anew, so that some may be handed out again.
    InboxRestarted,
    /// The store held this many torn records at the start. They were skipped, and the messages that they belong to are
    /// unknown.
    RecordsSkipped(u32),
    /// So many events were dropped, since the receiver was full.
    Missed(u64),
}

/// Receives [`Event`]s. It is a [`Stream`], too.
///
/// It holds so many as [`Builder::events`](super::Builder::events) says. More are dropped and counted, since they must not hold
/// up messages.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// Waits for the next event; `None` when the messenger has ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(context)
    }
}

/// The task's side.
pub(super) struct Announcer {
    events: mpsc::Sender<Event>,
    missed: u64,
    shared: Arc<Shared>,
}

impl Announcer {
    /// Both sides, for so many events.
    pub(super) fn new(most: usize, shared: Arc<Shared>) -> (Self, Events) {
        let (sender, events) = mpsc::channel(most.max(2));
        (Self { events: sender, missed: 0, shared }, Events { events })
    }

    pub(super) fn announce(&mut self, event: Event) {
        if !self.shared.are_events_taken() || self.events.is_closed() {
            tracing::debug!(kind = event.kind(), "an event that nobody receives");
            return;
        }
        // First what was missed, so that there must be room for two.
        if self.missed > 0
            && self.events.capacity() > 1
            && self.events.try_send(Event::Missed(self.missed)).is_ok()
        {
            self.missed = 0;
        }
        if self.missed > 0 || self.events.try_send(event).is_err() {
            self.missed += 1;
        }
    }
}

impl Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::Unmatched(_) => "unmatched status report",
            Self::Ambiguous(_) => "ambiguous status report",
            Self::InboxRestarted => "inbox restarted",
            Self::RecordsSkipped(_) => "records skipped",
            Self::Missed(_) => "missed",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_counted() {
        let shared = Arc::new(Shared::default());
        let (mut announcer, mut events) = Announcer::new(2, Arc::clone(&shared));
        // Nobody wants them yet.
        announcer.announce(Event::InboxRestarted);
        shared.events_taken.store(true, Ordering::Relaxed);
        for _ in 0..5 {
            announcer.announce(Event::InboxRestarted);
        }
        for _ in 0..2 {
            assert_eq!(events.next().await, Some(Event::InboxRestarted));
        }
        announcer.announce(Event::InboxRestarted);
        assert_eq!(events.next().await, Some(Event::Missed(3)));
        assert_eq!(events.next().await, Some(Event::InboxRestarted));
        drop(announcer);
        assert_eq!(events.next().await, None);
    }
}
