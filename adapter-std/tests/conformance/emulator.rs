//! Both adapters against the emulator, over real sockets: each quirk of the emulator, and logins that it counts.

use std::time::Duration;

use gateway_emulator::{
    Auth, Counted, Counts, Emulator, NonceCount, NonceLife, Options, Quirks, ResultNumber, Stale,
};

use crate::{
    shared::{options, stop_the_clock, usable_quirks},
    stream::Target,
    subject::{Adapter, ApiCall, GatewaySetup, GatewaySubject},
};

const STALES: [Stale; 4] = [Stale::Truthful, Stale::AlwaysFalse, Stale::AlwaysTrue, Stale::Absent];

async fn start_with(adapter: Adapter, options: Options, setup: GatewaySetup) -> (Emulator, GatewaySubject) {
    let emulator = Emulator::start(options).await.unwrap();
    let subject = GatewaySubject::new(adapter, &Target::Tcp(emulator.addr()), &setup);
    (emulator, subject)
}

async fn start(adapter: Adapter, options: Options) -> (Emulator, GatewaySubject) {
    start_with(adapter, options, GatewaySetup::default()).await
}

/// Makes a call, and returns the lines of its outcome.
async fn lines(subject: &mut GatewaySubject, call: ApiCall) -> Vec<String> {
    subject.call(call, usize::MAX).await.0.lines().map(str::to_owned).collect()
}

async fn succeeds(subject: &mut GatewaySubject, call: ApiCall) {
    let lines = lines(subject, call).await;
    assert!(lines.last().unwrap().starts_with("ok "), "{call:?}: {lines:?}");
}

async fn is_refused(subject: &mut GatewaySubject, call: ApiCall) {
    assert_eq!(lines(subject, call).await, ["login refused"], "{call:?}");
}

/// Makes each of the nine calls, and checks the number of its records and a part of their contents.
async fn nine_calls(emulator: &Emulator, subject: &mut GatewaySubject, context: &str) {
    nine_calls_with(&Quirks::none(), emulator, subject, context).await;
}

async fn nine_calls_with(quirks: &Quirks, emulator: &Emulator, subject: &mut GatewaySubject, context: &str) {
    let results = 1 + usize::from(quirks.failed_before) + usize::from(quirks.failed_after);
    let result = match quirks.result_number {
        ResultNumber::AsSent => r#""user_id":7,"number":"10086""#,
        ResultNumber::International => r#""user_id":7,"number":"+8610086""#,
        ResultNumber::Separated => r#""user_id":7,"number":"1008-6""#,
        ResultNumber::Missing => r#""user_id":7,"time""#,
    };
    emulator.set_ussd(None, "*125#", "Balance 12");
    // Several messages may have the same id.
    while emulator.receive_sms(2, "10010", "Grüße, 你好 😀") < 7 {}
    for (call, records, part) in [
        (ApiCall::SendSms, 0, "\"task_id\":"),
        (ApiCall::Results, results, result),
        (ApiCall::Reports, 1, r#"10086","time":"#),
        (ApiCall::Queue, 0, r#""in_queue":0"#),
        (ApiCall::Incoming, 1, "\"text\":\"Grüße"),
        (ApiCall::SendUssd, 2, r#"{"port":3,"status":200"#),
        (ApiCall::UssdReply, 2, "{\"port\":2,"),
        (ApiCall::PortInfo, 2, "{\"port\":3,"),
        (ApiCall::StopSms, 0, ""),
    ] {
        let lines = lines(subject, call).await;
        // The task may have ended already.
        let is_over = call == ApiCall::StopSms && lines[0].starts_with("refused: ");
        assert!(is_over || lines.last().unwrap().starts_with("ok "), "{context}, {call:?}: {lines:?}");
        assert!(
            lines.len() == records + 1 && lines.join("").contains(part),
            "{context}, {call:?}: {lines:?}"
        );
        emulator.idle().await;
    }
}

#[tokio::test]
async fn the_nine_calls_need_one_connection_and_one_challenge() {
    for adapter in Adapter::ALL {
        let (emulator, mut subject) = start(adapter, options()).await;
        nine_calls(&emulator, &mut subject, adapter.name()).await;
        let counts = emulator.counts();
        assert_eq!((counts.connections, counts.challenged, counts.expired, counts.refused), (1, 1, 0, 0));
        assert_eq!(counts.requests, 1 + 9, "a challenge, then one request for each call");
    }
}

#[tokio::test]
async fn the_nine_calls_succeed_with_each_quirk() {
    for adapter in Adapter::ALL {
        for (name, quirks) in usable_quirks() {
            let (emulator, mut subject) =
                start(adapter, Options { quirks: quirks.clone(), ..options() }).await;
            let context = format!("{} with {name}", adapter.name());
            nine_calls_with(&quirks, &emulator, &mut subject, &context).await;
            assert_eq!(emulator.counts().refused, 0, "{} with {name}", adapter.name());
        }
    }
}

#[tokio::test]
async fn the_nine_calls_succeed_without_a_login_and_with_basic() {
    for adapter in Adapter::ALL {
        for auth in [Auth::None, Auth::Basic] {
            let setup = GatewaySetup { is_basic_allowed: true, ..GatewaySetup::default() };
            let (emulator, mut subject) = start_with(adapter, Options { auth, ..options() }, setup).await;
            nine_calls(&emulator, &mut subject, adapter.name()).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_password_costs_one_attempt_until_it_changes() {
    for (adapter, stale) in Adapter::ALL.into_iter().flat_map(|adapter| STALES.map(|stale| (adapter, stale)))
    {
        let setup = GatewaySetup { password: Some("wrong"), ..GatewaySetup::default() };
        let (emulator, mut subject) = start_with(adapter, Options { stale, ..options() }, setup).await;
        for _ in 0..3 {
            is_refused(&mut subject, ApiCall::Queue).await;
            is_refused(&mut subject, ApiCall::SendSms).await;
        }
        let counts = emulator.counts();
        assert_eq!((counts.refused, counts.expired, counts.accepted), (1, 0, 0), "{adapter:?}, {stale:?}");
        subject.set_password("admin");
        succeeds(&mut subject, ApiCall::SendSms).await;
        assert_eq!(emulator.counts().refused, 1);
    }
}

#[tokio::test]
async fn a_password_that_changes_at_the_gateway_ends_the_attempts() {
    for adapter in Adapter::ALL {
        let (emulator, mut subject) = start(adapter, options()).await;
        succeeds(&mut subject, ApiCall::SendSms).await;
        emulator.set_password("new");
        for _ in 0..3 {
            is_refused(&mut subject, ApiCall::SendSms).await;
        }
        // The client tries the last accepted nonce, and then a new one, to rule out that the nonce has expired.
        assert_eq!(emulator.counts().refused, 2);
        subject.set_password("new");
        succeeds(&mut subject, ApiCall::SendSms).await;
        assert_eq!(emulator.counts().accepted, 2);
    }
}

/// Options of a gateway that locks clients out after two refusals.
fn strict(nonce: NonceLife, stale: Stale) -> Options {
    Options { nonce, stale, lock_out_after: Some(2), counted: Counted::AnyLogin, ..options() }
}

fn assert_admitted(counts: &Counts, accepted: u64, context: Stale) {
    assert_eq!((counts.accepted, counts.refused, counts.lock_outs), (accepted, 0, 0), "{context:?}");
}

#[tokio::test]
async fn nonces_for_one_request_lock_no_client_out() {
    for (adapter, stale) in Adapter::ALL.into_iter().flat_map(|adapter| STALES.map(|stale| (adapter, stale)))
    {
        let (emulator, mut subject) = start(adapter, strict(NonceLife::OneRequest, stale)).await;
        for _ in 0..20 {
            succeeds(&mut subject, ApiCall::SendSms).await;
            succeeds(&mut subject, ApiCall::Queue).await;
        }
        let counts = emulator.counts();
        assert_admitted(&counts, 20, stale);
        assert_eq!(counts.expired, 1, "the first shows how long they live");
        assert!(counts.requests <= 2 * 40 + 1, "{counts:?}");
    }
}

#[tokio::test]
async fn nonces_for_one_second_lock_no_client_out() {
    for (adapter, stale) in Adapter::ALL.into_iter().flat_map(|adapter| STALES.map(|stale| (adapter, stale)))
    {
        let _clock = stop_the_clock();
        let nonce = NonceLife::Lasting(Duration::from_secs(1));
        let (emulator, mut subject) = start(adapter, strict(nonce, stale)).await;
        for count in 0..50 {
            tokio::time::advance(Duration::from_millis(170)).await;
            if count % 3 == 0 {
                succeeds(&mut subject, ApiCall::Queue).await;
            }
            succeeds(&mut subject, ApiCall::SendSms).await;
        }
        let counts = emulator.counts();
        assert_admitted(&counts, 50, stale);
        // No more than eight nonces can expire in eight and a half seconds.
        assert!(counts.expired <= 8, "{counts:?}");
    }
}

#[tokio::test]
async fn nonce_counts_have_no_gaps() {
    for adapter in Adapter::ALL {
        let options = Options { nonce_count: NonceCount::InOrder, ..options() };
        let (emulator, mut subject) = start(adapter, options).await;
        for _ in 0..30 {
            succeeds(&mut subject, ApiCall::SendSms).await;
        }
        let counts = emulator.counts();
        assert_eq!((counts.challenged, counts.expired, counts.refused), (1, 0, 0));
    }
}
