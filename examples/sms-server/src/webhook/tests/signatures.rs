//! Signatures, verified by the Python library of Standard Webhooks.
//!
//! The test needs Python with the package `standardwebhooks`. The environment variable `STANDARDWEBHOOKS_PYTHON` names the interpreter,
//! `python3` by default. Without the package, the test prints a note and is skipped. With the environment variable
//! `REQUIRE_STANDARDWEBHOOKS`, it fails instead.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use super::*;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_webhooks.py");

/// Returns the interpreter, if it has the package.
fn python() -> Option<String> {
    let python = env::var("STANDARDWEBHOOKS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imported = Command::new(&python).args(["-c", "import standardwebhooks"]).output();
    if imported.is_ok_and(|imported| imported.status.success()) {
        return Some(python);
    }
    let missing = "there is no Python with the package standardwebhooks";
    assert!(env::var_os("REQUIRE_STANDARDWEBHOOKS").is_none(), "{missing}");
    // Shown even if the output of tests is captured.
    let line = format!("SKIPPED, {missing}: {}\n", module_path!());
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

#[tokio::test]
async fn signatures_are_verified_by_another_library_which_rejects_changed_events() {
    let Some(python) = python() else { return };
    let (peer, url) = peer(&[500]).await;
    let (storage, _) = storage_of(ACCOUNT, 3).await;
    let receiver = receiver(&url);
    while receiver.send_due(&storage, Time::NEVER).await.unwrap() == Progress::Sent {}
    let (seen, signed) = (peer.seen.lock().unwrap(), peer.signed.lock().unwrap());
    assert_eq!(seen.len(), 4);
    let events: Vec<_> = seen
        .iter()
        .zip(signed.iter())
        .map(|((.., body), [id, timestamp, signature])| {
            let headers = serde_json::json!({
                "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature
            });
            serde_json::json!({ "headers": headers, "body": std::str::from_utf8(body).unwrap() })
        })
        .collect();
    let input = serde_json::json!({ "secret": SECRET, "events": events }).to_string();
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "4 verified, 12 changed ones rejected");
}
