//! Child processes that a test kills.

#![allow(missing_docs, unreachable_pub)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use sms_gateway::{messenger::Builder, store::Database};
use tokio::sync::mpsc;

use crate::following::builder;

/// The environment variables with the gateways' URLs and the folder of a child.
const URL: &str = "SMS_GATEWAY_TEST_URL";
const FOLDER: &str = "SMS_GATEWAY_TEST_FOLDER";

/// Returns a messenger for each gateway, all with one store file, and the child's notes; `None` outside of a child process.
pub fn setting() -> Option<(Vec<Builder>, Notes)> {
    let (urls, notes) = (std::env::var(URL).ok()?, notes("notes")?);
    let database = Database::open(PathBuf::from(std::env::var_os(FOLDER)?).join("store")).unwrap();
    let messenger = |url| builder(url).store(database.gateway(url).unwrap());
    Some((urls.split(',').map(messenger).collect(), notes))
}

/// Opens the notes with this name in a child's folder.
pub fn notes(name: &str) -> Option<Notes> {
    Some(Notes::open(&PathBuf::from(std::env::var_os(FOLDER)?).join(name)))
}

/// The messages that a child noted before it acknowledged them, one per line.
pub struct Notes {
    file: Mutex<File>,
    pub before: BTreeMap<String, String>,
}

impl Notes {
    pub fn open(path: &Path) -> Self {
        let before = fs::read_to_string(path).unwrap_or_default();
        let before = before.lines().filter_map(|line| line.split_once(' '));
        let before = before.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { file: Mutex::new(File::options().append(true).create(true).open(path).unwrap()), before }
    }

    /// Appends a line. The kernel keeps written bytes even when the process is killed.
    pub fn add(&self, key: &str, value: &str) {
        self.file.lock().unwrap().write_all(format!("{key} {value}\n").as_bytes()).unwrap();
        say(&format!("noted {key}"));
    }
}

/// Prints a line for the parent.
pub fn say(what: &str) {
    println!("{what}");
}

/// A child process that runs one of the tests below.
pub struct Life {
    child: Child,
    pub lines: mpsc::UnboundedReceiver<String>,
}

impl Life {
    pub fn begin(test: &str, url: &str, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(URL, url)
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Kills the child and returns its unread output.
    pub async fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut said = Vec::new();
        while let Some(line) = self.lines.recv().await {
            said.push(line);
        }
        said
    }

    pub async fn end(mut self) {
        while self.lines.recv().await.is_some() {}
        assert!(self.child.wait().unwrap().success());
    }
}

/// Random numbers. The test prints their seed.
pub struct Chance(u64);

impl Chance {
    pub fn new() -> Self {
        let seed = RandomState::new().hash_one(0);
        println!("seed {seed}");
        Self(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Creates an empty folder.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}
