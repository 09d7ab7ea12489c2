//! The contents of stores, and of a file whose writer is killed.

#![allow(missing_docs)]

use sms_gateway::store::{BoxStore, Entry, MemoryStore, Store, Write};

/// Runs a call of a store.
fn run<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(call)
}

fn sorted(store: &mut impl Store) -> Vec<Entry> {
    let mut entries = run(store.load()).unwrap();
    entries.sort_by_key(|entry| entry.key);
    entries
}

fn entry(key: u32, record: &[u8], text: Option<&str>, reference: Option<&str>) -> Entry {
    let (text, reference) = (text.map(Into::into), reference.map(Into::into));
    Entry { key, record: record.to_vec(), text, reference, idempotency: None }
}

fn keeps_what_it_should(store: &mut impl Store) {
    assert_eq!(sorted(store), []);
    run(store.save(vec![])).unwrap();
    let (text, reference) = ("ü".repeat(750), "r".repeat(255));
    let ends = [0, 1, u32::MAX];
    for key in ends {
        run(store.save(vec![
            Write::Text { key, text: text.as_str().into() },
            Write::Record { key, record: vec![7; 96] },
            Write::Reference { key, reference: reference.as_str().into() },
            Write::Idempotency { key, hashes: [9; 32] },
        ]))
        .unwrap();
    }
    let with_hashes = |entry| Entry { idempotency: Some([9; 32]), ..entry };
    let complete = ends.map(|key| with_hashes(entry(key, &[7; 96], Some(&text), Some(&reference))));
    assert_eq!(sorted(store), complete);
    // The changes are applied in order, so the last one counts.
    run(store.save(vec![
        Write::Delete { key: 1 },
        Write::Record { key: 1, record: vec![] },
        Write::Record { key: 0, record: vec![1] },
        Write::Record { key: 0, record: vec![2] },
        Write::DeleteText { key: 0 },
        Write::Text { key: u32::MAX, text: "".into() },
        Write::DeleteText { key: 5 },
        Write::Delete { key: 6 },
        Write::Text { key: 8, text: "without a record".into() },
        Write::Idempotency { key: 9, hashes: [8; 32] },
    ]))
    .unwrap();
    let expected = [
        with_hashes(entry(0, &[2], None, Some(&reference))),
        entry(1, &[], None, None),
        with_hashes(entry(u32::MAX, &[7; 96], Some(""), Some(&reference))),
    ];
    assert_eq!(sorted(store), expected);
}

#[test]
fn memory_store_applies_all_changes() {
    let mut store = MemoryStore::new();
    keeps_what_it_should(&mut store);
    assert_eq!(sorted(&mut store.clone()).len(), 3);
    assert_eq!(sorted(&mut MemoryStore::new()), []);
    let mut boxed = BoxStore::new(store);
    assert_eq!(sorted(&mut boxed).len(), 3);
}

#[cfg(feature = "redb")]
mod file {
    use super::*;
    use sms_gateway::{
        Gateway, Messenger,
        core::track::State,
        store::{Database, RedbStore, StoreError},
    };
    use std::{
        collections::BTreeSet,
        env, fs,
        io::{BufRead, BufReader},
        path::{Path, PathBuf},
        process::{Child, Command, Stdio},
    };

    /// The environment variable that tells a child process of the test program which file to use.
    const FILE: &str = "SMS_GATEWAY_TEST_FILE";
    /// The line that a child prints if the file is in use.
    const IN_USE: &str = "in use";

    /// An empty folder that is deleted at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("messages.redb")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Starts this program again, with only one test and a file.
    fn child(test: &str, file: &Path) -> Child {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(FILE, file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
        BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap)
    }

    /// The numbers of the saves that a child reports.
    fn saves(child: &mut Child) -> impl Iterator<Item = u32> + use<> {
        lines(child).filter_map(|line| line.strip_prefix("saved ")?.parse().ok())
    }

    #[test]
    fn database_applies_all_changes_across_a_restart() {
        let folder = Folder::new("keeps");
        let database = Database::open(folder.file()).unwrap();
        let mut store = database.gateway("box").unwrap();
        keeps_what_it_should(&mut store);
        let before = sorted(&mut store);
        drop((store, database));
        let database = Database::open(folder.file()).unwrap();
        assert_eq!(sorted(&mut database.gateway("box").unwrap()), before);
        // No other file is left.
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    /// A file in the first format: five messages of the gateway `cellar`, one of `roof`.
    const FORMAT_1: &[u8] = include_bytes!("recorded/store-format-1.redb");

    #[test]
    fn a_file_of_an_earlier_format_is_continued() {
        let folder = Folder::new("format-1");
        fs::write(folder.file(), FORMAT_1).unwrap();
        for round in 0..2 {
            let database = Database::open(folder.file()).unwrap();
            let mut cellar = database.gateway("cellar").unwrap();
            let entries = sorted(&mut cellar);
            let references: BTreeSet<_> =
                entries.iter().filter_map(|entry| entry.reference.as_deref()).collect();
            assert_eq!(references, ["", "cellar-1", "cellar-2", "cellar-3", "cellar-4"].into());
            let roof = sorted(&mut database.gateway("roof").unwrap());
            assert_eq!(roof.iter().filter(|entry| entry.reference.is_some()).count(), 1);
            assert_eq!(entries.iter().filter(|entry| entry.idempotency.is_some()).count(), round);
            let key = entries[0].key;
            run(cellar.save(vec![Write::Idempotency { key, hashes: [1; 32] }])).unwrap();
        }
    }

    #[tokio::test]
    async fn messages_of_an_earlier_format_are_restored() {
        let folder = Folder::new("restored-1");
        fs::write(folder.file(), FORMAT_1).unwrap();
        let database = Database::open(folder.file()).unwrap();
        // Nothing listens at this address, so the messages do not change.
        let gateway = Gateway::builder("http://127.0.0.1:9").build().unwrap();
        let builder = Messenger::builder(gateway).store(database.gateway("cellar").unwrap());
        let (messenger, mut handles) = builder.start().await.unwrap();
        handles.sort_by_key(|handle| handle.reference().map(str::to_owned));
        let found: Vec<_> = handles
            .iter()
            .map(|handle| (handle.reference().unwrap(), handle.current().state, handle.text()))
            .collect();
        let expected = [
            ("cellar-2", State::Delivered, None),
            ("cellar-3", State::Accepted, None),
            ("cellar-4", State::Unsent, Some("Waiting, 等待".into())),
        ];
        assert_eq!(found, expected);
        messenger.shutdown().await.unwrap();
    }

    #[test]
    fn gateways_are_separate() {
        let folder = Folder::new("gateways");
        let names = ["", "a", "b", "Büro"];
        for round in 0..2 {
            let database = Database::open(folder.file()).unwrap();
            for (name, number) in names.into_iter().zip(0..) {
                let mut store = database.gateway(name).unwrap();
                let expected = if round == 0 { vec![] } else { vec![entry(7, &[number], None, None)] };
                assert_eq!(sorted(&mut store), expected, "{name}");
                run(store.save(vec![Write::Record { key: 7, record: vec![number] }])).unwrap();
            }
        }
        let database = Database::open(folder.file()).unwrap();
        run(database.gateway("a").unwrap().save(vec![Write::Delete { key: 7 }])).unwrap();
        let left = names.map(|name| sorted(&mut database.gateway(name).unwrap()).len());
        assert_eq!(left, [1, 0, 1, 1]);
    }

    #[test]
    fn a_gateway_has_one_store_at_a_time() {
        let folder = Folder::new("one");
        let database = Database::open(folder.file()).unwrap();
        let store = database.gateway("box").unwrap();
        assert!(matches!(database.clone().gateway("box"), Err(StoreError::InUse)));
        drop(store);
        database.gateway("box").unwrap();
    }

    #[test]
    fn a_file_is_open_once() {
        let folder = Folder::new("once");
        let store = Database::open(folder.file()).unwrap().gateway("box").unwrap();
        let error = Database::open(folder.file()).unwrap_err();
        assert!(matches!(error, StoreError::InUse) && error.to_string().contains("in use"), "{error}");
        let mut other = child("file::writes_until_it_is_killed", &folder.file());
        // If the child could open the file, it would write to it without end.
        let said = lines(&mut other).find(|line| line == IN_USE || line.starts_with("saved"));
        let _ = other.kill();
        other.wait().unwrap();
        assert_eq!(said.as_deref(), Some(IN_USE));
        drop(store);
        Database::open(folder.file()).unwrap();
    }

    #[test]
    fn other_files_are_rejected() {
        let folder = Folder::new("told");
        let refused = |content: &[u8]| {
            fs::write(folder.file(), content).unwrap();
            let error = Database::open(folder.file()).unwrap_err();
            assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
            assert_eq!(fs::read(folder.file()).unwrap(), content);
        };
        refused(b"SQLite format 3\0");
        refused(&[0; 4096]);
        fs::write(folder.file(), "").unwrap();
        Database::open(folder.file()).unwrap();
        let error = Database::open(folder.0.join("nowhere").join("x.redb")).unwrap_err();
        assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("owner");
        Database::open(folder.file()).unwrap();
        let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn space_of_deleted_entries_is_reused() {
        let folder = Folder::new("room");
        let mut store = Database::open(folder.file()).unwrap().gateway("box").unwrap();
        let mut fill = |rounds| {
            for _ in 0..rounds {
                let texts = (0..200).map(|key| Write::Text { key, text: "x".repeat(1500).into() });
                run(store.save(texts.collect())).unwrap();
                let forgotten = (0..200).map(|key| Write::Delete { key });
                run(store.save(forgotten.collect())).unwrap();
            }
            fs::metadata(folder.file()).unwrap().len()
        };
        let early = fill(3);
        assert!(fill(20) <= early * 2);
    }

    /// Returns the changes of a save. Besides key 0, a save changes three keys, which its number determines.
    fn group(number: u32) -> Vec<Write> {
        let record = number.to_le_bytes().to_vec();
        let key = number % 100 + 1;
        vec![
            Write::Record { key: 0, record: record.clone() },
            Write::Text { key, text: "x".repeat(1500).into() },
            Write::Reference { key, reference: number.to_string().into() },
            Write::Record { key, record },
            Write::DeleteText { key: (number + 95) % 100 + 1 },
            Write::Delete { key: (number + 90) % 100 + 1 },
        ]
    }

    /// Returns the number of the last save in a store, and asserts that the store holds all of it.
    fn last_save(store: &mut RedbStore) -> u32 {
        let entries = sorted(store);
        let Some(mark) = entries.first() else { return 0 };
        let number = u32::from_le_bytes(mark.record.as_slice().try_into().unwrap());
        let mut expected = MemoryStore::new();
        for earlier in number.saturating_sub(200).max(1)..=number {
            run(expected.save(group(earlier))).unwrap();
        }
        assert_eq!(entries, sorted(&mut expected));
        number
    }

    /// Does nothing as a test. In a child process, saves and reports its saves without end.
    #[test]
    fn writes_until_it_is_killed() {
        let Some(file) = env::var_os(FILE) else { return };
        println!();
        let database = match Database::open(file) {
            Err(StoreError::InUse) => return println!("{IN_USE}"),
            opened => opened.unwrap(),
        };
        let mut store = database.gateway("box").unwrap();
        for number in last_save(&mut store) + 1.. {
            run(store.save(group(number))).unwrap();
            println!("saved {number}");
        }
    }

    #[test]
    fn a_killed_process_has_saved_all_that_it_reported() {
        let folder = Folder::new("killed");
        let mut told = 0;
        for count in [1, 5, 33, 150, 250] {
            let mut child = child("file::writes_until_it_is_killed", &folder.file());
            let mut saves = saves(&mut child);
            for _ in 0..count {
                told += 1;
                assert_eq!(saves.next(), Some(told));
            }
            child.kill().unwrap();
            // The child may have reported more saves before it was killed.
            told = saves.last().unwrap_or(told);
            child.wait().unwrap();
            let mut store = Database::open(folder.file()).unwrap().gateway("box").unwrap();
            let found = last_save(&mut store);
            assert!(found == told || found == told + 1, "{found} saved, {told} told");
            told = found;
        }
    }
}
