use std::collections::BTreeSet;

use gateway_emulator::{Emulator, Options, Quirks, RequestSeen};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{busy, common::run, departures, examine, names, peers::AT_ONCE, replay, report};

/// The quirks that no query of `doctor` can show, each with the reason.
const HIDDEN: [(&str, &str); 14] = [
    (
        "result-colon",
        "only the response to send_ussd has that key, and a code that is sent may cost money or change the SIM",
    ),
    (
        "unknown-task-486",
        "only stop_sms has that error code, and an unknown task cannot be told from one that would be stopped",
    ),
    ("equal-ids", "only messages that arrive later have equal ids"),
    ("raw-quotes", "only a message with a quote shows it"),
    ("cut-records", "only an inbox that is longer than one response shows it"),
    ("expanded-text-limit", "only send_sms has that limit, and a gateway without it would send the text"),
    (
        "ussd-replies-refused",
        "only query_ussd_reply is refused, and a reply that is read may be gone for the program that waits for it",
    ),
    ("bad-number=N", "only send_sms is refused, and a gateway without it would send the text"),
    ("bad-text=WORD", "only send_sms is refused, and a gateway without it would send the text"),
    ("max-recipients=N", "only send_sms has that limit, and a gateway without it would send the text"),
    ("max-kilobytes=N", "only send_sms has that limit, and a gateway without it would send the text"),
    ("first-550=N", "only send_sms is refused, and a gateway with a port would send the text"),
    ("first-500=N", "only send_sms is refused, and a gateway that has recovered would send the text"),
    ("first-http-500=N", "only send_sms is refused, and a gateway that has recovered would send the text"),
];
/// The maximum number of requests of an examination, if the nonce does not expire.
const MAX_REQUESTS: usize = 25;

/// Returns the list that turns on a quirk, and the name of the finding.
fn quirk(name: &'static str) -> (&'static str, &'static str) {
    match name {
        "close-after=N" => ("close-after=2", "close-after"),
        "close-unannounced" => ("close-after=2,close-unannounced", name),
        "report-clock=N" => ("report-clock=-25200", "report-clock"),
        "first-http-503=N" => ("first-http-503=1", "server-error"),
        "status-unknown" => (name, "unknown-words"),
        // The inbox has two read messages, so a shuffled order can only be the reverse one.
        "shuffled-inbox" => (name, "newest-first"),
        "result-number-missing" => (name, "missing-keys"),
        // `doctor` cannot know whether the result or the report changes the spelling of the number.
        "result-number-international" => (name, "report-number-national"),
        name => (name, name),
    }
}

#[tokio::test]
async fn a_gateway_by_the_document_has_no_quirk() {
    let gateway = busy("none", Options::default()).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert_eq!((departures(&findings), code), (BTreeSet::new(), Some(0)));
    for name in [
        "plain-http",
        "digest-login",
        "login-accepted",
        "nonce-lasts",
        "times-inclusive",
        "inbox-order",
        "one-page",
        "ports",
        "first-version",
        "clock",
        "raw-comma-accepted",
        "not-tried",
    ] {
        assert!(names(&findings).contains(name), "{name}: {findings:?}");
    }
}

#[tokio::test]
async fn each_quirk_is_named_by_questions_alone_and_named_again_by_a_replay() {
    let plain = busy("none", Options::default()).await;
    let (findings, _) = examine(&plain, &[]).await;
    let plain = names(&findings).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let is_hidden = |name: &str| HIDDEN.iter().any(|(hidden, _)| *hidden == name);
    let (mut checks, mut named) = (JoinSet::new(), 0);
    for name in Quirks::names().into_iter().filter(|name| !is_hidden(name)) {
        assert!(!plain.contains(quirk(name).1), "{name} is found without the quirk");
        if checks.len() == AT_ONCE {
            checks.join_next().await.unwrap().unwrap();
        }
        checks.spawn(is_named(name));
        named += 1;
    }
    assert_eq!(named, Quirks::names().len() - HIDDEN.len());
    while let Some(check) = checks.join_next().await {
        check.unwrap();
    }
}

async fn is_named(name: &'static str) {
    let (quirks, found) = quirk(name);
    let gateway = busy(quirks, Options::default()).await;
    let (before, inbox) = (gateway.requests().last().unwrap().serial, gateway.inbox());
    let (findings, report) = report(&gateway, &format!("quirk-{name}")).await;
    assert!(departures(&findings).contains(found), "{name}: {findings:?}");
    let mut others = departures(&findings);
    others.remove(found);
    // Besides the quirk itself, only its consequences may be found.
    let entailed: &[&str] = match name {
        "close-unannounced" => &["close-after"],
        "missing-keys" => &["port-fields-missing"],
        _ => &[],
    };
    assert!(others.iter().all(|other| entailed.contains(other)), "{name}: {others:?}");
    only_asks(&gateway, before).await;
    assert_eq!(gateway.inbox(), inbox, "{name}");
    replay::is_replayed(&report, name).await;
}

/// Asserts that the requests after the one with serial number `before` are few, and that all are harmless queries.
async fn only_asks(gateway: &Emulator, before: u64) {
    let asked = gateway.requests_after(before).await;
    assert!(asked.len() <= MAX_REQUESTS, "{}", asked.len());
    for request in &asked {
        assert!(is_question(request), "{request:?}");
    }
    let counts = gateway.counts();
    assert_eq!((counts.accepted, counts.refused <= 1, counts.lock_outs), (2, true, 0));
    let changing = ["send_sms", "send_ussd", "stop_sms"].map(|call| counts.calls.get(call).copied());
    assert_eq!(changing, [Some(2), None, None]);
}

/// Returns whether the request is a query that no gateway could mistake for a change.
fn is_question(request: &RequestSeen) -> bool {
    let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
    let is_time_alone = |value: Value| {
        value
            .as_object()
            .is_some_and(|fields| fields.keys().all(|key| ["time_after", "time_before"].contains(&&**key)))
    };
    match (&*request.method, path) {
        ("GET", "/api/query_sms_in_queue" | "/api/query_sms_result") => query.is_empty(),
        ("GET", "/api/get_port_info") => {
            query.strip_prefix("info_type=").is_some_and(|infos| !infos.contains('&'))
        }
        ("GET", "/api/query_incoming_sms") => {
            let id = query.strip_prefix("incoming_sms_id=").and_then(|rest| rest.strip_suffix("&flag=read"));
            id.is_some_and(|id| id.parse::<u64>().is_ok())
        }
        ("POST", "/api/query_sms_in_queue") => query.is_empty() && request.body == "{}",
        ("POST", "/api/query_sms_result" | "/api/query_sms_deliver_status") => {
            query.is_empty()
                && (request.body.is_empty() || serde_json::from_str(&request.body).is_ok_and(is_time_alone))
        }
        _ => false,
    }
}

#[tokio::test]
async fn hidden_quirks_show_in_no_question_and_are_not_named() {
    let gateway = busy("none", Options::default()).await;
    let plain = all_questions(&gateway).await;
    for (name, reason) in HIDDEN {
        assert!(Quirks::names().contains(&name) && !reason.is_empty(), "{name}");
        gateway.set_quirks(name.replace("=N", "=1").parse().unwrap());
        assert_eq!(all_questions(&gateway).await, plain, "{name} shows in a question: let doctor name it");
        let (findings, code) = examine(&gateway, &[]).await;
        assert_eq!((departures(&findings), code), (BTreeSet::new(), Some(0)), "{name}");
    }
    // The queries do show other quirks.
    gateway.set_quirks("error-code-last".parse().unwrap());
    assert_ne!(all_questions(&gateway).await, plain);
}

/// Makes valid and invalid queries with every call that only queries, and returns the responses. `query_ussd_reply` is left out,
/// because some gateways forget a reply once it has been read.
async fn all_questions(gateway: &Emulator) -> Vec<String> {
    let mut answers = Vec::new();
    let unknown = json!({"user_id": [4_000_000_000_u32], "number": ["999"], "port": [31]});
    let time = json!({"time_after": "2014-12-21 12:06:01"});
    for target in ["query_sms_result", "query_sms_deliver_status"] {
        for body in
            ["{}", "", "[]", "{", &unknown.to_string(), &time.to_string(), r#"{"user_id":"x","number":1}"#]
        {
            let target = format!("/api/{target}");
            answers.push(run(gateway, &["call", "POST", &target, "--data", body]).await.out);
        }
    }
    for target in [
        "query_sms_in_queue",
        "query_sms_result",
        "query_incoming_sms?flag=read",
        "query_incoming_sms?flag=all&incoming_sms_id=99",
        "query_incoming_sms?flag=x",
        "get_port_info?info_type=type%2Cimei%2Cimsi%2Ciccid%2Csmsc%2Cnumber%2Creg&port=0",
        "get_port_info?info_type=slot",
        "get_port_info",
        "unknown",
    ] {
        let target = format!("/api/{target}");
        answers.push(run(gateway, &["call", "GET", &target]).await.out);
    }
    answers
}

#[tokio::test]
async fn quirks_that_occur_together_are_named_together() {
    let gateway = busy("observed,printed", Options::default()).await;
    let (findings, _) = examine(&gateway, &[]).await;
    let found = departures(&findings);
    for name in [
        "missing-comma",
        "trailing-comma-in-arrays",
        "trailing-comma-in-records",
        "integers-as-strings",
        "strings-as-integers",
        "unknown-keys",
        "missing-keys",
        "data-follows",
        "no-content-type",
        "empty-post-closes",
        "ragged-challenge",
        "raw-comma-refused",
        "port-fields-missing",
        "reg-mobile-registered",
        "report-number-international",
        "report-time-arrival",
        "close-after",
    ] {
        assert!(found.contains(name), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn a_long_list_of_results_is_examined_in_part() {
    let gateway = busy("none", Options { sent: 10_000, ..Options::default() }).await;
    let (findings, report) = report(&gateway, "long").await;
    assert_eq!(departures(&findings), BTreeSet::new());
    for name in ["long-response", "times-inclusive", "one-page", "ports"] {
        assert!(names(&findings).contains(name), "{name}: {findings:?}");
    }
    replay::is_replayed(&report, "long").await;
}
