//! Messengers and their futures are dropped at each of their polls.

#![allow(missing_docs)]

mod common;

use common::{
    disk::Disk,
    gateway,
    mock::{Mock, NetworkProfile},
    sending_gateway::{SendingGateway, SentMessage},
};
use sms_gateway_embassy::{
    Either, Event, Messenger, MessengerBuffers, Sms, Store,
    core::{
        UserId,
        track::{InboxMark, Message, PendingReport, Settings, Slot, State},
    },
    store::Key,
};
use std::{
    cell::Cell, collections::BTreeMap, fmt::Debug, future::poll_fn, pin::pin, task::Poll, time::Duration,
};
use tokio::time::sleep;

/// The number of messages to send. Every second message may be sent again.
const MESSAGES: usize = 2;
const INCOMING: [&str; 2] = ["first", "second"];
/// A time longer than every wait here.
const QUIET_TIME: Duration = Duration::from_secs(200);

/// Requests and responses arrive in pieces, and each piece is pending once.
const PROFILE: NetworkProfile = NetworkProfile { piece: 40, waits: true, ..NetworkProfile::CLEAR };

/// Limits the polls of futures. A future that reaches the limit is dropped.
struct PollLimit {
    /// The number of polls until the next drop.
    polls_left: Cell<usize>,
    /// The number of remaining drops.
    drops_left: Cell<usize>,
    /// The number of polls between two drops.
    polls_between: usize,
}

impl PollLimit {
    fn unlimited() -> Self {
        Self::new(0, 0, 0)
    }

    fn new(polls: usize, drops: usize, polls_between: usize) -> Self {
        Self { polls_left: Cell::new(polls), drops_left: Cell::new(drops), polls_between }
    }

    /// Whether the future is dropped now. If so, the count of polls begins again.
    fn is_reached(&self) -> bool {
        let is_reached = self.drops_left.get() > 0 && self.polls_left.get() == 0;
        if is_reached {
            self.drops_left.update(|drops| drops - 1);
            self.polls_left.set(self.polls_between);
        }
        is_reached
    }

    /// Awaits a future; `None` if it is dropped.
    async fn apply<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if self.is_reached() {
                return Poll::Ready(None);
            }
            self.polls_left.update(|polls| polls.saturating_sub(1));
            match future.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.is_reached() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// The caller's knowledge of its messages. It outlives messengers.
#[derive(Default)]
struct Caller {
    attempts: usize,
    /// The messages that were accepted, with their texts and whether they may be sent again.
    accepted: BTreeMap<UserId, (String, bool)>,
    /// For each message, how often its final state was reported, and that state.
    finals: BTreeMap<UserId, (usize, State)>,
    received: Vec<(String, InboxMark)>,
}

/// An event that the caller acknowledges.
enum Unacknowledged {
    Update(Message),
    Incoming(InboxMark),
}

impl Caller {
    fn has_all(&self) -> bool {
        self.accepted.keys().all(|id| self.finals.contains_key(id)) && self.received.len() >= INCOMING.len()
    }

    fn note<E: Debug>(&mut self, event: &Event<'_, E>) -> Unacknowledged {
        match event {
            Event::Update(message) => {
                if message.is_final {
                    let (count, state) = self.finals.entry(message.id).or_insert((0, message.state));
                    assert_eq!(*state, message.state, "the final state is the same each time");
                    *count += 1;
                }
                Unacknowledged::Update(*message)
            }
            Event::Incoming(sms) => {
                self.received.push((sms.text.as_str().to_owned(), sms.mark));
                Unacknowledged::Incoming(sms.mark)
            }
            other => panic!("{other:?}"),
        }
    }
}

type Client<S> = Messenger<'static, 'static, Mock, S>;

/// A messenger with its own connection.
fn messenger<S: Store>(device: &SendingGateway, store: S) -> Client<S> {
    let buffers = MessengerBuffers {
        slots: vec![Slot::EMPTY; 6].leak(),
        pending_reports: vec![PendingReport::EMPTY; 4].leak(),
        texts: vec![0; 200].leak(),
        incoming: vec![0; 100].leak(),
    };
    let settings = Settings { incoming: true, exclusive: true, first_block: 3, ..Settings::default() };
    Messenger::new(gateway(Mock::new(device.clone(), PROFILE), "box"), store, buffers, settings)
}

/// Sends all messages, and runs the messenger until each is final and all incoming messages were reported. Dropped futures are replaced.
async fn work<S: Store>(messenger: &mut Client<S>, caller: &mut Caller, limit: &PollLimit) {
    while caller.accepted.len() < MESSAGES {
        // Each message has its own number and text.
        let (number, text) = (format!("1380000{:04}", caller.attempts), format!("text {}", caller.attempts));
        let may_be_resent = caller.accepted.len() % 2 == 1;
        caller.attempts += 1;
        let sms = Sms::new(&number, &text).unwrap().resend(may_be_resent);
        if let Some(id) = limit.apply(messenger.send(&sms)).await {
            caller.accepted.insert(id.unwrap(), (text, may_be_resent));
        }
    }
    for turn in 0.. {
        if caller.has_all() {
            return;
        }
        let event = if turn % 2 == 0 {
            limit.apply(messenger.next()).await.map(|event| caller.note(&event.unwrap()))
        } else {
            match limit.apply(messenger.next_or(sleep(Duration::from_secs(3)))).await.map(Result::unwrap) {
                Some(Either::First(event)) => Some(caller.note(&event)),
                Some(Either::Second(())) | None => None,
            }
        };
        if let Some(event) = event {
            acknowledge(messenger, &event);
        }
    }
}

fn acknowledge<S: Store>(messenger: &mut Client<S>, event: &Unacknowledged) {
    match event {
        Unacknowledged::Update(message) => messenger.acknowledge(message),
        Unacknowledged::Incoming(mark) => messenger.acknowledge_incoming(*mark),
    }
}

/// Takes the remaining events, until none arrives for a long time.
async fn drain<S: Store>(messenger: &mut Client<S>, caller: &mut Caller) {
    messenger.gateway().transport().set_profile(|profile| *profile = NetworkProfile::default());
    while let Either::First(event) = messenger.next_or(sleep(QUIET_TIME)).await.unwrap() {
        let event = caller.note(&event);
        acknowledge(messenger, &event);
    }
}

fn device() -> SendingGateway {
    let device = SendingGateway::default();
    device.0.borrow_mut().incoming = INCOMING.map(str::to_owned).to_vec();
    device
}

/// Checks that no message was lost or sent twice. Each final state and each incoming message is reported at least once, and again at most
/// `repeats` times. The device sent at most `repeats` messages whose `send` was dropped before it returned.
fn assert_complete(device: &SendingGateway, caller: &Caller, repeats: usize, context: &str) {
    let sent = &device.0.borrow().sent;
    for (id, (text, may_be_resent)) in &caller.accepted {
        let (times, expected) = match caller.finals.get(id) {
            Some((times, State::Delivered)) => (*times, 1),
            // The submission was dropped before its request was sent.
            Some((times, State::Unresolved)) if !may_be_resent => (*times, 0),
            other => panic!("{context}: {text} ended {other:?}"),
        };
        assert!(
            (1..=1 + repeats).contains(&times),
            "{context}: the final state of {text} was reported {times} times"
        );
        let count = sent.iter().filter(|message| message.text == *text).count();
        assert_eq!(count, expected, "{context}: {text} in {sent:?}");
    }
    let is_other = |message: &&SentMessage| !caller.accepted.values().any(|(text, _)| *text == message.text);
    assert!(sent.iter().filter(is_other).count() <= repeats, "{context}: {sent:?}");
    assert!(caller.received.len() <= INCOMING.len() + repeats, "{context}: {:?}", caller.received);
    let mut received = caller.received.clone();
    received.dedup();
    assert!(received.iter().map(|(text, _)| text).eq(INCOMING), "{context}: {received:?}");
}

/// Drops a future of a messenger, at each poll in turn. Then drops `drops - 1` more futures, each after `polls_between` polls.
async fn drop_futures_at_each_poll<S: Store>(drops: usize, polls_between: usize, store: impl Fn() -> S) {
    for polls in 0.. {
        let (device, mut caller) = (device(), Caller::default());
        let limit = PollLimit::new(polls, drops, polls_between);
        let mut messenger = messenger(&device, store());
        work(&mut messenger, &mut caller, &limit).await;
        let is_complete = limit.drops_left.get() == drops;
        drain(&mut messenger, &mut caller).await;
        let context = format!("{drops} dropped after {polls} and {polls_between} polls");
        assert_complete(&device, &caller, 0, &context);
        let is_accepted = |id: u32| UserId::new(id.into()).is_ok_and(|id| caller.accepted.contains_key(&id));
        let (_, mut store) = messenger.into_parts();
        let check = &mut |key, _: &[u8]| {
            let (Key::Record(id) | Key::Text(id)) = key;
            // The tracker's own records have keys above all user_ids.
            assert!(is_accepted(id) || id >= 1 << 31, "{context}: {key:?}");
        };
        store.restore(check).await.unwrap();
        if is_complete {
            assert!(polls > 120, "{polls} polls");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_message_is_lost_or_repeated_if_futures_are_dropped_at_any_poll() {
    for (drops, polls_between) in [(1, 0), (4, 1), (3, 17)] {
        drop_futures_at_each_poll(drops, polls_between, Disk::default).await;
    }
}

/// The object that is dropped first.
#[derive(Clone, Copy)]
enum DroppedFirst {
    /// The messenger.
    Messenger,
    /// A future of the messenger.
    Future,
}

/// Drops a messenger or its future, at each poll in turn. After `polls_between` more polls, drops the messenger (again). Another messenger
/// continues from the same store.
async fn restart_at_each_poll<S: Store>(
    first: DroppedFirst,
    polls_between: usize,
    store: impl Fn() -> Box<dyn Fn() -> S>,
) {
    for polls in 0.. {
        let (device, mut caller, store) = (device(), Caller::default(), store());
        let (future_limit, messenger_limit) = match first {
            DroppedFirst::Messenger => (PollLimit::unlimited(), PollLimit::new(polls, 2, polls_between)),
            DroppedFirst::Future => {
                (PollLimit::new(polls, 1, 0), PollLimit::new(polls + polls_between, 1, 0))
            }
        };
        let drops = messenger_limit.drops_left.get();
        let mut is_complete = false;
        while messenger_limit.drops_left.get() > 0 && !is_complete {
            let work_of_one = Box::pin(async {
                let mut messenger = messenger(&device, store());
                work(&mut messenger, &mut caller, &future_limit).await;
            });
            is_complete = messenger_limit.apply(work_of_one).await.is_some();
        }
        let mut messenger = messenger(&device, store());
        work(&mut messenger, &mut caller, &PollLimit::unlimited()).await;
        drain(&mut messenger, &mut caller).await;
        let context = format!("dropped after {polls} and {polls_between} polls");
        assert_complete(&device, &caller, drops, &context);
        if messenger_limit.drops_left.get() == drops {
            assert!(polls > 100, "{polls} polls");
            return;
        }
    }
}

fn disk() -> Box<dyn Fn() -> Disk> {
    let disk = Disk::default();
    Box::new(move || disk.clone())
}

#[tokio::test(start_paused = true)]
async fn a_messenger_dropped_at_any_poll_is_continued_from_its_store() {
    for polls_between in [3, 40] {
        restart_at_each_poll(DroppedFirst::Messenger, polls_between, disk).await;
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_a_dropped_future_did_not_store_are_stored_later() {
    for polls_between in [1, 3, 8] {
        restart_at_each_poll(DroppedFirst::Future, polls_between, disk).await;
    }
}

#[cfg(feature = "flash")]
mod over_flash {
    use super::*;
    use crate::common::flash::{Flash, PAGE};
    use sms_gateway_embassy::store::FlashStore;

    const PAGES: usize = 8;

    fn store(flash: &Flash) -> FlashStore<'static, Flash> {
        let range = 0..u32::try_from(PAGES * PAGE).unwrap();
        let (table, batch, work) = (vec![None; 20].leak(), vec![0; 900].leak(), vec![0; 908].leak());
        FlashStore::new(flash.clone(), range, table, batch, work).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn no_message_is_lost_or_repeated_if_futures_are_dropped_at_any_poll() {
        drop_futures_at_each_poll(1, 0, || store(&Flash::new(PAGES))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_messenger_dropped_at_any_poll_is_continued_from_its_flash() {
        for (first, polls_between) in [(DroppedFirst::Messenger, 40), (DroppedFirst::Future, 6)] {
            restart_at_each_poll(first, polls_between, || {
                let flash = Flash::new(PAGES);
                Box::new(move || store(&flash))
            })
            .await;
        }
    }
}
