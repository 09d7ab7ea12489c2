//! Statuses, refusals, and bodies that can't be read.

use crate::{harness::Harness, list, reply::Reply, subject::ApiCall};

use super::calls::printed;

list![
    redirects,
    http_errors,
    refused_submissions,
    refused_calls,
    unknown_tasks,
    malformed_bodies,
    records_before_a_fault,
    records_before_an_end,
    oversize_records,
    unexpected_values,
    bodies_of_no_use_are_read_up_to_a_bound,
];

async fn each(harness: &mut Harness, call: ApiCall, replies: &[Reply]) {
    harness.set_up_open();
    for reply in replies {
        let mut reply = Some(reply.clone());
        harness.peer.script(move |request| reply.take().unwrap_or_else(|| printed(request)));
        harness.call(call).await;
    }
    harness.call(ApiCall::Queue).await;
}

async fn redirects(harness: &mut Harness) {
    let to = |status| Reply::with(status, "Location: https://box/\r\n", "elsewhere");
    let replies = [to(301), to(302), to(307), Reply::status(302, "nowhere"), Reply::status(304, "")];
    each(harness, ApiCall::Queue, &replies).await;
    each(harness, ApiCall::SendSms, &replies).await;
}

async fn http_errors(harness: &mut Harness) {
    let replies =
        [400, 403, 404, 408, 413, 429, 500, 503].map(|status| Reply::status(status, "<html>no</html>"));
    each(harness, ApiCall::Queue, &replies).await;
    each(harness, ApiCall::SendSms, &replies).await;
    each(harness, ApiCall::SendSms, &[Reply::raw("HTTP/1.1 204 X\r\n\r\n")]).await;
}

fn refusal(code: u32) -> Reply {
    Reply::json(&format!(r#"{{"error_code":{code}}}"#))
}

async fn refused_submissions(harness: &mut Harness) {
    let mut replies: Vec<_> = [200, 400, 404, 413, 500, 550, 600].map(refusal).into();
    replies.extend(
        [r#"{"sms_in_queue":0}"#, r#"{"error_code":"x"}"#, "{}", r#"{"error_code":202}"#].map(Reply::json),
    );
    each(harness, ApiCall::SendSms, &replies).await;
}

async fn refused_calls(harness: &mut Harness) {
    for call in ApiCall::ALL {
        each(harness, call, &[refusal(500)]).await;
    }
}

async fn unknown_tasks(harness: &mut Harness) {
    each(harness, ApiCall::StopSms, &[404, 486, 500].map(refusal)).await;
}

async fn malformed_bodies(harness: &mut Harness) {
    let replies = [
        "",
        "<html>",
        "[]",
        r#"{"error_code":200"#,
        r#"{"error_code":200,"in_queue":3"#,
        "null",
        "\u{feff}{}",
    ];
    each(harness, ApiCall::Queue, &replies.map(Reply::json)).await;
    each(harness, ApiCall::SendSms, &replies.map(Reply::json)).await;
}

async fn records_before_a_fault(harness: &mut Harness) {
    let record = r#"{"port":2,"user_id":7,"number":"10086","status":"DELIVERED"}"#;
    let body = |rest: &str| Reply::json(&format!(r#"{{"error_code":200,"result":[{record},{rest}"#));
    let replies = [body("!"), body(""), body("]}").cut(120).close(), body(r"]}"), body("{\"port\":[[[[")];
    each(harness, ApiCall::Results, &replies).await;
}

async fn records_before_an_end(harness: &mut Harness) {
    let half = r#"{"error_code":200,"result":[{"port":1},{"port":2},{"po"#;
    let measured = || Reply::raw(format!("HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n{half}"));
    let unmeasured = || Reply::raw(format!("HTTP/1.1 200 X\r\n\r\n{half}"));
    let replies =
        [measured(), measured().close(), measured().reset(), unmeasured().close(), unmeasured().reset()];
    each(harness, ApiCall::Results, &replies).await;
}

async fn oversize_records(harness: &mut Harness) {
    let sms = |length: usize| {
        let text = "x".repeat(length);
        Reply::json(&format!(
            r#"{{"error_code":200,"sms":[{{"incoming_sms_id":7,"number":"1","text":"{text}"}},{{"incoming_sms_id":8,"number":"2","text":"short"}}],"read":0,"unread":2}}"#
        ))
    };
    each(harness, ApiCall::Incoming, &[sms(20_000)]).await;
}

async fn unexpected_values(harness: &mut Harness) {
    let replies = [
        r#"{"error_code":200,"result":[{"port":99,"number":10086,"status":"GONE","time":"yesterday","count":-1}],"extra":{"a":[1]}}"#,
        r#"{"error_code":"200","result":[{"port":"2","user_id":"7","ref_id":"212"}]}"#,
        r#"{"error_code":200,"result":[{"number":"\ud83d","imsi":null}],"sn":"x"}"#,
        r#"{"error_code":200,"result":{}}"#,
        r#"{"error_code":200}"#,
    ];
    each(harness, ApiCall::Results, &replies.map(Reply::json)).await;
}

async fn bodies_of_no_use_are_read_up_to_a_bound(harness: &mut Harness) {
    let replies = [60_000, 70_000, 300_000].map(|length| Reply::status(404, &"x".repeat(length)));
    each(harness, ApiCall::Queue, &replies).await;
}
