//! A backup is made while the program runs, which goes on, is killed, and starts again with the restored backup.

use std::{collections::BTreeSet, path::PathBuf, time::Instant};

use gateway_emulator::{Canned, Emulator, Options};

use super::*;

fn ids(listed: &Value) -> Vec<String> {
    let messages = listed["messages"].as_array().unwrap();
    messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}

/// A program with one gateway, its configuration, and the keys of an account and of an operator.
struct Setup {
    folder: tempfile::TempDir,
    config: PathBuf,
    key: String,
    admin: String,
}

impl Setup {
    fn new(gateway: &Emulator) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("sms-server.toml");
        let ((key, lines), (admin, operator)) = (key(), key());
        let hash = operator.lines().find(|line| line.starts_with("hash")).unwrap();
        let operator = format!("[[operator]]\nname = \"ops\"\nrole = \"admin\"\n{hash}\n");
        fs::write(&config, configuration(&[gateway.url()], &lines) + &operator).unwrap();
        fs::write(folder.path().join("admin.key"), &admin).unwrap();
        Self { folder, config, key, admin }
    }

    /// Runs a command of an operator. Returns its output.
    fn operate(&self, server: &Server, words: &[&str]) -> String {
        let url = format!("http://{}", server.address);
        let file = self.folder.path().join("admin.key");
        let target = ["--server", &url, "--key-file", file.to_str().unwrap()];
        let (is_done, printed) = command(&[words, &target[..]].concat());
        assert!(is_done, "{words:?}: {printed}");
        printed.trim().to_owned()
    }

    fn gateway(&self, server: &Server, action: &str) {
        let (status, _) =
            server.call("POST", &format!("/v1/gateways/box-0/{action}"), &self.admin, &Value::Null);
        assert_eq!(status, 200);
    }

    fn send(&self, server: &Server, texts: &[&str]) -> Vec<String> {
        let message = |text: &&str| json!({ "to": "+8613800001234", "text": text });
        let body = json!({ "messages": texts.iter().map(message).collect::<Vec<_>>() });
        let (status, accepted) = server.call("POST", "/v1/messages", &self.key, &body);
        assert_eq!(status, 202);
        ids(&accepted)
    }

    fn state(&self, server: &Server, id: &str) -> String {
        let (_, shown) = server.call("GET", &format!("/v1/messages/{id}"), &self.key, &Value::Null);
        shown["state"].as_str().unwrap().to_owned()
    }
}

/// Waits until the gateway has this number of messages, and not more.
fn submitted(gateway: &Emulator, count: usize) {
    let began = Instant::now();
    while gateway.messages().len() < count {
        assert!(began.elapsed() < PATIENCE, "{:?}", gateway.messages());
    }
    assert_eq!(gateway.messages().len(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_sent_twice_after_a_backup_was_restored() {
    let gateway = Emulator::start(Options { speed: 30.0, ..Options::default() }).await.unwrap();
    let setup = Setup::new(&gateway);
    tokio::task::block_in_place(|| {
        let server = Server::start(&setup.config);
        // Its response is lost.
        gateway.answer_next("send_sms", Canned::truth().cut_at(20));
        let bound = setup.send(&server, &["bound"]);
        while setup.state(&server, &bound[0]) == "queued" {}
        setup.gateway(&server, "pause");
        let queued = setup.send(&server, &["queued 1", "queued 2", "queued 3"]);
        let backup = setup.operate(&server, &["backup"]);

        setup.gateway(&server, "resume");
        let later = setup.send(&server, &["later 1", "later 2"]);
        submitted(&gateway, 6);
        drop(server);
        let before = gateway.messages().len();
        let used: BTreeSet<_> = gateway.messages().into_iter().map(|seen| seen.user_id).collect();

        let (is_restored, printed) =
            command(&["restore", &backup, "--config", setup.config.to_str().unwrap()]);
        assert!(is_restored && printed.contains("3 messages are held"), "{printed}");
        let server = Server::start(&setup.config);
        setup.gateway(&server, "resume");
        let held: Value = serde_json::from_str(&setup.operate(&server, &["held", "list"])).unwrap();
        assert_eq!(ids(&held), queued);
        assert!(held["messages"][0]["detail"].as_str().unwrap().contains("may have been sent since"));
        // A new message is sent, and the bound one is only looked up, which takes a while.
        let new = setup.send(&server, &["new"]);
        assert_eq!(new.len(), 1);
        submitted(&gateway, before + 1);
        let after = gateway.messages();
        let new = after.iter().find(|seen| seen.text == "new").unwrap();
        assert!(!used.contains(&new.user_id));
        let (_, lost) = server.call("GET", &format!("/v1/messages/{}", later[0]), &setup.key, &Value::Null);
        assert_eq!(lost["status"], json!(404));

        // A person decides.
        let choice = ["--message", &queued[0]];
        assert_eq!(setup.operate(&server, &[&["held", "release"], &choice[..]].concat()), "1 messages");
        assert_eq!(setup.operate(&server, &["held", "cancel", "--all"]), "2 messages");
        submitted(&gateway, before + 2);
        let sent: Vec<_> = gateway.messages().into_iter().map(|seen| seen.text).collect();
        let times = |text: &str| sent.iter().filter(|sent| *sent == text).count();
        assert_eq!(["bound", "queued 1", "queued 2", "queued 3", "new"].map(times), [1, 2, 1, 1, 1]);
        assert_eq!(setup.state(&server, &queued[1]), "cancelled");
        assert_ne!(setup.state(&server, &bound[0]), "queued");
    });
}
