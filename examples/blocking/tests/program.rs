//! The example, run against the emulator.

use gateway_emulator::{Emulator, Options, Quirks};
use std::process::{Command, Output};

async fn run(emulator: &Emulator, password: &'static str) -> Output {
    let host = emulator.addr().to_string();
    let program = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blocking"));
        command.args([&host, "admin"]).env("SMS_GATEWAY_PASSWORD", password).output().unwrap()
    };
    tokio::task::spawn_blocking(program).await.unwrap()
}

#[tokio::test]
async fn logs_in_and_lists_results_of_a_gateway_with_all_quirks() {
    let options = Options { quirks: Quirks::observed(), ..Options::default() };
    let emulator = Emulator::start(options).await.unwrap();
    let output = run(&emulator, "admin").await;
    assert!(output.status.success(), "{output:?}");
    let records =
        r#"{"error_code":200"result":[{"port":3,"number":"10086","status":"SENT_OK"},{"port":4},]}"#;
    emulator.answer_next("query_sms_result", gateway_emulator::Canned::json(200, records));
    let output = run(&emulator, "admin").await;
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(lines[0].contains("port: Known(3)") && lines[0].contains("SentOk"), "{printed}");
}

#[tokio::test]
async fn says_what_went_wrong() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let output = run(&emulator, "wrong").await;
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("401"));
}
