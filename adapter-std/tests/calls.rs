//! The nine calls against the emulator, plain and with each quirk.

#![allow(missing_docs)]

mod common;

use common::{nine_calls, options, recipient, send, send_side_by_side, start, usable_quirks};
use gateway_emulator::{Auth, Canned, Options, Quirks};
use sms_gateway::{
    Batch, Error, Failure, Gateway, Ussd, UssdWait,
    core::{
        Port, Ports, TaskId,
        call::{CommaEncoding, QuerySmsResult, Recipient, SendSms},
        text::Encoding,
    },
};
use std::{collections::HashSet, time::Duration};

#[tokio::test]
async fn all_nine_calls_share_one_connection() {
    let (emulator, gateway) = start(options()).await;
    nine_calls(&emulator, &gateway).await.unwrap();
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.challenged, counts.expired, counts.refused), (1, 1, 0, 0));
    assert_eq!(counts.requests, 1 + 9, "a challenge, then one request for each call");
}

#[tokio::test]
async fn calls_work_with_each_quirk_and_with_all() {
    for (name, quirks) in usable_quirks() {
        let (emulator, gateway) = start(Options { quirks, ..options() }).await;
        if let Err(error) = nine_calls(&emulator, &gateway).await {
            panic!("with {name}: {error}\n{:#?}", emulator.requests());
        }
        assert_eq!(emulator.counts().refused, 0, "with {name}");
    }
}

#[tokio::test]
async fn calls_work_without_a_login_and_with_basic() {
    for auth in [Auth::None, Auth::Basic] {
        let (emulator, _) = start(Options { auth, ..options() }).await;
        let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").allow_basic(true);
        nine_calls(&emulator, &gateway.build().unwrap()).await.unwrap();
    }
    let (emulator, _) = start(Options { auth: Auth::None, ..options() }).await;
    nine_calls(&emulator, &Gateway::builder(&emulator.url()).build().unwrap()).await.unwrap();
}

#[tokio::test]
async fn basic_is_answered_only_if_allowed() {
    let (emulator, gateway) = start(Options { auth: Auth::Basic, ..options() }).await;
    assert!(matches!(
        gateway.query_sms_in_queue().await,
        Err(Error { failure: Failure::BasicNotAllowed, .. })
    ));
    assert!(emulator.requests().iter().all(|request| !request.authorization));
}

#[tokio::test]
async fn commas_can_be_sent_raw() {
    let ports: Ports = "0,1".parse().unwrap();
    let (emulator, gateway) = start(options()).await;
    gateway.query_ussd_reply(ports).await.unwrap().finish().await.unwrap();
    let raw = Gateway::builder(&emulator.url())
        .credentials("admin", "admin")
        .commas(CommaEncoding::Raw)
        .build()
        .unwrap();
    raw.query_ussd_reply(ports).await.unwrap().finish().await.unwrap();
    let uris: Vec<_> = emulator
        .requests()
        .into_iter()
        .filter(|request| request.uri.contains("ussd"))
        .map(|request| request.uri)
        .collect();
    assert_eq!(uris, ["/api/query_ussd_reply?port=0%2C1", "/api/query_ussd_reply?port=0,1"]);
}

#[tokio::test]
async fn refusals_are_reported_with_their_code() {
    let (emulator, gateway) = start(options()).await;
    match gateway.stop_sms(TaskId::new(4711)).await {
        Err(Error { failure: Failure::Refused(refusal), .. }) => {
            assert_eq!((refusal.call, refusal.code), ("stop_sms", Some(404)));
        }
        other => panic!("{other:?}"),
    }
    emulator.answer_next("query_sms_result", Canned::json(200, r#"{"error_code":500,"result":[]}"#));
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    assert!(
        matches!(answer.next().await, Err(Error { failure: Failure::Refused(refusal), .. }) if refusal.code == Some(500))
    );
    drop(answer);
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0), "the connection is still good");
    assert_eq!(emulator.counts().connections, 1);
}

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
async fn ussd_waits_for_the_new_reply() {
    let (emulator, gateway) = start(Options { speed: 20.0, ..options() }).await;
    let ports = Ports::from(Port::new(3).unwrap());
    let wait = UssdWait { interval: Duration::from_millis(5), limit: Duration::from_secs(60) };
    let reply = |outcomes: std::collections::BTreeMap<Port, Ussd>| outcomes.into_values().next().unwrap();
    emulator.set_ussd(None, "*1#", "one");
    emulator.set_ussd(None, "*2#", "two");
    assert_eq!(reply(gateway.ussd(ports, "*1#", wait).await.unwrap()), Ussd::Reply("one".into()));
    // The first reply is still there while the second is waited for.
    assert_eq!(reply(gateway.ussd(ports, "*2#", wait).await.unwrap()), Ussd::Reply("two".into()));
    let brief = UssdWait { limit: Duration::from_millis(20), ..wait };
    assert_eq!(reply(gateway.ussd(ports, "*2#", brief).await.unwrap()), Ussd::Unchanged("two".into()));
}

#[tokio::test]
async fn a_ussd_reply_survives_failed_queries() {
    let (emulator, gateway) = start(Options { speed: 20.0, ..options() }).await;
    let ports = Ports::from(Port::new(3).unwrap());
    let wait = UssdWait { interval: Duration::from_millis(5), limit: Duration::MAX };
    emulator.set_ussd(None, "*1#", "one");
    // The first query, before the code is sent, succeeds; the later ones fail.
    for canned in
        [Canned::truth(), Canned::json(500, ""), Canned::json(200, "{"), Canned::silence(), Canned::silence()]
    {
        emulator.answer_next("query_ussd_reply", canned);
    }
    let outcomes = gateway.ussd(ports, "*1#", wait).await.unwrap();
    assert_eq!(outcomes.into_values().next(), Some(Ussd::Reply("one".into())));

    for canned in std::iter::once(Canned::truth()).chain(vec![Canned::json(500, ""); 1000]) {
        emulator.answer_next("query_ussd_reply", canned);
    }
    let brief = UssdWait { limit: Duration::from_millis(20), ..wait };
    let broken = gateway.ussd(ports, "*1#", brief).await.unwrap_err();
    assert_eq!(broken.outcomes.into_values().next(), Some(Ussd::Unchanged("one".into())));
    assert!(matches!(broken.error, Error { failure: Failure::Http { status: 500, .. }, .. }));
}

#[tokio::test]
async fn a_port_without_sim_is_reported() {
    let (emulator, gateway) = start(options()).await;
    emulator.set_reg(5, gateway_emulator::Reg::NoSim);
    let outcomes =
        gateway.ussd(Ports::from(Port::new(5).unwrap()), "*1#", UssdWait::default()).await.unwrap();
    let outcome = outcomes.into_values().next().unwrap();
    assert_eq!(outcome, Ussd::NotSent(sms_gateway::core::call::UssdOutcome::Unavailable));
}

#[tokio::test]
async fn a_redirect_is_reported_and_gets_no_credentials() {
    for name in ["redirect-https", "redirect-login-page"] {
        let quirks: Quirks = name.parse().unwrap();
        let (emulator, gateway) = start(Options { quirks, ..options() }).await;
        match gateway.query_sms_in_queue().await {
            Err(error) if error.failure == Failure::Redirect => assert!(error.location().is_some()),
            other => panic!("{name}: {other:?}"),
        }
        assert!(emulator.requests().iter().all(|request| !request.authorization));
    }
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
