//! Shortcuts for daily use: files, standard input, profiles, completions.

mod common;

use std::{fs, path::PathBuf, process::Stdio};

use common::{PASSWORD, command, fails, gateway, json, people, run, run_command, run_talking};
use gateway_emulator::Emulator;
use tokio::io::AsyncWriteExt;

/// A separate folder for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sms-client-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn texts(gateway: &Emulator) -> Vec<(String, String)> {
    gateway.messages().into_iter().map(|sms| (sms.number, sms.text)).collect()
}

#[tokio::test]
async fn text_and_recipients_come_from_files() {
    let (gateway, folder) = (gateway().await, Folder::new("files"));
    let text = folder.write("text", "Dear #param#,\nsee you.\n");
    let team = folder.write("team", "# The team\n10086=Ann\n\n10010=Bob\n");
    people(&gateway, &["send", "--text-file", &text, "--to-file", &team, "--to", "10000=Eve"]).await;
    let expected = [("10000", "Eve"), ("10086", "Ann"), ("10010", "Bob")];
    let expected = expected.map(|(number, name)| (number.to_owned(), format!("Dear {name},\nsee you.")));
    assert_eq!(texts(&gateway), expected);
    let wrong = folder.write("wrong", "10086\nAnn\n");
    let failed = run(&gateway, &["send", "--text", "x", "--to-file", &wrong]).await;
    fails(&failed, 2, &["wrong, line 2: "]);
    let empty = folder.write("empty", "\n");
    fails(&run(&gateway, &["send", "--text", "x", "--to-file", &empty]).await, 2, &["no recipients"]);
    assert_eq!(gateway.messages().len(), 3);
}

#[tokio::test]
async fn standard_input_is_read_once() {
    let gateway = gateway().await;
    let mut command = command(&gateway, &["send", "--text-file", "-", "--to", "10086"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"Hello\n").await.unwrap();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(texts(&gateway), [("10086".to_owned(), "Hello".to_owned())]);
    let twice = run(&gateway, &["send", "--text-file", "-", "--to-file", "-"]).await;
    fails(&twice, 2, &["only once"]);
}

#[tokio::test]
async fn an_empty_text_is_sent_only_if_it_is_meant() {
    let gateway = gateway().await;
    let args = ["send", "--text", "", "--to", "10086"];
    fails(&run(&gateway, &args).await, 2, &["the text is empty", "--yes"]);
    assert!(gateway.messages().is_empty());
    people(&gateway, &[&args[..], &["--yes"]].concat()).await;
    assert_eq!(texts(&gateway), [("10086".to_owned(), String::new())]);
}

#[tokio::test]
async fn a_profile_replaces_the_environment() {
    let (gateway, other, folder) = (gateway().await, gateway().await, Folder::new("profile"));
    folder.write("secret", &format!("{PASSWORD}\n"));
    let url = gateway.url();
    let profiles = format!(
        "[office]\ngateway = \"{url}\"\nuser = \"admin\"\npassword-file = \"secret\"\n\n[lab]\nuser = \"x\"\n"
    );
    let file = folder.write("profiles.toml", &profiles);
    // The environment has the other gateway and a wrong password.
    let with = |args: &[&str]| {
        let mut command = command(&other, &[&["--config", &file, "queue"], args].concat());
        command.env("SMS_GATEWAY_PASSWORD", "wrong");
        command
    };
    let queue = run_command(with(&["--profile", "office"])).await;
    assert_eq!((queue.code, &*queue.out), (Some(0), "no message waits to be sent\n"));
    assert!(other.requests().is_empty() && !gateway.requests().is_empty());
    fails(&run_command(with(&["--profile", "home"])).await, 2, &["no profile home; it has lab, office"]);
    // The profile `lab` has no gateway, and the gateway in the environment is not used.
    fails(&run_command(with(&["--profile", "lab"])).await, 2, &["no gateway"]);
    let option = run_command(with(&["--profile", "office", "--gateway", &other.url()])).await;
    assert_eq!((option.code, other.requests().is_empty()), (Some(0), false));
    fails(&run_command(with(&[])).await, 2, &["--config", "--profile"]);
    let wrong = folder.write("wrong.toml", "[office]\n\ngatewya = \"x\"\n");
    let failed = run(&gateway, &["--config", &wrong, "--profile", "office", "queue"]).await;
    fails(&failed, 2, &["wrong.toml, line 3: unknown field `gatewya`"]);
}

#[tokio::test]
async fn verbose_shows_requests_without_credentials() {
    let gateway = gateway().await;
    let seen = run_talking(command(&gateway, &["queue", "--verbose"])).await;
    let starts = ["* connected", "> GET /api/query_sms_in_queue HTTP/1.1", "< HTTP/1.1 401 "];
    for (line, start) in seen.err.lines().zip(starts) {
        assert!(line.starts_with(start), "{seen:?}");
    }
    assert!(seen.err.contains("< HTTP/1.1 200 OK, after ") && !seen.err.contains("Digest"), "{seen:?}");
}

#[tokio::test]
async fn the_inbox_of_one_port_is_shown() {
    let gateway = gateway().await;
    gateway.receive_sms(2, "Bank", "two");
    gateway.receive_sms(3, "Bank", "three");
    let (records, _) = json(&gateway, &["inbox", "--port", "3"]).await;
    assert_eq!((records.len(), &records[0]["text"]), (1, &serde_json::json!("three")));
    fails(&run(&gateway, &["inbox", "--port", "3", "--flag", "unread"]).await, 2, &["mark"]);
    fails(&run(&gateway, &["inbox", "--since", "-1"]).await, 2, &["-1"]);
}

#[tokio::test]
async fn the_label_of_a_message_is_shown() {
    let gateway = gateway().await;
    let args = ["send", "--wait", "sent", "--text", "x", "--to", "10086", "--reference", "order-17"];
    let (events, _) = json(&gateway, &[&args[..], &["--interval", "10ms", "--resend"]].concat()).await;
    assert!(events.iter().all(|event| event["reference"] == "order-17" && event["number"] == "10086"));
    assert_eq!(events.last().unwrap()["final"], true);
}

#[tokio::test]
async fn piped_tables_have_one_line_for_each_record() {
    let gateway = gateway().await;
    gateway.receive_sms(2, "+8613800138000", &"a long text ".repeat(40));
    let out = people(&gateway, &["inbox"]).await;
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[tokio::test]
async fn completions_name_the_commands() {
    let gateway = gateway().await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let out = run(&gateway, &["completions", shell]).await;
        assert!(out.code == Some(0) && out.out.contains("text-file"), "{shell}");
    }
    assert!(gateway.requests().is_empty());
}
