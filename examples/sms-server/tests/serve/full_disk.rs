//! The disk of the storage is full for a time.
//!
//! The tests mount a small tmpfs, which needs root and the right to mount. Without it, they print a note and are skipped. With the
//! environment variable `REQUIRE_TMPFS`, they fail instead.

use std::{collections::BTreeMap, env, path::PathBuf, time::Instant};

use gateway_emulator::{Emulator, Options};

use super::*;

/// A small disk. It is unmounted when it is dropped.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts a disk at a new folder, if this is permitted.
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir(&folder).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&folder).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { folder });
        }
        let missing = "a tmpfs cannot be mounted";
        assert!(env::var_os("REQUIRE_TMPFS").is_none(), "{missing}");
        // Shown even if the output of tests is captured.
        let line = format!("SKIPPED, {missing}: {}\n", module_path!());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        None
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn fill(&self) {
        let mut filler = fs::OpenOptions::new().create(true).append(true).open(self.filler()).unwrap();
        while filler.write(&[1; 4096]).is_ok_and(|written| written > 0) {}
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.folder).status();
    }
}

/// A configuration whose storage is on a small disk, with one gateway, and the messages that were sent to the program.
struct Trial {
    // Dropped before the folder that it is mounted in.
    disk: Disk,
    _folder: tempfile::TempDir,
    config: PathBuf,
    key: String,
    gateway: Emulator,
    /// Whether each message was accepted. The number of a message is its idempotency key.
    accepted: Vec<bool>,
}

impl Trial {
    async fn new() -> Option<Self> {
        let options = Options { speed: 100.0, ports: 8, ..Options::default() };
        let gateway = Emulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::mount(folder.path().join("data"))?;
        let config = folder.path().join("sms-server.toml");
        let (key, lines) = key();
        let text = configuration(&[gateway.url()], &lines);
        fs::write(&config, text.replace("exclusive = true\n", "exclusive = true\nspeed = 100\n")).unwrap();
        Some(Self { disk, _folder: folder, config, key, gateway, accepted: Vec::new() })
    }

    /// Sends a message, for the first time or again. Returns whether it was accepted.
    fn send(&mut self, server: &Server, number: usize) -> bool {
        let body = json!({ "to": "+8613800001234", "text": text(number) });
        let more = format!("Idempotency-Key: {number}\r\n");
        let (status, head, body) = server.exchange("POST", "/v1/messages", &self.key, &more, &body);
        let is_refused = status == 503 && head.contains("\r\nretry-after: ");
        assert!(status == 202 || is_refused, "{head}: {body}");
        self.accepted.resize(self.accepted.len().max(number + 1), false);
        self.accepted[number] |= !is_refused;
        !is_refused
    }

    /// Sends new messages.
    fn send_new(&mut self, server: &Server, count: usize) -> bool {
        (0..count).fold(true, |are_accepted, _| self.send(server, self.accepted.len()) && are_accepted)
    }

    /// Fills the disk until the server notices it, and refuses messages.
    fn fill(&mut self, server: &Server) {
        let began = Instant::now();
        // Opening the storage again, and deleting rows, may make a little room.
        while is_well(server) || self.send_new(server, 1) {
            assert!(began.elapsed() < PATIENCE);
            self.disk.fill();
        }
    }

    /// Repeats the refused messages until each is accepted.
    fn repeat(&mut self, server: &Server) {
        let began = Instant::now();
        for number in 0..self.accepted.len() {
            while !self.accepted[number] && !self.send(server, number) {
                assert!(began.elapsed() < PATIENCE);
            }
        }
    }

    /// Returns how often the gateway got each text. Checks that it got only messages that were accepted.
    fn sent(&self) -> BTreeMap<String, usize> {
        let mut sent = BTreeMap::new();
        for seen in self.gateway.messages() {
            *sent.entry(seen.text).or_default() += 1;
        }
        let accepted = (0..self.accepted.len()).filter(|number| self.accepted[*number]).map(text);
        let accepted: Vec<_> = accepted.collect();
        assert!(sent.keys().all(|text| accepted.contains(text)), "a message was sent without its acceptance");
        sent
    }

    /// Waits until all messages were sent, and checks that each was sent once.
    fn finish(&self, server: &Server) {
        let began = Instant::now();
        let list = || server.call("GET", "/v1/messages?limit=1000", &self.key, &Value::Null);
        let has_ended = |message: &Value| message["state"] == "delivered";
        while !list().1["messages"].as_array().is_some_and(|messages| messages.iter().all(has_ended)) {
            assert!(began.elapsed() < PATIENCE, "{:?}", list());
        }
        let (sent, all) = (self.sent(), 0..self.accepted.len());
        assert_eq!(sent, all.map(|number| (text(number), 1)).collect());
    }
}

fn text(number: usize) -> String {
    format!("message {number}")
}

fn is_well(server: &Server) -> bool {
    server.call("GET", "/healthz", "", &Value::Null).0 == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_messages_and_the_server_recovers_by_itself() {
    let Some(mut trial) = Trial::new().await else { return };
    tokio::task::block_in_place(|| {
        let server = Server::start(&trial.config);
        assert!(is_well(&server) && trial.send_new(&server, 20));
        trial.fill(&server);
        // Messages that were accepted can still be read.
        let began = Instant::now();
        while server.call("GET", "/v1/messages", &trial.key, &Value::Null).0 != 200 {
            assert!(began.elapsed() < PATIENCE);
        }
        trial.sent();
        trial.disk.free();
        trial.repeat(&server);
        assert!(trial.send_new(&server, 20));
        trial.finish(&server);
        while !is_well(&server) {
            assert!(began.elapsed() < PATIENCE);
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_or_doubled_although_the_program_is_killed_while_the_disk_is_full() {
    let Some(mut trial) = Trial::new().await else { return };
    tokio::task::block_in_place(|| {
        let server = Server::start(&trial.config);
        assert!(trial.send_new(&server, 20));
        trial.fill(&server);
        drop(server);
        trial.disk.fill();
        // It depends on the free room within the file whether the program can start.
        match Server::try_start(&trial.config) {
            Ok(server) => {
                trial.send_new(&server, 2);
            }
            Err(printed) => assert!(printed.contains("No space left on device"), "{printed}"),
        }
        trial.sent();
        trial.disk.free();
        let server = Server::start(&trial.config);
        trial.repeat(&server);
        assert!(trial.send_new(&server, 20));
        trial.finish(&server);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_room_for_its_storage_says_so_and_starts_once_there_is_room() {
    let Some(mut trial) = Trial::new().await else { return };
    tokio::task::block_in_place(|| {
        trial.disk.fill();
        let printed = Server::try_start(&trial.config).err().unwrap();
        assert!(printed.contains("server.redb: the storage failed: "), "{printed}");
        assert!(printed.contains("No space left on device"), "{printed}");
        trial.disk.free();
        let server = Server::start(&trial.config);
        assert!(trial.send_new(&server, 1));
        trial.finish(&server);
    });
}
