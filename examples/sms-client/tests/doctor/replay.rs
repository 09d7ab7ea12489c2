use std::time::Duration;

use gateway_emulator::{Canned, Emulator, NonceLife, Options, Replay, Stale};
use serde_json::Value;

use super::{busy, common::gateway_with, report};

/// Returns the findings in a report.
pub(super) fn findings(report: &str) -> Value {
    serde_json::from_str::<Value>(report).unwrap()["findings"].take()
}

/// Asserts that a replay of the report leads to the same findings.
pub(super) async fn is_replayed(first: &str, what: &str) {
    let replay = Some(Replay::read(first).unwrap());
    let replayed = gateway_with(Options { replay, ..Options::default() }).await;
    let name = format!("again-{}", what.replace(['=', ',', '/'], "-"));
    let (_, again) = report(&replayed, &name).await;
    assert_eq!(findings(&again), findings(first), "{what}");
}

async fn check(gateway: &Emulator, what: &str) {
    let (_, report) = report(gateway, &format!("first-{what}")).await;
    is_replayed(&report, what).await;
}

#[tokio::test]
async fn a_replay_of_several_quirks_gives_the_same_findings() {
    for (index, quirks) in [
        "none",
        "observed,printed",
        "later-version,chunked,raw-control,escape-non-ascii",
        "until-close,report-number-national,strict-times",
        "http-1-0,lone-surrogate,byte-order-mark",
        "close-after=2,close-unannounced,error-code-last",
        "empty-post-closes,post-queries,smsc-refused,raw-comma-refused",
    ]
    .into_iter()
    .enumerate()
    {
        check(&busy(quirks, Options::default()).await, &format!("several-{index}")).await;
    }
}

#[tokio::test]
async fn a_replay_has_the_same_nonces() {
    for (index, (nonce, stale)) in [
        (NonceLife::OneRequest, Stale::Truthful),
        (NonceLife::Lasting(Duration::from_secs(1)), Stale::Truthful),
        (NonceLife::OneRequest, Stale::Absent),
    ]
    .into_iter()
    .enumerate()
    {
        let gateway = busy("none", Options { nonce, stale, ..Options::default() }).await;
        check(&gateway, &format!("nonces-{index}")).await;
    }
}

#[tokio::test]
async fn a_replay_has_the_same_faults() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let latin = b"{\"error_code\":200,\"result\":[{\"port\":1,\"number\":\"Gr\xfc\xdfe\",\"time\":\"\",\"ref_id\":1,\"status_code\":0}]}";
    let whole =
        |body: &[u8]| [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
    for (index, (bytes, found)) in [
        (whole(latin), "not-utf-8"),
        (whole(b"<html>Sign in</html>"), "web-page"),
        (whole(b"{\"error_code\":200,\"Smith\":[1,2"), "malformed"),
        (whole(b"{\"error_code\":200,\"result\":[],\"Smith\":1}"), "unknown-keys"),
        ([head.as_bytes(), b"Content-Length: 99\r\n\r\n{\"error_code\":200"].concat(), "incomplete"),
        ([head.as_bytes(), b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"err\r\n9"].concat(), "incomplete"),
        (whole(b"{\"error_code\":500,\"sn\":\"Smith\"}"), "error-code"),
        (whole(b"{\"error_code\":13800138000}"), "error-code"),
        (b"HTTP/1.1 500 Smith\r\nContent-Length: 2\r\n\r\nno".to_vec(), "query-refused"),
    ]
    .into_iter()
    .enumerate()
    {
        let gateway = busy("none", Options::default()).await;
        gateway.answer_next("query_sms_deliver_status", Canned::bytes(bytes).cut_at(4096));
        let (_, report) = report(&gateway, &format!("fault-{index}")).await;
        assert!(report.contains(&format!("\"finding\": \"{found}\"")), "{found}: {report}");
        is_replayed(&report, found).await;
    }
}
