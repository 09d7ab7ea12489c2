//! Messages followed to their end against the emulator, over real sockets, with a clock that is moved by hand.

#![allow(missing_docs)]

mod common;

use common::{
    device,
    disk::Disk,
    drive, gateway,
    mock::{Device, Mock, Reply, Then},
    mocked,
    sending_gateway::SendingGateway,
    stop_the_clock,
    tcp::Tcp,
};
use gateway_emulator::{Emulator, Options};
use sms_gateway_embassy::{
    Either, Event, Messenger, MessengerBuffers, RamStore, SendError, Sms, Store,
    core::{
        UserId,
        json::Text,
        track::{Message, PendingReport, Settings, Slot, State, StopResult},
    },
    store::{Key, Write},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::ready,
};

fn buffers() -> MessengerBuffers<'static> {
    MessengerBuffers {
        slots: vec![Slot::EMPTY; 8].leak(),
        pending_reports: vec![PendingReport::EMPTY; 4].leak(),
        texts: vec![0; 1500].leak(),
        incoming: vec![0; 512].leak(),
    }
}

const SETTINGS: fn() -> Settings = || Settings { incoming: true, first_block: 3, ..Settings::default() };

fn begin<S: Store>(emulator: &Emulator, store: S) -> Messenger<'static, 'static, Tcp, S> {
    let gateway = gateway(Tcp::new(emulator.addr()), "box");
    Messenger::new(gateway, store, buffers(), SETTINGS())
}

async fn emulator() -> Emulator {
    Emulator::start(Options::default()).await.unwrap()
}

/// Works until all these messages are at their end; each end, and the texts that came in.
async fn follow<S: Store>(
    messenger: &mut Messenger<'_, '_, Tcp, S>,
    ids: &[UserId],
    incoming: usize,
) -> (BTreeMap<u32, Message>, Vec<String>) {
    let (mut ends, mut texts) = (BTreeMap::new(), Vec::new());
    while ids.iter().any(|id| !ends.contains_key(&id.get())) || texts.len() < incoming {
        match messenger.next().await.map_err(|_| "the store").unwrap() {
            Event::Update(message) => {
                if message.is_final {
                    ends.insert(message.id.get(), message);
                }
                messenger.acknowledge(&message);
            }
            Event::Incoming(sms) => {
                let mark = sms.mark;
                texts.push(format!("{}: {}", sms.number, sms.text.as_str()));
                messenger.acknowledge_incoming(mark);
            }
            other => panic!("{other:?}"),
        }
    }
    (ends, texts)
}

#[tokio::test]
async fn a_messenger_that_ends_anywhere_loses_nothing_and_sends_nothing_twice() {
    for life in 1..26 {
        let (emulator, disk) = (emulator().await, Disk::default());
        let _clock = stop_the_clock();
        emulator.receive_sms(0, "10000", "first");
        emulator.receive_sms(0, "10000", "second");
        let (mut wanted, mut ended, mut came) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut lives = 0;
        while ended.len() < 3 || came.len() < 2 {
            lives += 1;
            assert!(lives < 60, "with lives of {life}: {ended:?} of {wanted:?}, {came:?}");
            let scene = async {
                let mut messenger = begin(&emulator, disk.clone());
                while wanted.len() < 3 {
                    wanted.insert(messenger.send(&Sms::new("10086", "Hello").unwrap()).await.unwrap().get());
                }
                loop {
                    match messenger.next().await.unwrap() {
                        Event::Update(message) => {
                            if message.is_final {
                                assert_eq!(message.state, State::Delivered);
                                ended.insert(message.id.get());
                            }
                            messenger.acknowledge(&message);
                        }
                        Event::Incoming(sms) => {
                            let (mark, text) = (sms.mark, sms.text.as_str().to_owned());
                            if !came.contains(&text) {
                                came.push(text);
                            }
                            messenger.acknowledge_incoming(mark);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            };
            // Each life is longer, as each has to get on.
            let _: Option<()> = drive(scene, life + lives).await;
        }
        assert_eq!(emulator.messages().len(), wanted.len(), "with lives of {life}");
        assert_eq!(came, ["first", "second"]);
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_sent_and_goes_on_when_it_can() {
    let (emulator, disk) = (emulator().await, Disk::default());
    let _clock = stop_the_clock();
    let scene = async {
        let mut messenger = begin(&emulator, disk.clone());
        let sms = Sms::new("10086", "Hello").unwrap();
        *disk.is_full.borrow_mut() = true;
        assert_eq!(messenger.send(&sms).await, Err(SendError::Store(().into())));
        assert!(messenger.next().await.is_err());
        *disk.is_full.borrow_mut() = false;
        let id = messenger.send(&sms).await.unwrap();
        follow(&mut messenger, &[id], 0).await;
    };
    drive(scene, 600).await.expect("an end");
    assert_eq!(emulator.messages().len(), 1, "the first was not taken");
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_storing_was_dropped_is_not_sent() {
    let (mock, gateway) = mocked(device::Gateway::default(), common::mock::NetworkProfile::default());
    let settings = Settings { incoming: false, ..Settings::default() };
    let mut messenger = Messenger::new(gateway, Disk::default(), buffers(), settings);
    messenger.start().await.unwrap();
    assert!(
        common::poll_times(std::pin::pin!(messenger.send(&Sms::new("1", "Hello").unwrap())), 1).is_none()
    );
    let before = messenger.free_slots();
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(60), messenger.next()).await;
    assert!(outcome.is_err(), "there is nothing to tell");
    assert!(mock.requests().is_empty());
    assert_eq!(messenger.free_slots(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn commands_before_the_start_know_no_message_and_do_not_disturb_it() {
    let (_, gateway) = mocked(device::Gateway::default(), common::mock::NetworkProfile::default());
    let mut messenger = Messenger::new(gateway, Disk::default(), buffers(), Settings::default());
    let slots = messenger.free_slots();
    assert_eq!(slots, u32::try_from(buffers().slots.len()).unwrap());
    let unknown = UserId::new(1).unwrap();
    assert_eq!(messenger.stop(unknown), StopResult::TooLate);
    assert_eq!(messenger.message(unknown), None);
    messenger.set_credentials("admin", "secret");
    assert_eq!(messenger.free_slots(), slots);
    messenger.start().await.unwrap();
    assert_eq!(messenger.free_slots(), slots);
    messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    assert_eq!(messenger.free_slots(), slots - 1);
}

fn ram(mock_device: device::Gateway) -> (Mock, Messenger<'static, 'static, Mock, RamStore<'static>>) {
    let (mock, gateway) = mocked(mock_device, common::mock::NetworkProfile::default());
    let store = RamStore::new(vec![0; 100].leak());
    let messenger = Messenger::new(gateway, store, buffers(), Settings::default());
    (mock, messenger)
}

#[tokio::test(start_paused = true)]
async fn something_else_is_looked_at_while_nothing_is_under_way() {
    let (mock, mut messenger) = ram(device::Gateway::default());
    assert!(matches!(messenger.next_or(ready(7)).await, Ok(Either::Second(7))));
    messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    // What was asked for comes first.
    assert!(matches!(messenger.next_or(ready(7)).await, Ok(Either::First(Event::Update(_)))));
    assert_eq!(mock.targets(), ["query_sms_in_queue", "send_sms"]);
    assert!(matches!(messenger.next_or(ready(8)).await, Ok(Either::Second(8))));
}

#[tokio::test(start_paused = true)]
async fn there_is_as_much_room_as_was_lent() {
    let (_, mut messenger) = ram(device::Gateway::default());
    let send = async |messenger: &mut Messenger<'_, '_, _, _>, text: &str| {
        messenger.send(&Sms::new("1", text).unwrap()).await
    };
    assert_eq!(
        send(&mut messenger, &"x".repeat(1501 - 1)).await,
        Err(SendError::Store(sms_gateway_embassy::NoRoom.into()))
    );
    for _ in 0..8 {
        send(&mut messenger, "123456").await.unwrap();
    }
    assert_eq!(send(&mut messenger, "x").await, Err(SendError::Full));
}

#[tokio::test]
async fn ram_keeps_texts_until_they_are_forgotten() {
    let mut store = RamStore::new(vec![0; 30].leak());
    let put = |id, text: &'static str| Write { key: Key::Text(id), value: Some(text.as_bytes()) };
    let load = async |store: &mut RamStore<'_>, id| {
        let mut buffer = [0; 20];
        let length = store.load(Key::Text(id), &mut buffer).await.unwrap()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    };
    store.save(&[put(1, "one"), put(2, "two"), put(3, "three")]).await.unwrap();
    assert!(store.save(&[put(4, "x")]).await.is_err());
    store.save(&[Write { key: Key::Text(2), value: None }, put(1, "1"), put(4, "four")]).await.unwrap();
    for (id, text) in [(1, Some("1")), (2, None), (3, Some("three")), (4, Some("four"))] {
        assert_eq!(load(&mut store, id).await.as_deref(), text);
    }
    assert_eq!(store.load(Key::Text(3), &mut [0; 4]).await, Ok(None));
    assert_eq!(store.load(Key::Record(3), &mut [0; 9]).await, Ok(None));
}

/// Works until a message is in this state, and tells how many texts are stored then.
async fn texts_at(device: impl Device + 'static, state: State) -> usize {
    let disk = Disk::default();
    let (_, gateway) = mocked(device, common::mock::NetworkProfile::default());
    let mut messenger = Messenger::new(gateway, disk.clone(), buffers(), Settings::default());
    messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    assert_eq!(disk.texts(), 1);
    loop {
        match messenger.next().await.unwrap() {
            Event::Update(message) if message.state == state => return disk.texts(),
            Event::Update(_) | Event::RequestsFailing(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_is_forgotten_once_it_cannot_be_sent_any_more() {
    let refuses = |request: &str| match request {
        _ if request.contains("send_sms") => Reply::json(200, r#"{"error_code":550}"#),
        _ => device::truth(request),
    };
    assert_eq!(texts_at(refuses, State::Failed).await, 0, "refused");
    // The answer to its submission is lost.
    let lossy = |gateway_device: &SendingGateway| {
        let mut gateway_device = gateway_device.clone();
        move |request: &str| {
            let reply = gateway_device.answer(request);
            if reply.bytes.windows(7).any(|bytes| bytes == b"task_id") {
                Reply::new("", Then::Close)
            } else {
                reply
            }
        }
    };
    let gateway_device = SendingGateway::default();
    assert_eq!(texts_at(lossy(&gateway_device), State::Uncertain).await, 1, "it may be needed");
    assert_eq!(texts_at(lossy(&gateway_device), State::Delivered).await, 0, "found");

    let disk = Disk::default();
    let (_, gateway) = mocked(SendingGateway::default(), common::mock::NetworkProfile::default());
    let mut messenger = Messenger::new(gateway, disk.clone(), buffers(), Settings::default());
    let id = messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    assert_eq!(messenger.stop(id), StopResult::Stopped);
    assert!(matches!(messenger.next().await, Ok(Event::Update(message)) if message.state == State::Stopped));
    assert_eq!(disk.texts(), 0, "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_finds_no_room_is_told_from_one_that_is_missing() {
    // A sender of five bytes, and a message centre of one.
    let too_long = |needed| Text::TooLong { needed };
    let (number, smsc) = (Text::Exact("10086"), Text::Exact("1"));
    for (size, number, smsc) in [(4, too_long(5), smsc), (5, number, too_long(6)), (6, number, smsc)] {
        let (_, gateway) = mocked(device::Gateway::default(), common::mock::NetworkProfile::default());
        let buffers = MessengerBuffers { incoming: vec![0; size].leak(), ..buffers() };
        let mut messenger = Messenger::new(gateway, Disk::default(), buffers, SETTINGS());
        let Ok(Event::Incoming(sms)) = messenger.next().await else { panic!("a message") };
        assert_eq!((sms.number, sms.smsc, sms.text), (number, smsc, too_long(10)));
    }
    let missing = |request: &str| match request {
        _ if request.contains("incoming") => Reply::json(
            200,
            r#"{"error_code":200,"sms":[{"incoming_sms_id":7,"text":"x"}],"read":0,"unread":1}"#,
        ),
        _ => device::truth(request),
    };
    let (_, gateway) = mocked(missing, common::mock::NetworkProfile::default());
    let mut messenger = Messenger::new(gateway, Disk::default(), buffers(), SETTINGS());
    let Ok(Event::Incoming(sms)) = messenger.next().await else { panic!("a message") };
    assert_eq!((sms.number, sms.smsc), (Text::Missing, Text::Missing));
}
