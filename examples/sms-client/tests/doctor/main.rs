//! `doctor` against the emulator with each of its quirks, and against peers that misbehave. Also its report, and the replay of a
//! report.

#[path = "../common/mod.rs"]
mod common;
mod cuts;
mod login;
mod output;
mod peers;
mod quirks;
mod replay;
mod report;
mod secrets;
mod socket;
mod tls;

use std::{collections::BTreeSet, fs, path::PathBuf};

use common::{PASSWORD, command, gateway_with, objects, people, run_command};
use gateway_emulator::{Emulator, Options};
use serde_json::Value;

/// Starts a gateway that sends and receives messages before its quirks are switched on.
async fn busy(quirks: &str, options: Options) -> Emulator {
    let gateway = gateway_with(Options { ports: 3, ..options.clone() }).await;
    for (number, id) in [("13800138000", "1"), ("+8613900139000", "2")] {
        people(&gateway, &["send", "--text", "Grüße", "--to", number, "--user-id", id, "--allow-basic"])
            .await;
    }
    gateway.idle().await;
    for text in ["Your code is 4711\n", "Grüße\n你好 😀"] {
        let id = gateway.receive_sms(1, "+8613700137000", text);
        gateway.read_sms(id);
    }
    gateway.receive_sms(1, "+8613700137000", "not read yet");
    gateway.set_quirks(quirks.parse().unwrap());
    gateway
}

/// Examines a gateway, and returns the findings and the exit status.
async fn examine(gateway: &Emulator, more: &[&str]) -> (Vec<Value>, Option<i32>) {
    let run = run_command(command(gateway, &[&["doctor", "--json"], more].concat())).await;
    (objects(&run.out), run.code)
}

/// Returns the names of findings.
fn names(findings: &[Value]) -> BTreeSet<&str> {
    findings.iter().map(|finding| finding["finding"].as_str().unwrap()).collect()
}

/// Returns the names of findings that depart from the document.
fn departures(findings: &[Value]) -> BTreeSet<&str> {
    let departs = |finding: &&Value| finding["level"] != "fact";
    findings.iter().filter(departs).map(|finding| finding["finding"].as_str().unwrap()).collect()
}

/// A separate file for each test, which is removed when the test ends.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sms-client-doctor-{}-{name}.json", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Examines a gateway, and returns the findings and the report.
async fn report(gateway: &Emulator, name: &str) -> (Vec<Value>, String) {
    let file = File::new(name);
    let (findings, _) = examine(gateway, &["--report", file.path(), "--allow-basic"]).await;
    (findings, file.read())
}
