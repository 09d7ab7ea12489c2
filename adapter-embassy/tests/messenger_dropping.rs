//! A messenger whose futures, or which itself, is dropped at each of its polls.

#![allow(missing_docs)]

mod common;

use common::{
    disk::Disk,
    gateway,
    mock::{Mock, NetworkProfile},
    sending_gateway::{Message as Sent, SendingGateway},
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

/// How many messages are sent. Every second one may be sent again.
const MESSAGES: usize = 2;
const INCOMING: [&str; 2] = ["first", "second"];
/// Longer than anything is waited for here.
const SILENCE: Duration = Duration::from_secs(200);

/// Requests and answers come in pieces, and each takes a moment.
const PROFILE: NetworkProfile = NetworkProfile { piece: 40, waits: true, ..NetworkProfile::CLEAR };

/// Drops what is polled once it was polled so often.
struct Polls {
    left: Cell<usize>,
    /// How often that happens, and how many polls it takes from one time to the next.
    drops: Cell<usize>,
    again: usize,
}

impl Polls {
    fn without_end() -> Self {
        Self::new(0, 0, 0)
    }

    fn new(left: usize, drops: usize, again: usize) -> Self {
        Self { left: Cell::new(left), drops: Cell::new(drops), again }
    }

    /// Whether it is the last poll, or was.
    fn are_over(&self) -> bool {
        let are_over = self.drops.get() > 0 && self.left.get() == 0;
        if are_over {
            self.drops.update(|drops| drops - 1);
            self.left.set(self.again);
        }
        are_over
    }

    /// Awaits; `None`: the future was dropped.
    async fn wait<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if self.are_over() {
                return Poll::Ready(None);
            }
            self.left.update(|left| left.saturating_sub(1));
            match future.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.are_over() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// What the caller knows, which outlives messengers.
#[derive(Default)]
struct Caller {
    attempts: usize,
    /// The messages that were taken, their texts, and whether they may be sent again.
    taken: BTreeMap<UserId, (String, bool)>,
    /// How often each end was told, and what it was.
    ended: BTreeMap<UserId, (usize, State)>,
    came: Vec<(String, InboxMark)>,
}

/// What is to be acknowledged.
enum Noted {
    News(Message),
    Incoming(InboxMark),
}

impl Caller {
    fn has_all(&self) -> bool {
        self.taken.keys().all(|id| self.ended.contains_key(id)) && self.came.len() >= INCOMING.len()
    }

    fn note<E: Debug>(&mut self, event: &Event<'_, E>) -> Noted {
        match event {
            Event::Update(message) => {
                if message.is_final {
                    let (count, state) = self.ended.entry(message.id).or_insert((0, message.state));
                    assert_eq!(*state, message.state, "it ends one way");
                    *count += 1;
                }
                Noted::News(*message)
            }
            Event::Incoming(sms) => {
                self.came.push((sms.text.as_str().to_owned(), sms.mark));
                Noted::Incoming(sms.mark)
            }
            other => panic!("{other:?}"),
        }
    }
}

type Client<S> = Messenger<'static, 'static, Mock, S>;

/// A messenger over a connection of its own.
fn start<S: Store>(gateway_device: &SendingGateway, store: S) -> Client<S> {
    let buffers = MessengerBuffers {
        slots: vec![Slot::EMPTY; 6].leak(),
        pending_reports: vec![PendingReport::EMPTY; 4].leak(),
        texts: vec![0; 200].leak(),
        incoming: vec![0; 100].leak(),
    };
    let settings = Settings { incoming: true, first_block: 3, ..Settings::default() };
    Messenger::new(gateway(Mock::new(gateway_device.clone(), PROFILE), "box"), store, buffers, settings)
}

/// Sends all messages, and works until each is at its end and what came in was told. Dropped futures are made anew.
async fn work<S: Store>(messenger: &mut Client<S>, caller: &mut Caller, polls: &Polls) {
    while caller.taken.len() < MESSAGES {
        // A number and a text of its own.
        let (number, text) = (format!("1380000{:04}", caller.attempts), format!("text {}", caller.attempts));
        let may_be_repeated = caller.taken.len() % 2 == 1;
        caller.attempts += 1;
        let sms = Sms::new(&number, &text).unwrap().resend(may_be_repeated);
        if let Some(taken) = polls.wait(messenger.send(&sms)).await {
            caller.taken.insert(taken.unwrap(), (text, may_be_repeated));
        }
    }
    for turn in 0.. {
        if caller.has_all() {
            return;
        }
        let noted = if turn % 2 == 0 {
            polls.wait(messenger.next()).await.map(|event| caller.note(&event.unwrap()))
        } else {
            match polls.wait(messenger.next_or(sleep(Duration::from_secs(3)))).await.map(Result::unwrap) {
                Some(Either::First(event)) => Some(caller.note(&event)),
                Some(Either::Second(())) | None => None,
            }
        };
        if let Some(noted) = noted {
            acknowledge(messenger, &noted);
        }
    }
}

fn acknowledge<S: Store>(messenger: &mut Client<S>, noted: &Noted) {
    match noted {
        Noted::News(message) => messenger.acknowledge(message),
        Noted::Incoming(mark) => messenger.acknowledge_incoming(*mark),
    }
}

/// Takes what is still told, until nothing is for long.
async fn listen<S: Store>(messenger: &mut Client<S>, caller: &mut Caller) {
    messenger.gateway().transport().set_road(|profile| *profile = NetworkProfile::default());
    while let Either::First(event) = messenger.next_or(sleep(SILENCE)).await.unwrap() {
        let noted = caller.note(&event);
        acknowledge(messenger, &noted);
    }
}

fn gateway_device() -> SendingGateway {
    let gateway_device = SendingGateway::default();
    gateway_device.0.borrow_mut().incoming = INCOMING.map(str::to_owned).to_vec();
    gateway_device
}

/// Nothing was lost, nothing sent twice, and nothing told more often than so many times more than once. Of messages that were not taken
/// the device sent no more than as many.
fn assert_whole(gateway_device: &SendingGateway, caller: &Caller, more: usize, context: &str) {
    let sent = &gateway_device.0.borrow().sent;
    for (id, (text, may_be_repeated)) in &caller.taken {
        let (times, expected) = match caller.ended.get(id) {
            Some((times, State::Delivered)) => (*times, 1),
            // Its submission was broken off.
            Some((times, State::Unresolved)) if !may_be_repeated => (*times, 0),
            other => panic!("{context}: {text} ended {other:?}"),
        };
        assert!((1..=1 + more).contains(&times), "{context}: the end of {text} was told {times} times");
        let count = sent.iter().filter(|message| message.text == *text).count();
        assert_eq!(count, expected, "{context}: {text} in {sent:?}");
    }
    let is_other = |message: &&Sent| !caller.taken.values().any(|(text, _)| *text == message.text);
    assert!(sent.iter().filter(is_other).count() <= more, "{context}: {sent:?}");
    assert!(caller.came.len() <= INCOMING.len() + more, "{context}: {:?}", caller.came);
    let mut came = caller.came.clone();
    came.dedup();
    assert!(came.iter().map(|(text, _)| text).eq(INCOMING), "{context}: {came:?}");
}

/// Drops what a messenger does at each of its polls, and then so many times more after as many each.
async fn dropped_everywhere<S: Store>(drops: usize, again: usize, store: impl Fn() -> S) {
    for left in 0.. {
        let (gateway_device, mut caller, polls) =
            (gateway_device(), Caller::default(), Polls::new(left, drops, again));
        let mut messenger = start(&gateway_device, store());
        work(&mut messenger, &mut caller, &polls).await;
        let is_whole = polls.drops.get() == drops;
        listen(&mut messenger, &mut caller).await;
        let context = format!("{drops} dropped after {left} and {again} polls");
        assert_whole(&gateway_device, &caller, 0, &context);
        let is_taken = |id: u32| UserId::new(id.into()).is_ok_and(|id| caller.taken.contains_key(&id));
        let (_, mut store) = messenger.into_parts();
        let of_known = &mut |key, _: &[u8]| {
            let (Key::Record(id) | Key::Text(id)) = key;
            // Others of the tracker's are beyond all user_ids.
            assert!(is_taken(id) || id >= 1 << 31, "{context}: {key:?}");
        };
        store.restore(of_known).await.unwrap();
        if is_whole {
            assert!(left > 120, "{left} polls");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn futures_that_are_dropped_at_any_poll_leave_a_messenger_of_use() {
    for (drops, again) in [(1, 0), (4, 1), (3, 17)] {
        dropped_everywhere(drops, again, Disk::default).await;
    }
}

/// What is dropped at each poll of a messenger.
#[derive(Clone, Copy)]
enum First {
    /// The messenger.
    Whole,
    /// What it does.
    Future,
}

/// Drops a messenger, or what it does, at each of its polls, and after so many more the messenger; another one goes on.
async fn restarted_everywhere<S: Store>(first: First, again: usize, store: impl Fn() -> Box<dyn Fn() -> S>) {
    for left in 0.. {
        let (gateway_device, mut caller, store) = (gateway_device(), Caller::default(), store());
        let (inner, outer) = match first {
            First::Whole => (Polls::without_end(), Polls::new(left, 2, again)),
            First::Future => (Polls::new(left, 1, 0), Polls::new(left + again, 1, 0)),
        };
        let drops = outer.drops.get();
        let mut is_whole = false;
        while outer.drops.get() > 0 && !is_whole {
            let life = Box::pin(async {
                let mut messenger = start(&gateway_device, store());
                work(&mut messenger, &mut caller, &inner).await;
            });
            is_whole = outer.wait(life).await.is_some();
        }
        let mut messenger = start(&gateway_device, store());
        work(&mut messenger, &mut caller, &Polls::without_end()).await;
        listen(&mut messenger, &mut caller).await;
        assert_whole(&gateway_device, &caller, drops, &format!("dropped after {left} and {again} polls"));
        if outer.drops.get() == drops {
            assert!(left > 100, "{left} polls");
            return;
        }
    }
}

fn disk() -> Box<dyn Fn() -> Disk> {
    let disk = Disk::default();
    Box::new(move || disk.clone())
}

#[tokio::test(start_paused = true)]
async fn messengers_that_are_dropped_at_any_poll_go_on_from_their_store() {
    for again in [3, 40] {
        restarted_everywhere(First::Whole, again, disk).await;
    }
}

#[tokio::test(start_paused = true)]
async fn messengers_store_what_a_dropped_future_has_not() {
    for again in [1, 3, 8] {
        restarted_everywhere(First::Future, again, disk).await;
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
    async fn futures_that_are_dropped_at_any_poll_leave_a_messenger_of_use() {
        dropped_everywhere(1, 0, || store(&Flash::new(PAGES))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn messengers_that_are_dropped_at_any_poll_go_on_from_their_flash() {
        for (first, again) in [(First::Whole, 40), (First::Future, 6)] {
            restarted_everywhere(first, again, || {
                let flash = Flash::new(PAGES);
                Box::new(move || store(&flash))
            })
            .await;
        }
    }
}
