//! Power cuts and damage on a simulated disk. The tests with real files are in `tests/store.rs`.

mod disk;

use super::*;
use ::redb::ReadableDatabase;
use disk::Disk;

/// Splitmix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Runs a call of a store.
fn run<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(call)
}

/// Returns a group of changes of every kind but `Write::Idempotency`. All groups change the same keys.
fn group(number: u32) -> Vec<Write> {
    let byte = number.to_le_bytes()[0];
    let mut writes = vec![Write::DeleteText { key: 0 }, Write::Delete { key: 1 }];
    for key in 0..8 {
        writes.push(Write::Record { key, record: vec![byte; 96] });
        writes.push(Write::Text { key, text: "x".repeat(300 + usize::from(byte)).into() });
        writes.push(Write::Reference { key, reference: number.to_string().into() });
    }
    writes
}

fn entries(disk: &Disk) -> Vec<Entry> {
    let database = Database::new(disk.clone()).unwrap();
    run(database.gateway("box").unwrap().load()).unwrap()
}

/// Saves these groups and closes the database properly. Returns the disk image and its entries.
fn image(groups: std::ops::Range<u32>) -> (Vec<u8>, Vec<Entry>) {
    let disk = Disk::default();
    let database = Database::new(disk.clone()).unwrap();
    let mut store = database.gateway("box").unwrap();
    for number in groups {
        run(store.save(group(number))).unwrap();
    }
    let entries = run(store.load()).unwrap();
    drop((store, database));
    (disk.after_power_cut(|| true), entries)
}

#[test]
fn a_power_cut_at_any_operation_leaves_all_of_a_save_or_nothing() {
    let (start, before) = image(0..3);
    let (_, after) = image(0..4);
    let mut rng = Rng(1);
    for operations in 0.. {
        let disk = Disk::new(start.clone());
        let database = Database::new(disk.clone()).unwrap();
        let mut store = database.gateway("box").unwrap();
        disk.fail_after(operations);
        let saved = run(store.save(group(3)));
        let in_time = saved.is_ok() && !disk.has_failed();
        for _ in 0..8 {
            let found = entries(&Disk::new(disk.after_power_cut(|| rng.next() & 1 == 1)));
            assert!(found == after || saved.is_err() && found == before, "{operations}: {saved:?}");
        }
        if in_time {
            assert!(operations > 3, "{operations} operations");
            return;
        }
        if let Err(error) = saved {
            assert!(matches!(error, StoreError::Io(_)), "{error:?}");
        }
    }
}

#[test]
fn a_power_cut_while_the_last_one_is_repaired_loses_nothing() {
    let (start, before) = image(0..3);
    let disk = Disk::new(start);
    let database = Database::new(disk.clone()).unwrap();
    let mut store = database.gateway("box").unwrap();
    disk.fail_after(3);
    run(store.save(group(3))).unwrap_err();
    let mut rng = Rng(2);
    let torn = disk.after_power_cut(|| rng.next() & 1 == 1);
    for operations in 0.. {
        let disk = Disk::new(torn.clone());
        disk.fail_after(operations);
        let opened = Database::new(disk.clone()).is_ok();
        let found = entries(&Disk::new(disk.after_power_cut(|| rng.next() & 1 == 1)));
        assert_eq!(found, before, "{operations}");
        if opened && !disk.has_failed() {
            return;
        }
    }
}

#[test]
fn a_store_whose_disk_failed_goes_on_failing() {
    let disk = Disk::default();
    let database = Database::new(disk.clone()).unwrap();
    let mut store = database.gateway("box").unwrap();
    disk.fail_after(0);
    for number in 0..3 {
        let error = run(store.save(group(number))).unwrap_err();
        assert!(matches!(error, StoreError::Io(_)), "{number}: {error:?}");
    }
}

#[test]
fn damage_is_told_or_does_not_matter() {
    let (image, before) = image(0..20);
    let mut rng = Rng(3);
    let mut told = 0;
    for case in 0..300 {
        let mut damaged = image.clone();
        for _ in 0..=case % 40 {
            let place = usize::try_from(rng.next()).unwrap() % damaged.len();
            damaged[place] ^= 1 << (rng.next() % 8);
        }
        match Database::new(Disk::new(damaged)) {
            Ok(database) => {
                assert_eq!(run(database.gateway("box").unwrap().load()).unwrap(), before, "{case}");
            }
            Err(StoreError::Damaged(_)) => told += 1,
            Err(error) => panic!("{case}: {error:?}"),
        }
    }
    // Most of the file is unused, so that damage there does not matter.
    assert!(told > 50, "{told} of 300");
}

#[test]
fn a_file_cut_short_is_damaged() {
    let (image, _) = image(0..20);
    for length in [1, 100, 4096, image.len() / 2, image.len() - 1] {
        let opened = Database::new(Disk::new(image[..length].to_vec()));
        assert!(matches!(opened, Err(StoreError::Damaged(_))), "{length}: {opened:?}");
    }
}

#[test]
fn a_newer_format_is_told() {
    let disk = Disk::default();
    drop(Database::new(disk.clone()).unwrap());
    let redb = Builder::new().create_with_backend(disk.clone()).unwrap();
    let transaction = redb.begin_write().unwrap();
    transaction.open_table(ABOUT).unwrap().insert("format", FORMAT + 1).unwrap();
    transaction.commit().unwrap();
    drop(redb);
    assert!(matches!(Database::new(disk), Err(StoreError::Version { found }) if found == FORMAT + 1));
}

#[test]
fn another_program_s_database_is_left_alone() {
    const THEIRS: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    let disk = Disk::default();
    let redb = Builder::new().create_with_backend(disk.clone()).unwrap();
    let transaction = redb.begin_write().unwrap();
    transaction.open_table(THEIRS).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(redb);
    assert!(matches!(Database::new(disk.clone()), Err(StoreError::Damaged(_))));
    let redb = Builder::new().create_with_backend(disk).unwrap();
    let tables: Vec<_> = ReadableDatabase::begin_read(&redb).unwrap().list_tables().unwrap().collect();
    assert_eq!(tables.len(), 1);
}
