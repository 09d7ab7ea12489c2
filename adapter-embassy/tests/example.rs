//! Runs the example against the emulator.

#![allow(missing_docs)]

#[allow(dead_code)]
#[path = "../examples/follow.rs"]
mod example;

use example::{Task, follow, quick, run};
use gateway_emulator::{Emulator, Fate, Options};
use sms_gateway_embassy::core::track::State;

async fn emulator() -> (Emulator, String) {
    let emulator = Emulator::start(Options { speed: 100.0, ..Options::default() }).await.unwrap();
    let host = emulator.addr().to_string();
    (emulator, host)
}

#[tokio::test]
async fn the_example_without_arguments_delivers_a_message() {
    let mut states = Vec::new();
    run(&[], &mut |message| states.push(message.state)).await.unwrap();
    assert_eq!(states.last(), Some(&State::Delivered), "{states:?}");
}

#[tokio::test]
async fn a_failed_message_is_sent_once_and_reported() {
    let (emulator, host) = emulator().await;
    emulator.set_fate("10010", Fate::Undelivered(70));
    let task = Task { host: &host, credentials: ("admin", "admin"), number: "10010", text: "Grüße" };
    let mut states = Vec::new();
    Box::pin(follow(task, quick(), &mut |message| states.push(message.state))).await.unwrap();
    assert_eq!(states.last(), Some(&State::Failed), "{states:?}");
    let texts: Vec<_> = emulator.messages().into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["Grüße"]);
}

#[tokio::test]
async fn a_refused_login_and_incomplete_arguments_are_errors() {
    let (emulator, host) = emulator().await;
    let arguments = [&format!("http://{host}"), "admin", "wrong", "10086", "Hello"].map(ToString::to_string);
    let error = run(&arguments, &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("password"), "{error}");
    assert!(emulator.messages().is_empty());
    let error = run(&arguments[..2], &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().starts_with("usage"), "{error}");
}
