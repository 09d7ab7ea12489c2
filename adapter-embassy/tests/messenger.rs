//! A messenger with the emulator, over sockets and under a stopped clock, and with mock devices.

#![allow(missing_docs)]

mod common;

use common::{
    device,
    disk::Disk,
    drive, gateway,
    mock::{Device, Mock, MockResponse, NetworkProfile, Then},
    mock_gateway,
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

const SETTINGS: fn() -> Settings =
    || Settings { incoming: true, exclusive: true, first_block: 3, ..Settings::default() };

fn messenger<S: Store>(emulator: &Emulator, store: S) -> Messenger<'static, 'static, Tcp, S> {
    let gateway = gateway(Tcp::new(emulator.addr()), "box");
    Messenger::new(gateway, store, buffers(), SETTINGS())
}

async fn emulator() -> Emulator {
    Emulator::start(Options::default()).await.unwrap()
}

/// Runs the messenger until these messages are final and `incoming` messages have arrived. Returns the final states and the texts.
async fn follow<S: Store>(
    messenger: &mut Messenger<'_, '_, Tcp, S>,
    ids: &[UserId],
    incoming: usize,
) -> (BTreeMap<u32, Message>, Vec<String>) {
    let (mut finals, mut texts) = (BTreeMap::new(), Vec::new());
    while ids.iter().any(|id| !finals.contains_key(&id.get())) || texts.len() < incoming {
        match messenger.next().await.map_err(|_| "the store").unwrap() {
            Event::Update(message) => {
                if message.is_final {
                    finals.insert(message.id.get(), message);
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
    (finals, texts)
}

#[tokio::test]
async fn a_messenger_that_restarts_at_any_time_neither_loses_nor_repeats_a_message() {
    for steps in 1..26 {
        let (emulator, disk) = (emulator().await, Disk::default());
        let _clock = stop_the_clock();
        emulator.receive_sms(0, "10000", "first");
        emulator.receive_sms(0, "10000", "second");
        let (mut accepted, mut delivered, mut received) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut starts = 0;
        while delivered.len() < 3 || received.len() < 2 {
            starts += 1;
            assert!(starts < 60, "{steps} steps: {delivered:?} of {accepted:?}, {received:?}");
            let work = async {
                let mut messenger = messenger(&emulator, disk.clone());
                while accepted.len() < 3 {
                    accepted
                        .insert(messenger.send(&Sms::new("10086", "Hello").unwrap()).await.unwrap().get());
                }
                loop {
                    match messenger.next().await.unwrap() {
                        Event::Update(message) => {
                            if message.is_final {
                                assert_eq!(message.state, State::Delivered);
                                delivered.insert(message.id.get());
                            }
                            messenger.acknowledge(&message);
                        }
                        Event::Incoming(sms) => {
                            let (mark, text) = (sms.mark, sms.text.as_str().to_owned());
                            if !received.contains(&text) {
                                received.push(text);
                            }
                            messenger.acknowledge_incoming(mark);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            };
            // Each start gets more time than the one before, so that the work ends.
            let _: Option<()> = drive(work, steps + starts).await;
        }
        assert_eq!(emulator.messages().len(), accepted.len(), "{steps} steps");
        assert_eq!(received, ["first", "second"]);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_is_not_sent() {
    let (emulator, disk) = (emulator().await, Disk::default());
    let _clock = stop_the_clock();
    let work = async {
        let mut messenger = messenger(&emulator, disk.clone());
        let sms = Sms::new("10086", "Hello").unwrap();
        *disk.is_full.borrow_mut() = true;
        assert_eq!(messenger.send(&sms).await, Err(SendError::Store(().into())));
        assert!(messenger.next().await.is_err());
        *disk.is_full.borrow_mut() = false;
        let id = messenger.send(&sms).await.unwrap();
        follow(&mut messenger, &[id], 0).await;
    };
    drive(work, 600).await.expect("an end");
    assert_eq!(emulator.messages().len(), 1, "the first message was not accepted");
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_send_is_dropped_while_it_is_stored_is_not_sent() {
    let (mock, gateway) = mock_gateway(device::DigestGateway::default(), NetworkProfile::default());
    let settings = Settings { incoming: false, ..Settings::default() };
    let mut messenger = Messenger::new(gateway, Disk::default(), buffers(), settings);
    messenger.start().await.unwrap();
    assert!(
        common::poll_times(std::pin::pin!(messenger.send(&Sms::new("1", "Hello").unwrap())), 1).is_none()
    );
    let before = messenger.free_slots();
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(60), messenger.next()).await;
    assert!(outcome.is_err(), "there is no event");
    assert!(mock.requests().is_empty());
    assert_eq!(messenger.free_slots(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn commands_before_the_start_find_no_message_and_all_slots_free() {
    let (_, gateway) = mock_gateway(device::DigestGateway::default(), NetworkProfile::default());
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

fn messenger_in_ram(
    mock_device: device::DigestGateway,
) -> (Mock, Messenger<'static, 'static, Mock, RamStore<'static>>) {
    let (mock, gateway) = mock_gateway(mock_device, NetworkProfile::default());
    let store = RamStore::new(vec![0; 100].leak());
    let messenger = Messenger::new(gateway, store, buffers(), Settings::default());
    (mock, messenger)
}

#[tokio::test(start_paused = true)]
async fn next_or_polls_the_other_future_while_no_request_is_in_flight() {
    let (mock, mut messenger) = messenger_in_ram(device::DigestGateway::default());
    assert!(matches!(messenger.next_or(ready(7)).await, Ok(Either::Second(7))));
    messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    // The messenger queries reports before it waits for the other future.
    assert!(matches!(messenger.next_or(ready(7)).await, Ok(Either::Second(7))));
    assert_eq!(mock.targets(), ["query_sms_in_queue", "query_sms_deliver_status"]);
    let never = core::future::pending::<u8>();
    assert!(matches!(messenger.next_or(never).await, Ok(Either::First(Event::Update(_)))));
    assert_eq!(mock.targets(), ["query_sms_in_queue", "query_sms_deliver_status", "send_sms"]);
    assert!(matches!(messenger.next_or(ready(8)).await, Ok(Either::Second(8))));
}

#[tokio::test(start_paused = true)]
async fn send_fails_if_the_store_or_the_slots_are_full() {
    let (_, mut messenger) = messenger_in_ram(device::DigestGateway::default());
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
async fn ram_store_holds_texts_until_they_are_deleted() {
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

/// Runs the messenger until the message is in this state. Returns the number of texts that are stored at that time.
async fn count_texts_at(device: impl Device + 'static, state: State) -> usize {
    let disk = Disk::default();
    let (_, gateway) = mock_gateway(device, NetworkProfile::default());
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
async fn a_text_is_deleted_once_its_message_can_no_longer_be_submitted() {
    let refuses = |request: &str| match request {
        _ if request.contains("send_sms") => MockResponse::json(200, r#"{"error_code":413}"#),
        _ => device::documented_response(request),
    };
    assert_eq!(count_texts_at(refuses, State::Failed).await, 0, "refused");
    // The response to the submission is lost.
    let lossy = || {
        let mut device = SendingGateway::default();
        move |request: &str| {
            let response = device.respond(request);
            if response.bytes.windows(7).any(|bytes| bytes == b"task_id") {
                MockResponse::new("", Then::Close)
            } else {
                response
            }
        }
    };
    assert_eq!(count_texts_at(lossy(), State::Uncertain).await, 1, "it may be submitted again");
    assert_eq!(count_texts_at(lossy(), State::Delivered).await, 0, "found");

    let disk = Disk::default();
    let (_, gateway) = mock_gateway(SendingGateway::default(), NetworkProfile::default());
    let mut messenger = Messenger::new(gateway, disk.clone(), buffers(), Settings::default());
    let id = messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    assert_eq!(messenger.stop(id), StopResult::Stopped);
    assert!(matches!(messenger.next().await, Ok(Event::Update(message)) if message.state == State::Stopped));
    assert_eq!(disk.texts(), 0, "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_does_not_fit_differs_from_a_missing_one() {
    // The sender takes five bytes, and the SMSC one.
    let too_long = |needed| Text::TooLong { needed };
    let (number, smsc) = (Text::Exact("10086"), Text::Exact("1"));
    for (size, number, smsc) in [(4, too_long(5), smsc), (5, number, too_long(6)), (6, number, smsc)] {
        let (_, gateway) = mock_gateway(device::DigestGateway::default(), NetworkProfile::default());
        let buffers = MessengerBuffers { incoming: vec![0; size].leak(), ..buffers() };
        let mut messenger = Messenger::new(gateway, Disk::default(), buffers, SETTINGS());
        let Ok(Event::Incoming(sms)) = messenger.next().await else { panic!("a message") };
        assert_eq!((sms.number, sms.smsc, sms.text), (number, smsc, too_long(10)));
    }
    let missing = |request: &str| match request {
        _ if request.contains("incoming") => MockResponse::json(
            200,
            r#"{"error_code":200,"sms":[{"incoming_sms_id":7,"text":"x"}],"read":0,"unread":1}"#,
        ),
        _ => device::documented_response(request),
    };
    let (_, gateway) = mock_gateway(missing, NetworkProfile::default());
    let mut messenger = Messenger::new(gateway, Disk::default(), buffers(), SETTINGS());
    let Ok(Event::Incoming(sms)) = messenger.next().await else { panic!("a message") };
    assert_eq!((sms.number, sms.smsc), (Text::Missing, Text::Missing));
}
