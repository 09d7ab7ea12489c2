//! USSD codes and the replies to them.

use std::collections::VecDeque;

use crate::{harness::Harness, list, reply::Reply};

list![
    a_reply_arrives,
    a_reply_stays_unchanged,
    a_reply_repeats_the_last_one,
    a_reply_never_arrives,
    a_code_is_not_sent,
    a_code_is_not_mentioned,
    a_code_is_lost,
    questions_for_a_reply_fail,
    the_last_question_for_a_reply_fails,
    a_reply_is_refused_by_a_login,
    a_refused_query_before_the_code_hides_an_old_reply,
    an_unreadable_response_before_the_code_hides_an_old_reply,
    no_query_is_answered,
    a_gateway_that_locks_out_is_not_asked_again,
    nothing_is_sent_after_a_failed_connection_or_login,
];

/// Sends a code to a port that shows these texts, one for each query. The last text stays.
async fn dial(harness: &mut Harness, outcome: &'static str, shown: &[&'static str]) {
    harness.set_up_open();
    let mut shown = VecDeque::from(shown.to_vec());
    let mut last = "";
    harness.peer.script(move |request| {
        if request.call() == "send_ussd" {
            return Reply::json(outcome);
        }
        last = shown.pop_front().unwrap_or(last);
        match last {
            "400" | "403" | "404" | "429" | "500" => {
                Reply::status(last.parse().unwrap_or_default(), "broken")
            }
            "refused" => Reply::json(r#"{"error_code":500}"#),
            "silent" => Reply::json(r#"{"reply":[]}"#),
            "broken" => Reply::json(r#"{"error_code":200,"reply":[{"port":3,"text":"Other"},"#),
            "cut" => Reply::never().close(),
            "401" => Reply::digest("n1"),
            text => Reply::json(&format!(
                r#"{{"error_code":200,"reply":[{{"port":3,"text":"Other"}},{{"port":2,"text":"{text}"}}]}}"#
            )),
        }
    });
    harness.ussd(2, "*125#").await;
}

const SENT: &str = r#"{"error_code":202,"result":[{"port":2,"status":200}]}"#;

async fn a_reply_arrives(harness: &mut Harness) {
    dial(harness, SENT, &["", " ", "Balance 12"]).await;
}

async fn a_reply_stays_unchanged(harness: &mut Harness) {
    dial(harness, SENT, &["Balance 12"]).await;
}

async fn a_reply_repeats_the_last_one(harness: &mut Harness) {
    dial(harness, SENT, &["Balance 12", " ", "Balance 12"]).await;
}

async fn a_reply_never_arrives(harness: &mut Harness) {
    dial(harness, SENT, &[""]).await;
}

async fn a_code_is_not_sent(harness: &mut Harness) {
    dial(harness, r#"{"error_code":202,"result":[{"port":2,"status":486}]}"#, &[""]).await;
}

async fn a_code_is_not_mentioned(harness: &mut Harness) {
    dial(harness, r#"{"error_code":202,"result":[{"port":9,"status":200}]}"#, &[""]).await;
}

async fn a_code_is_lost(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|request| match request.call() {
        "send_ussd" => Reply::never().close(),
        _ => Reply::json(r#"{"error_code":200,"reply":[]}"#),
    });
    harness.ussd(2, "*125#").await;
}

async fn questions_for_a_reply_fail(harness: &mut Harness) {
    dial(harness, SENT, &["", "500", "cut", "cut", "500", "Balance 12"]).await;
}

async fn the_last_question_for_a_reply_fails(harness: &mut Harness) {
    dial(harness, SENT, &["", "500"]).await;
}

async fn a_reply_is_refused_by_a_login(harness: &mut Harness) {
    dial(harness, SENT, &["", "401"]).await;
}

async fn a_refused_query_before_the_code_hides_an_old_reply(harness: &mut Harness) {
    for refusal in ["refused", "silent", "400", "404", "500"] {
        dial(harness, SENT, &[refusal, " ", "Balance 12"]).await;
    }
    dial(harness, SENT, &["refused", "refused", "Old", "Balance 12"]).await;
    dial(harness, SENT, &["refused", "Balance 12"]).await;
}

async fn an_unreadable_response_before_the_code_hides_an_old_reply(harness: &mut Harness) {
    dial(harness, SENT, &["broken", "Old", "Balance 12"]).await;
}

async fn no_query_is_answered(harness: &mut Harness) {
    dial(harness, SENT, &["refused"]).await;
}

async fn a_gateway_that_locks_out_is_not_asked_again(harness: &mut Harness) {
    for status in ["403", "429"] {
        dial(harness, SENT, &["Old", "Old", status]).await;
    }
}

async fn nothing_is_sent_after_a_failed_connection_or_login(harness: &mut Harness) {
    for failure in ["401", "403", "cut"] {
        dial(harness, SENT, &[failure, "Old"]).await;
    }
}
