use std::time::Duration;

use gateway_emulator::{Auth, Canned, Counted, LockedOut, NonceLife, Options, Stale};

use super::{
    busy,
    common::{command, gateway_with, objects, run_command},
    departures, examine, names,
};

#[tokio::test]
async fn the_life_of_a_nonce_is_named() {
    for (nonce, stale, found) in [
        (NonceLife::Forever, Stale::Truthful, &["nonce-lasts"][..]),
        (NonceLife::OneRequest, Stale::Truthful, &["nonce-one-request"]),
        (NonceLife::Lasting(Duration::from_secs(1)), Stale::Truthful, &["nonce-expires"]),
        (NonceLife::OneRequest, Stale::Absent, &["nonce-one-request", "stale-missing"]),
    ] {
        let gateway = busy("none", Options { nonce, stale, ..Options::default() }).await;
        let (findings, code) = examine(&gateway, &[]).await;
        let names = names(&findings);
        assert!(found.iter().all(|name| names.contains(name)), "{found:?}: {names:?}");
        assert_eq!(names.iter().filter(|name| name.starts_with("nonce-")).count(), 1, "{names:?}");
        assert_eq!((code, gateway.counts().refused), (Some(0), 0));
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_ends_the_examination() {
    let gateway = gateway_with(Options { lock_out_after: Some(2), ..Options::default() }).await;
    let mut wrong = command(&gateway, &["doctor", "--json"]);
    wrong.env("SMS_GATEWAY_PASSWORD", "wrong");
    let run = run_command(wrong).await;
    let findings = objects(&run.out);
    assert_eq!((departures(&findings), run.code), (["login-refused"].into(), Some(4)));
    let counts = gateway.counts();
    assert_eq!((counts.refused, counts.lock_outs, counts.calls.len()), (1, 0, 0));
}

#[tokio::test]
async fn the_last_question_costs_one_refused_login_at_most() {
    let gateway = busy("raw-comma-refused", Options::default()).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert_eq!((departures(&findings), code), (["raw-comma-refused"].into(), Some(0)));
    assert_eq!(gateway.counts().refused, 1);
}

#[tokio::test]
async fn other_kinds_of_login_are_named() {
    let gateway = busy("none", Options { auth: Auth::Basic, ..Options::default() }).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert_eq!((departures(&findings), code), (["basic-login", "basic-not-allowed"].into(), Some(4)));
    let (findings, code) = examine(&gateway, &["--allow-basic"]).await;
    assert_eq!((departures(&findings), code), (["basic-login"].into(), Some(0)));
    let gateway = busy("none", Options { auth: Auth::None, ..Options::default() }).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert!(names(&findings).contains("no-login"), "{findings:?}");
    assert_eq!((departures(&findings).len(), code), (0, Some(0)));
}

#[tokio::test]
async fn without_a_user_nothing_but_the_kind_of_login_is_found() {
    let gateway = busy("none", Options::default()).await;
    let mut anonymous = command(&gateway, &["doctor", "--json"]);
    anonymous.env_remove("SMS_GATEWAY_USER");
    let run = run_command(anonymous).await;
    let findings = objects(&run.out);
    assert_eq!((departures(&findings), run.code), (["no-user"].into(), Some(4)));
    assert!(names(&findings).contains("digest-login"));
}

#[tokio::test]
async fn a_lock_out_is_named_with_its_body() {
    let locked_out = LockedOut::Forbidden;
    let gateway = gateway_with(Options { lock_out_after: Some(1), locked_out, ..Options::default() }).await;
    let mut wrong = command(&gateway, &["queue"]);
    wrong.env("SMS_GATEWAY_PASSWORD", "wrong");
    run_command(wrong).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert_eq!((departures(&findings), code), (["forbidden"].into(), Some(4)));
    assert!(findings.iter().any(|finding| finding["text"].as_str().unwrap().contains("forbid to try again")));
}

#[tokio::test]
async fn a_lock_out_in_between_is_not_hammered() {
    let gateway = busy("none", Options::default()).await;
    let forbidden =
        || Canned::bytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 19\r\n\r\nforbid to try again");
    for call in ["query_sms_result", "query_sms_deliver_status", "query_incoming_sms", "get_port_info"] {
        for _ in 0..9 {
            gateway.answer_next(call, forbidden());
        }
    }
    let before = gateway.requests().last().unwrap().serial;
    let (findings, code) = examine(&gateway, &[]).await;
    assert!(departures(&findings).contains("forbidden"), "{findings:?}");
    assert_eq!(code, Some(4));
    let forbidden = gateway.requests_after(before).await.iter().filter(|one| one.status == Some(403)).count();
    assert_eq!(forbidden, 4);
}

#[tokio::test]
async fn no_gateway_locks_out_a_right_login() {
    for counted in [Counted::WrongLogin, Counted::AnyLogin, Counted::EveryRefusal] {
        for nonce in [NonceLife::Forever, NonceLife::OneRequest, NonceLife::Lasting(Duration::from_secs(1))] {
            // One more than the two challenges that precede the first accepted login.
            let options = Options { counted, nonce, lock_out_after: Some(3), ..Options::default() };
            let gateway = busy("none", options).await;
            let (findings, code) = examine(&gateway, &[]).await;
            let counts = gateway.counts();
            assert_eq!((counts.lock_outs, code), (0, Some(0)), "{counted:?} {nonce:?}: {findings:?}");
        }
    }
}
