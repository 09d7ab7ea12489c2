//! Batches, and calls that share a connection, against the emulator.

#![allow(missing_docs)]

mod common;

use common::{options, recipient, send, send_side_by_side, start};
use gateway_emulator::{Canned, Options};
use sms_gateway::{
    Batch, Gateway,
    core::{
        call::{QuerySmsResult, Recipient, SendSms},
        text::Encoding,
    },
};
use std::{collections::HashSet, time::Duration};

#[tokio::test]
async fn more_than_128_recipients_become_several_requests() {
    let (emulator, gateway) = start(Options { ports: 32, ..options() }).await;
    let numbers: Vec<_> = (0..300).map(|index| format!("1380000{index:04}")).collect();
    let recipients: Vec<Recipient<'_>> =
        numbers.iter().zip(0..).map(|(number, id)| recipient(number, id)).collect();
    let mut told = 0;
    let tasks = gateway
        .send_to_all(&Batch::new("Hello", &recipients), |task| told += task.recipients.len())
        .await
        .unwrap();
    assert_eq!(tasks.iter().map(|task| task.recipients.len()).collect::<Vec<_>>(), [128, 128, 44]);
    assert_eq!(told, 300);
    let ids: HashSet<_> = tasks.iter().map(|task| task.accepted.task_id.unwrap()).collect();
    assert_eq!(ids.len(), 3);
    let seen: Vec<_> = emulator.messages().into_iter().map(|message| message.number).collect();
    assert_eq!(seen, numbers);
}

#[tokio::test]
async fn a_batch_that_fails_midway_returns_the_accepted_tasks() {
    let (emulator, gateway) = start(options()).await;
    let texts: Vec<_> = (0..256).map(|index| format!("1380000{index:04}")).collect();
    let recipients: Vec<Recipient<'_>> =
        texts.iter().zip(0..).map(|(number, id)| recipient(number, id)).collect();
    let mut sent = 0;
    let batch = Batch::new("Hello", &recipients);
    let error = gateway
        .send_to_all(&batch, |_| {
            sent += 1;
            emulator.answer_next("send_sms", Canned::truth().cut_at(0));
        })
        .await
        .unwrap_err();
    assert_eq!((sent, error.tasks.len(), error.failed.len()), (1, 1, 128));
    assert!(error.error.may_have_arrived(), "{error}");
    assert_eq!(emulator.counts().accepted, 256, "the second half did arrive, and was not sent again");
}

#[tokio::test]
async fn auto_chooses_the_encoding_of_each_message() {
    let (emulator, gateway) = start(options()).await;
    let recipients = [recipient("1", 1).params(&["Anna"]), recipient("2", 2).params(&["小明"])];
    let batch = Batch::new("Hi #param#", &recipients).encoding(Encoding::Auto);
    gateway.send_to_all(&batch, |_| {}).await.unwrap();
    let bodies: Vec<_> = emulator
        .requests()
        .into_iter()
        .filter(|request| request.uri.contains("send"))
        .map(|request| request.body)
        .collect();
    assert!(bodies[0].contains("gsm-7bit") && bodies[0].contains("Anna"), "{bodies:?}");
    assert!(bodies[1].contains("unicode") && bodies[1].contains("小明"), "{bodies:?}");
}

#[tokio::test]
async fn concurrent_calls_take_turns() {
    let (emulator, gateway) = start(options()).await;
    let outcomes = send_side_by_side(&gateway, 40).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(emulator.messages().len(), 40);
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.requests), (1, 41));
}

#[tokio::test]
async fn the_wait_for_a_turn_is_bounded() {
    let (emulator, _) = start(options()).await;
    let gateway = Gateway::builder(&emulator.url())
        .credentials("admin", "admin")
        .turn_timeout(Duration::from_millis(1));
    let gateway = gateway.build().unwrap();
    let held = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let recipients = [recipient("1", 1)];
    let error = gateway.send_sms(&SendSms::new("x", &recipients).unwrap()).await.unwrap_err();
    assert!(!error.may_have_arrived() && error.to_string().contains("earlier call"), "{error}");
    drop(held);
    assert!(send(&gateway, "1", 1).await.is_ok());
}
