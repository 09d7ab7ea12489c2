//! Results in the spellings that gateways use.

use std::time::Duration;

use crate::{harness::Harness, list, reply::Reply};

use super::{messenger::sender, model::GatewayModel};

list![
    a_failed_result_precedes_a_better_one,
    a_failed_result_follows_a_better_one,
    a_failed_result_is_cut_off_from_a_better_one,
    a_message_has_only_a_failed_result,
    a_result_is_spelt_otherwise,
    a_result_is_delivered_without_counts,
    a_status_is_unknown,
];

/// A result of the first message: the first user_id of a messenger in these scenarios is 4096.
const SENT: &str = r#"{"port":0,"user_id":4096,"number":"10086","time":"2026-01-01 10:00:00","status":"SENT_OK","count":1,"succ_count":1,"ref_id":10}"#;
const FAILED: &str = r#"{"port":1,"user_id":4096,"number":"10086","time":"2026-01-01 10:00:00","status":"FAILED","count":1,"succ_count":0,"ref_id":0}"#;

fn results(records: &[&str]) -> Reply {
    Reply::json(&format!(r#"{{"error_code":200,"result":[{}]}}"#, records.join(",")))
}

/// Sends a message. `reply` returns the response to each query for its results, by the number of the query.
async fn send(harness: &Harness, reply: impl Fn(usize) -> Reply + Send + 'static) {
    let mut queries = 0;
    GatewayModel::new().serve_but(harness, move |request| {
        let is_query = request.call() == "query_sms_result";
        queries += usize::from(is_query);
        is_query.then(|| reply(queries))
    });
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(Duration::from_secs(70)).await;
    messenger.shut_down().await;
}

async fn a_failed_result_precedes_a_better_one(harness: &mut Harness) {
    send(harness, |_| results(&[FAILED, SENT])).await;
}

async fn a_failed_result_follows_a_better_one(harness: &mut Harness) {
    send(harness, |_| results(&[SENT, FAILED])).await;
}

async fn a_failed_result_is_cut_off_from_a_better_one(harness: &mut Harness) {
    send(harness, |queries| {
        let whole = results(&[FAILED, SENT]);
        let length = results(&[FAILED]).bytes().len();
        if queries == 1 { whole.cut(length).close() } else { whole }
    })
    .await;
}

async fn a_message_has_only_a_failed_result(harness: &mut Harness) {
    send(harness, |_| results(&[FAILED])).await;
}

async fn a_result_is_spelt_otherwise(harness: &mut Harness) {
    send(harness, |_| {
        Reply::json(
            r#"{"error_code":2e2,"result":[{"port":"0","user_id":4096.0,"number":"+86 (100)-86","time":" 2026-01-01 10:00:00 ","status":" sent_ok ","count":" 1 ","succ_count":1.0,"ref_id":"10.0"}]}"#,
        )
    })
    .await;
}

async fn a_result_is_delivered_without_counts(harness: &mut Harness) {
    send(harness, |_| {
        results(&[
            r#"{"port":0,"user_id":4096,"time":"2026-01-01 10:00:00","status":"DELIVERED","ref_id":10}"#,
        ])
    })
    .await;
}

async fn a_status_is_unknown(harness: &mut Harness) {
    send(harness, |queries| match queries {
        1 | 2 => results(&[&SENT.replace("SENT_OK", "QUEUED").replace("\"succ_count\":1,", "")]),
        _ => results(&[SENT]),
    })
    .await;
}
