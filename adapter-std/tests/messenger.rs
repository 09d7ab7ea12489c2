//! Messages sent and followed, against an emulated gateway.

#![allow(missing_docs)]

mod following;

use following::{builder, end, options, sms, start};
use std::time::Duration;

use gateway_emulator::{Emulator, Fate, Options};
use sms_gateway::{
    Closed, Error, Messenger, Sms,
    core::{
        Invalid, Number,
        call::{Recipient, SendSms},
        text::Encoding,
        track::{Failure, State, StopResult, Timing},
    },
    messenger::{Event, SendError},
};
use tokio::{io::AsyncReadExt, net::TcpListener};

#[tokio::test]
async fn a_message_is_tracked_to_its_delivery() {
    let (emulator, messenger) = start(options()).await;
    let mut handle = messenger.send(sms("10086", "Hello #param#").reference("order-17")).await.unwrap();
    assert_eq!((handle.reference(), handle.current().state), (Some("order-17"), State::Unsent));
    assert!(handle.accepted().await.unwrap().task.is_some());
    assert!(handle.sent().await.unwrap().sent.is_some());
    assert_eq!(handle.outcome().await.unwrap().state, State::Delivered);
    // The updates in between are reported as one.
    assert_eq!(handle.next_update().await.unwrap().map(|message| message.state), Some(State::Delivered));
    assert_eq!(handle.next_update().await.unwrap(), None);
    handle.acknowledge();
    messenger.shutdown().await.unwrap();
    let messages = emulator.messages();
    assert_eq!((messages.len(), messages[0].text.as_str()), (1, "Hello #param#"));
}

#[tokio::test]
async fn updates_arrive_in_order() {
    let (_emulator, messenger) = start(Options { speed: 100.0, ..options() }).await;
    let mut handle = messenger.send(sms("10086", "Hello")).await.unwrap();
    let mut states = Vec::new();
    while let Some(message) = handle.next_update().await.unwrap() {
        states.push(message.state);
    }
    assert_eq!((states.first(), states.last()), (Some(&State::Unsent), Some(&State::Delivered)));
    assert!(states.is_sorted_by_key(|state| *state as u8), "{states:?}");
}

#[tokio::test]
async fn different_texts_share_a_request() {
    let quirks = "later-version".parse().unwrap();
    let (emulator, messenger) = start(Options { quirks, ..options() }).await;
    let report_less = sms("3", "Unreported").status_report(false);
    let (one, two, three, four) = tokio::join!(
        messenger.send(sms("1", "One")),
        messenger.send(sms("2", "你好")),
        messenger.send(report_less),
        messenger.send(sms("4", "{Four}").encoding(Encoding::Gsm7Bit).unwrap()),
    );
    let mut states = Vec::new();
    for handle in [one, two, three, four] {
        states.push(end(handle.unwrap()).await.state);
    }
    assert_eq!(states, [State::Delivered, State::Delivered, State::Sent, State::Delivered]);
    let requests: Vec<_> =
        emulator.requests().into_iter().filter(|seen| seen.uri == "/api/send_sms").collect();
    let bodies: Vec<_> = requests.iter().map(|seen| seen.body.as_str()).collect();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    assert!(
        bodies[0].contains(r#""text_param":["One"]"#) && bodies[0].contains(r#"["{Four}"]"#),
        "{bodies:?}"
    );
    assert!(bodies[0].contains("gsm-7bit") && bodies[1].contains("unicode"), "{bodies:?}");
    assert!(bodies[2].contains(r#""request_status_report":false"#), "{bodies:?}");
}

#[tokio::test]
async fn a_failed_message_has_its_failure() {
    let (emulator, messenger) = start(options()).await;
    emulator.set_fate("1", Fate::Fail);
    emulator.set_fate("2", Fate::Undelivered(70));
    emulator.set_fate("3", Fate::FailAfter(1));
    let long = "x".repeat(200);
    let (one, two, three) = tokio::join!(
        messenger.send(sms("1", "One")),
        messenger.send(sms("2", "Two")),
        messenger.send(sms("3", &long)),
    );
    let one = end(one.unwrap()).await;
    assert_eq!((one.state, one.failure, one.sent), (State::Failed, Some(Failure::NotSent), None));
    let two = end(two.unwrap()).await;
    assert_eq!(two.failure, Some(Failure::Reported { segment: 0, status: 70 }));
    let three = end(three.unwrap()).await;
    assert_eq!((three.state, three.failure), (State::Failed, Some(Failure::NotSent)));
    assert_eq!(three.sent.map(|sent| (sent.segments, sent.succeeded)), Some((2, 1)));
}

#[tokio::test]
async fn a_message_over_a_limit_is_not_accepted() {
    let (emulator, messenger) = start(options()).await;
    let most = "x".repeat(SendSms::MAX_TEXT_BYTES);
    assert!(Sms::new("1", most.as_str()).is_ok());
    let error = Sms::new("1", format!("{most}x")).unwrap_err();
    assert_eq!(error, Invalid::Text { bytes: 1501, recipient: None });
    assert_eq!(Sms::new("", "x").unwrap_err(), Invalid::NumberLength { bytes: 0 });
    let long = "r".repeat(Sms::MAX_REFERENCE_BYTES + 1);
    let error = messenger.send(sms("1", "x").reference(&long)).await.unwrap_err();
    assert!(matches!(error, SendError::Reference { bytes: 256 }), "{error:?}");
    let handle = messenger.send(sms("1", "x").reference(&long[1..])).await.unwrap();
    assert_eq!(handle.reference(), Some(&long[1..]));
    assert_eq!(end(handle).await.state, State::Delivered);
    assert_eq!(emulator.counts().accepted, 1);
}

#[tokio::test]
async fn messages_are_stopped() {
    // The first one keeps the only port for hours.
    let (emulator, messenger) = start(Options { ports: 1, speed: 0.001, ..options() }).await;
    let first = messenger.send(sms("1", "One")).await.unwrap();
    first.accepted().await.unwrap();
    let second = messenger.send(sms("2", "Two")).await.unwrap();
    second.accepted().await.unwrap();
    assert_eq!(second.stop().await.unwrap(), StopResult::Requested);
    assert_eq!(end(second).await.state, State::Stopped);
    assert_eq!(emulator.counts().calls.get("stop_sms"), Some(&1));
    let (_emulator, messenger) = start(options()).await;
    let handle = messenger.send(sms("1", "One")).await.unwrap();
    assert_eq!(handle.outcome().await.unwrap().state, State::Delivered);
    assert_eq!(handle.stop().await.unwrap(), StopResult::TooLate);
}

/// Starts a gateway that reads and never responds, and returns a receiver of one value per request.
async fn silent() -> (String, tokio::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = tokio::sync::mpsc::channel(10);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read_u8().await;
            let _ = asked.send(()).await;
            while stream.read_u8().await.is_ok() {}
        }
    });
    (url, requests)
}

#[tokio::test]
async fn commands_are_served_while_the_gateway_is_silent() {
    let (url, mut requests) = silent().await;
    let (messenger, _) = builder(&url).start().await.unwrap();
    let first = messenger.send(sms("1", "One")).await.unwrap();
    requests.recv().await.unwrap();
    let second = messenger.send(sms("2", "Two")).await.unwrap();
    assert_eq!(second.stop().await.unwrap(), StopResult::Stopped);
    assert_eq!(end(second).await.state, State::Stopped);
    assert_eq!(first.current().state, State::Unsent);
    drop(first);
    let unclaimed = messenger.unclaimed().await.unwrap();
    assert_eq!(unclaimed.len(), 1);
    assert_eq!(unclaimed[0].stop().await.unwrap(), StopResult::Requested);
}

#[tokio::test]
async fn send_waits_for_a_free_slot() {
    let (url, mut requests) = silent().await;
    let (messenger, _) = builder(&url).capacity(3).start().await.unwrap();
    let _first = messenger.send(sms("1", "One")).await.unwrap();
    requests.recv().await.unwrap();
    let second = messenger.send(sms("2", "Two")).await.unwrap();
    let _third = messenger.try_send(sms("3", "Three")).await.unwrap();
    assert!(matches!(messenger.try_send(sms("4", "Four")).await, Err(SendError::Full)));
    // A message whose caller has stopped waiting takes no slot.
    let mut waiting = Box::pin(messenger.send(sms("4", "Four")));
    assert!(poll_once(&mut waiting).await.is_none());
    drop(waiting);
    assert_eq!(second.stop().await.unwrap(), StopResult::Stopped);
    // A message that was never sent is deleted as soon as it is acknowledged.
    let mut fourth = Box::pin(messenger.send(sms("4", "Four")));
    assert!(poll_once(&mut fourth).await.is_none());
    second.acknowledge();
    assert_eq!(fourth.await.unwrap().current().state, State::Unsent);
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn finished_messages_free_their_slots() {
    let emulator = Emulator::start(options()).await.unwrap();
    let timing = Timing { reported: Duration::from_millis(10), ..following::timing() };
    let (messenger, _) = builder(&emulator.url()).timing(timing).capacity(5).start().await.unwrap();
    let mut ends = tokio::task::JoinSet::new();
    for number in 100..150 {
        let handle = messenger.send(sms(&number.to_string(), "Hello")).await.unwrap();
        ends.spawn(end(handle));
    }
    while let Some(message) = ends.join_next().await {
        assert_eq!(message.unwrap().state, State::Delivered);
    }
    assert_eq!(emulator.counts().accepted, 50);
}

#[tokio::test]
async fn shutdown_ends_handles_and_clones() {
    let (emulator, messenger) = start(options()).await;
    emulator.set_fate("1", Fate::NoReport);
    let handle = messenger.send(sms("1", "One")).await.unwrap();
    handle.sent().await.unwrap();
    let other = messenger.clone();
    messenger.shutdown().await.unwrap();
    assert!(matches!(handle.outcome().await, Err(Closed::ShutDown)));
    assert!(matches!(handle.stop().await, Err(Closed::ShutDown)));
    assert_eq!(handle.sent().await.unwrap().state, State::Sent);
    let error = other.send(sms("1", "Two")).await.unwrap_err();
    assert!(matches!(error, SendError::Closed(Closed::ShutDown)), "{error:?}");
    other.shutdown().await.unwrap();
    // All clones dropped does the same.
    let (messenger, _) = builder(&emulator.url()).start().await.unwrap();
    let handle = messenger.send(sms("1", "Three")).await.unwrap();
    drop(messenger);
    assert!(matches!(handle.outcome().await, Err(Closed::ShutDown)));
}

#[tokio::test]
async fn a_refused_login_is_reported_once_and_not_repeated() {
    let (emulator, messenger) = start(options()).await;
    let mut health = messenger.health();
    assert!(health.borrow().error.is_none());
    emulator.set_password("other");
    let handle = messenger.send(sms("1", "One")).await.unwrap();
    let mut refused = async || {
        health.changed().await.unwrap();
        let error = health.borrow_and_update().error.clone();
        assert!(
            matches!(error.as_deref(), Some(Error { failure: sms_gateway::Failure::LoginRefused, .. })),
            "{error:?}"
        );
        // Nothing is asked now, so that the clock leaps from one try to the next.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(60)).await;
        tokio::time::resume();
        assert!(health.borrow().failures > 100 && !health.has_changed().unwrap(), "{:?}", health.borrow());
    };
    refused().await;
    assert_eq!(emulator.counts().refused, 1);
    messenger.gateway().set_credentials("admin", "another").await.unwrap();
    refused().await;
    assert_eq!(emulator.counts().refused, 2);
    messenger.gateway().set_credentials("admin", "other").await.unwrap();
    assert_eq!(end(handle).await.state, State::Delivered);
    assert!(health.wait_for(|health| health.error.is_none()).await.is_ok());
    assert_eq!(emulator.counts().refused, 2);
}

#[tokio::test]
async fn new_credentials_are_used_at_once() {
    let emulator = Emulator::start(Options { password: "other".into(), ..options() }).await.unwrap();
    let hour = Duration::from_secs(3600);
    let gateway = following::gateway(&emulator.url());
    let timing = Timing { retry: hour, slowest: hour, ..following::timing() };
    let (messenger, _) = Messenger::builder(gateway.clone()).timing(timing).start().await.unwrap();
    let mut health = messenger.health();
    let handle = messenger.send(sms("1", "One")).await.unwrap();
    health.changed().await.unwrap();
    health.mark_unchanged();
    gateway.set_credentials("admin", "another").await.unwrap();
    // The refusal of these is reported as well.
    let told = tokio::time::timeout(Duration::from_secs(60), health.changed()).await;
    told.expect("a try without an hour's wait").unwrap();
    assert_eq!(emulator.counts().refused, 2);
    gateway.set_credentials("admin", "other").await.unwrap();
    assert_eq!(end(handle).await.state, State::Delivered);
    assert_eq!(emulator.counts().refused, 2);
}

#[tokio::test]
async fn reports_of_other_clients_are_events() {
    let (emulator, messenger) = start(Options { ports: 1, ..options() }).await;
    let mut events = messenger.events().unwrap();
    assert!(messenger.events().is_none());
    emulator.set_fate("1", Fate::Deliver.late(Duration::from_secs(60)));
    let handle = messenger.send(sms("1", "One")).await.unwrap();
    handle.sent().await.unwrap();
    let other = following::gateway(&emulator.url());
    let numbers = [Recipient::new(Number::new("13900139000").unwrap())];
    other.send_sms(&SendSms::new("Of another client", &numbers).unwrap()).await.unwrap();
    assert_eq!(end(handle).await.state, State::Delivered);
    let Some(Event::Unmatched(report)) = events.next().await else { panic!("an unmatched report") };
    assert_eq!((report.number.as_str(), report.status), ("13900139000", 0));
    drop(messenger);
    assert_eq!(events.next().await, None);
}

async fn send_many(messenger: &Messenger, count: usize) {
    let mut ends = tokio::task::JoinSet::new();
    for n in 0..count {
        let messenger = messenger.clone();
        let number = format!("1390{n:07}");
        ends.spawn(
            async move { end(messenger.send(sms(&number, &format!("Text {n}"))).await.unwrap()).await },
        );
    }
    while let Some(message) = ends.join_next().await {
        assert_eq!(message.unwrap().state, State::Delivered);
    }
}

#[tokio::test]
async fn a_thousand_messages_are_delivered() {
    let (emulator, messenger) = start(Options { ports: 32, ..options() }).await;
    send_many(&messenger, 1000).await;
    assert_eq!(emulator.counts().accepted, 1000);
    println!("{:?}", emulator.counts().calls);
}
