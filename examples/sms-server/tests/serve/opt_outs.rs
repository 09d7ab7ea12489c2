//! A recipient opts out by a message to an emulated gateway, and in again.

use std::time::Instant;

use gateway_emulator::{Emulator, Options};

use super::*;

const SPEED: f64 = 30.0;

/// Waits until the newest incoming message is this keyword.
fn received(server: &Server, key: &str, keyword: &str) {
    let began = Instant::now();
    loop {
        let (_, listed) = server.call("GET", "/v1/incoming?limit=1", key, &Value::Null);
        if listed["messages"][0]["keyword"] == json!(keyword) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{listed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_to_a_sender_of_stop_are_refused_until_the_sender_sends_start() {
    let gateway = Emulator::start(Options { speed: SPEED, ..Options::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sms-server.toml");
    let (key, lines) = key();
    let incoming = format!("exclusive = true\nincoming = \"shop\"\nspeed = {SPEED:?}\n");
    let text = configuration(&[gateway.url()], &lines).replace("exclusive = true\n", &incoming);
    fs::write(&config, text).unwrap();
    tokio::task::block_in_place(|| {
        let server = Server::start(&config);
        let body = json!({ "to": "+8613800001234", "text": "Hello" });
        let send = || server.call("POST", "/v1/messages", &key, &body);
        assert_eq!(send().0, 202);
        gateway.receive_sms(0, "+86 138-0000-1234", "Stop ");
        received(&server, &key, "stop");
        let (status, problem) = send();
        assert_eq!((status, &problem["type"]), (422, &json!("urn:sms-server:problem:opted-out")));
        gateway.receive_sms(0, "+8613800001234", "START");
        received(&server, &key, "start");
        assert_eq!(send().0, 202);
    });
}
