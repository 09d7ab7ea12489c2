use std::collections::BTreeSet;

use gateway_emulator::{Options, Quirks};
use tokio::task::JoinSet;

use super::{busy, common::people, departures, examine, names};

/// The quirks that show only when something is sent or stopped, which doctor never does, or in USSD replies, for which it never asks.
const NOT_TRIED: [&str; 4] =
    ["result-colon", "unknown-task-486", "expanded-text-limit", "ussd-replies-refused"];

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
async fn each_quirk_is_named() {
    let names = Quirks::names().into_iter().filter(|name| !NOT_TRIED.contains(name));
    let mut checks: JoinSet<()> = names.map(is_named).collect();
    while let Some(check) = checks.join_next().await {
        check.unwrap();
    }
}

async fn is_named(name: &'static str) {
    let (quirks, found) = match name {
        "close-after=N" => ("close-after=2", "close-after"),
        "close-unannounced" => ("close-after=2,close-unannounced", name),
        name => (name, name),
    };
    let gateway = busy(quirks, Options::default()).await;
    let (findings, _) = examine(&gateway, &[]).await;
    assert!(departures(&findings).contains(found), "{name}: {findings:?}");
    let mut others = departures(&findings);
    others.remove(found);
    // Only the consequences of a quirk are named with it.
    let entailed: &[&str] = match name {
        "close-unannounced" => &["close-after"],
        "missing-keys" => &["port-fields-missing"],
        _ => &[],
    };
    assert!(others.iter().all(|other| entailed.contains(other)), "{name}: {others:?}");
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
async fn only_questions_are_asked_and_no_message_is_marked_as_read() {
    for quirks in ["none", "observed", "post-queries,later-version"] {
        let gateway = busy(quirks, Options::default()).await;
        let (before, inbox) = (gateway.requests().last().unwrap().serial, gateway.inbox());
        examine(&gateway, &[]).await;
        let asked = gateway.requests_after(before).await;
        for request in &asked {
            let call = request.uri.trim_start_matches("/api/").split('?').next().unwrap();
            let is_question = [
                "query_sms_in_queue",
                "query_sms_result",
                "query_sms_deliver_status",
                "query_incoming_sms",
                "get_port_info",
            ];
            assert!(is_question.contains(&call), "{request:?}");
            assert!(call != "query_incoming_sms" || request.uri.ends_with("&flag=read"), "{request:?}");
        }
        assert_eq!(gateway.inbox(), inbox);
        assert_eq!(gateway.counts().accepted, 2);
        assert!(asked.len() <= 60, "{}", asked.len());
    }
}

#[tokio::test]
async fn people_read_first_what_is_asked() {
    let gateway = busy("observed", Options::default()).await;
    let out = people(&gateway, &["doctor"]).await;
    let (plan, findings) = out.split_once("\n\n").unwrap();
    assert!(plan.starts_with("This asks the gateway at 127.0.0.1:"), "{out}");
    for words in ["marks no message as read", "flag=read only", "POST query_sms_result", "At most one"] {
        assert!(plan.replace('\n', " ").contains(words), "{words}: {out}");
    }
    assert!(findings.contains("quirk http") && findings.contains("(data-follows)"), "{out}");
}

#[tokio::test]
async fn a_long_list_of_results_is_examined_in_part() {
    let gateway = busy("none", Options { sent: 10_000, ..Options::default() }).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert_eq!((departures(&findings), code), (BTreeSet::new(), Some(0)));
    for name in ["long-response", "times-inclusive", "one-page", "ports"] {
        assert!(names(&findings).contains(name), "{name}: {findings:?}");
    }
}
