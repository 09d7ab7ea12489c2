//! The example `blocking`, run against the emulator.
#![allow(missing_docs)]

#[allow(dead_code)]
#[path = "../examples/blocking/main.rs"]
mod blocking;

use std::time::Duration;

use gateway_emulator::{Canned, Emulator, End, Options};

/// Runs the example, and returns what it prints or the error that it reports.
async fn run(
    emulator: &Emulator,
    password: &'static str,
    command: &[&'static str],
) -> Result<String, String> {
    let host = emulator.addr().to_string();
    let command = command.to_vec();
    let program = move || {
        let arguments = [&[host.as_str(), "admin"], &command[..]].concat();
        let mut out = Vec::new();
        let outcome = blocking::run(&arguments, password, &mut out);
        outcome.map_err(|error| error.to_string()).map(|()| String::from_utf8(out).unwrap())
    };
    tokio::task::spawn_blocking(program).await.unwrap()
}

#[tokio::test]
async fn logs_in_and_lists_results_of_a_gateway_with_all_quirks() {
    let quirks = "observed,printed".parse().unwrap();
    let options = Options { quirks, ..Options::default() };
    let emulator = Emulator::start(options).await.unwrap();
    assert_eq!(run(&emulator, "admin", &["results"]).await.unwrap(), "");
    let records =
        r#"{"error_code":200"result":[{"port":3,"number":"10086","status":"SENT_OK"},{"port":4},]}"#;
    emulator.answer_next("query_sms_result", Canned::json(200, records));
    let printed = run(&emulator, "admin", &["results"]).await.unwrap();
    assert_eq!(printed.lines().map(str::trim_end).collect::<Vec<_>>(), ["3 10086 SENT_OK", "4"]);
}

#[tokio::test]
async fn reads_a_chunked_body_that_arrives_byte_by_byte() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        1d\r\n{\"error_code\":200,\"result\":[{\r\n9\r\n\"port\":5}\r\n2\r\n]}\r\n0\r\n\r\n";
    let canned = Canned::bytes(response).in_pieces(1, Duration::ZERO).then(End::KeepAlive);
    emulator.answer_next("query_sms_result", canned);
    let printed = run(&emulator, "admin", &["results"]).await.unwrap();
    assert_eq!(printed.trim_end(), "5");
}

#[tokio::test]
async fn lists_ports() {
    let emulator = Emulator::start(Options { ports: 3, ..Options::default() }).await.unwrap();
    let printed = run(&emulator, "admin", &["ports"]).await.unwrap();
    assert_eq!(printed.lines().count(), 3, "{printed}");
    // One connection with two exchanges: the challenge and the call.
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.requests), (1, 2));
}

#[tokio::test]
async fn sends_a_message_once() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let printed = run(&emulator, "admin", &["send", "10086", "Hello"]).await.unwrap();
    assert!(printed.starts_with("accepted as task "), "{printed}");
    let messages = emulator.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].number.as_str(), messages[0].text.as_str()), ("10086", "Hello"));
}

#[tokio::test]
async fn submission_is_not_repeated_after_a_lost_response() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    emulator.answer_next("send_sms", Canned::truth().carried_out().cut_at(0));
    let error = run(&emulator, "admin", &["send", "10086", "Hello"]).await.unwrap_err();
    assert!(error.ends_with("; the message may have been sent"), "{error}");
    assert_eq!(emulator.messages().len(), 1);
}

#[tokio::test]
async fn wrong_password_is_sent_once() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let error = run(&emulator, "wrong", &["results"]).await.unwrap_err();
    assert_eq!(error, sms_gateway_core::client::Failure::LoginRefused.to_string());
    assert_eq!(emulator.requests().iter().filter(|request| request.authorization).count(), 1);
}

#[tokio::test]
async fn stalled_response_ends_at_the_timeout() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let start = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"error_code\":200,";
    emulator.answer_next("query_sms_result", Canned::bytes(start).then(End::Stall));
    let host = emulator.addr().to_string();
    let call = move || {
        use blocking::client::{Client, Timeouts};
        use sms_gateway_core::{call::QuerySmsResult, http::Credentials};
        let timeouts = Timeouts::new().idle(Duration::from_millis(50));
        let mut gateway = Client::new(&host, Credentials::new("admin", "admin"), timeouts);
        gateway.call(&QuerySmsResult::new(), |_| ()).map(|_| ()).unwrap_err().to_string()
    };
    let error = tokio::task::spawn_blocking(call).await.unwrap();
    assert!(error.contains("after 0.05 s"), "{error}");
}

#[tokio::test]
async fn unknown_commands_show_the_usage() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    assert!(run(&emulator, "admin", &["results", "all"]).await.unwrap_err().starts_with("usage: "));
    assert_eq!(emulator.requests().len(), 0);
}
