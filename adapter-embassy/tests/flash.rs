//! The store in flash. The power fails at each word that is written.

#![allow(missing_docs)]

#[path = "common/flash.rs"]
#[allow(dead_code, unreachable_pub)]
mod flash;

use flash::{Chip, Failure, Flash, PAGE};
use sms_gateway_embassy::{
    Store,
    core::track::MAX_RECORD_BYTES,
    store::{FlashError, FlashStore, Key, Write, batch_size, work_size},
};
use std::collections::BTreeMap;

/// Two more pages than the values need.
const PAGES: u32 = 5;

type Content = BTreeMap<(bool, u32), Vec<u8>>;

fn entry_key(key: Key) -> (bool, u32) {
    match key {
        Key::Record(id) => (false, id),
        Key::Text(id) => (true, id),
    }
}

/// A batch of changes like those that a messenger stores when it adds, updates or deletes a message.
fn batch(number: u32) -> Vec<(Key, Option<Vec<u8>>)> {
    let id = number / 3 % 7;
    let fill = |length: usize| Some(vec![u8::try_from(number % 251).unwrap(); length]);
    match number % 3 {
        0 => vec![(Key::Text(id), fill(160)), (Key::Record(1 << 31), fill(13)), (Key::Record(id), fill(96))],
        1 => vec![(Key::Record(id), fill(96))],
        _ if id.is_multiple_of(2) => vec![(Key::Text(id), None), (Key::Record(id), None)],
        _ => vec![(Key::Text(id), None), (Key::Record(id), fill(90))],
    }
}

fn apply(content: &mut Content, number: u32) {
    for (key, value) in batch(number) {
        match value {
            Some(value) => content.insert(entry_key(key), value),
            None => content.remove(&entry_key(key)),
        };
    }
}

/// Memory for a store.
struct Memory {
    table: [Option<Key>; 18],
    batch: [u8; 600],
    work: [u8; 608],
}

impl Memory {
    const fn new() -> Self {
        Self { table: [None; 18], batch: [0; 600], work: [0; 608] }
    }

    fn store(&mut self, flash: &Flash) -> FlashStore<'_, Flash> {
        let range = 0..PAGES * u32::try_from(PAGE).unwrap();
        FlashStore::new(flash.clone(), range, &mut self.table, &mut self.batch, &mut self.work).unwrap()
    }
}

async fn save(store: &mut FlashStore<'_, Flash>, number: u32) -> Result<(), FlashError<Failure>> {
    let batch = batch(number);
    let writes: Vec<_> =
        batch.iter().map(|(key, value)| Write { key: *key, value: value.as_deref() }).collect();
    store.save(&writes).await
}

async fn content(flash: &Flash) -> Content {
    let mut memory = Memory::new();
    let mut content = Content::new();
    let mut store = memory.store(flash);
    store
        .restore(&mut |key, value| assert_eq!(content.insert(entry_key(key), value.to_vec()), None))
        .await
        .unwrap();
    content
}

#[tokio::test]
async fn stored_values_survive_many_erasures() {
    let flash = Flash::new(PAGES as usize);
    let (mut memory, mut expected) = (Memory::new(), Content::new());
    let mut store = memory.store(&flash);
    for number in 0..601 {
        save(&mut store, number).await.unwrap();
        apply(&mut expected, number);
        if number % 50 == 0 {
            assert_eq!(content(&flash).await, expected, "after {number}");
        }
    }
    let mut buffer = [0; 160];
    let (key, text) = expected.iter().find(|(key, _)| key.0).expect("a text");
    assert_eq!(store.load(Key::Text(key.1), &mut buffer).await, Ok(Some(text.len())));
    assert_eq!(&buffer[..text.len()], text);
    assert_eq!(store.load(Key::Text(key.1), &mut [0; 10]).await, Ok(None));
    assert_eq!(store.load(Key::Text(99), &mut buffer).await, Ok(None));
    assert!(flash.0.borrow().erased > 30, "{} erasures", flash.0.borrow().erased);
}

/// Stores these batches until the power fails. Returns the number of batches that were stored.
async fn save_until_the_power_fails(flash: &Flash, power: usize, batches: std::ops::Range<u32>) -> u32 {
    let mut memory = Memory::new();
    let mut store = memory.store(flash);
    flash.set_power(power);
    let mut stored = 0;
    for number in batches {
        match save(&mut store, number).await {
            Ok(()) => stored += 1,
            Err(error) => {
                assert_eq!(error, FlashError::Flash(Failure::NoPower));
                break;
            }
        }
    }
    flash.set_power(usize::MAX);
    stored
}

#[tokio::test]
async fn a_power_failure_leaves_all_changes_of_a_batch_or_none() {
    // The pages fill up, so that the power also fails during erasures.
    for before in [0, 7, 12] {
        let initial = Flash::new(PAGES as usize);
        let mut initial_content = Content::new();
        assert_eq!(save_until_the_power_fails(&initial, usize::MAX, 0..before).await, before);
        (0..before).for_each(|number| apply(&mut initial_content, number));
        let mut is_complete = false;
        for power in 0..2000 {
            let flash = Flash::new(PAGES as usize);
            flash.0.borrow_mut().bytes.clone_from(&initial.0.borrow().bytes);
            let batches = before..before + 4;
            let stored = save_until_the_power_fails(&flash, power, batches.clone()).await;
            let mut expected = initial_content.clone();
            (before..before + stored).for_each(|number| apply(&mut expected, number));
            // A batch whose save failed is not stored.
            assert_eq!(content(&flash).await, expected, "after {before}, cut at {power}");
            is_complete = stored == 4;
            // After the power failure, the store can be used again.
            if power % 5 != 0 && !is_complete {
                continue;
            }
            let rest = before + stored..before + 8;
            assert_eq!(save_until_the_power_fails(&flash, usize::MAX, rest.clone()).await, 8 - stored);
            (before + stored..before + 8).for_each(|number| apply(&mut expected, number));
            assert_eq!(content(&flash).await, expected, "after {before}, cut at {power}, then continued");
            if is_complete {
                break;
            }
        }
        assert!(is_complete, "the largest power suffices for all batches");
    }
}

#[tokio::test]
async fn a_save_can_be_repeated_after_its_future_is_dropped_at_any_poll() {
    use std::task::{Context, Poll, Waker};
    for polls in 1..40 {
        let flash = Flash::new(PAGES as usize);
        let (mut memory, mut expected) = (Memory::new(), Content::new());
        let mut store = memory.store(&flash);
        for number in 0..7 {
            save(&mut store, number).await.unwrap();
            apply(&mut expected, number);
        }
        {
            let mut dropped = std::pin::pin!(save(&mut store, 9));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if let Poll::Ready(outcome) = dropped.as_mut().poll(&mut context) {
                    outcome.unwrap();
                    break;
                }
            }
        }
        // The caller saves the same changes again.
        save(&mut store, 9).await.unwrap();
        apply(&mut expected, 9);
        assert_eq!(content(&flash).await, expected, "dropped after {polls}");
    }
}

#[tokio::test]
async fn ranges_buffers_and_tables_that_do_not_fit_are_refused() {
    let page = u32::try_from(PAGE).unwrap();
    let flash = Flash::new(PAGES as usize);
    for range in [0..page, 0..page * 2 + 4, 4..page * 3] {
        let refused = FlashStore::new(flash.clone(), range, &mut [], &mut [], &mut []);
        assert_eq!(refused.err(), Some(FlashError::Range));
    }
    let (mut table, mut small, mut work) = ([None; 1], [0; 50], [0; 608]);
    let mut store = FlashStore::new(flash.clone(), 0..page * 2, &mut table, &mut small, &mut work).unwrap();
    let text = [b'x'; 44];
    let write = |id, length| [Write { key: Key::Text(id), value: Some(&text[..length]) }];
    assert_eq!(store.save(&write(1, 44)).await, Err(FlashError::TooSmall { needed: 51 }));
    store.save(&write(1, 43)).await.unwrap();
    assert_eq!(store.save(&write(2, 1)).await, Err(FlashError::NoPlace));
    store.save(&[Write { key: Key::Text(1), value: None }]).await.unwrap();
    store.save(&write(2, 1)).await.unwrap();
}

fn text(id: u32, bytes: &[u8]) -> Write<'_> {
    Write { key: Key::Text(id), value: Some(bytes) }
}

fn record(id: u32, bytes: &[u8]) -> Write<'_> {
    Write { key: Key::Record(id), value: Some(bytes) }
}

fn deleted(id: u32) -> [Write<'static>; 2] {
    [Key::Text(id), Key::Record(id)].map(|key| Write { key, value: None })
}

/// The content of a store whose table has `places` places.
async fn content_with_table(
    flash: &Flash,
    pages: u32,
    places: usize,
) -> Result<Content, FlashError<Failure>> {
    let (mut table, mut batch, mut work) = (vec![None; places], [0; 600], [0; 608]);
    let range = 0..pages * u32::try_from(PAGE).unwrap();
    let mut store = FlashStore::new(flash.clone(), range, &mut table, &mut batch, &mut work).unwrap();
    let mut content = Content::new();
    store
        .restore(&mut |key, value| assert_eq!(content.insert(entry_key(key), value.to_vec()), None))
        .await
        .map(|()| content)
}

#[tokio::test]
async fn changes_without_a_place_in_the_table_change_nothing() {
    let flash = Flash::new(2);
    let (mut table, mut batch, mut work) = ([None; 5], [0; 600], [0; 608]);
    let range = 0..2 * u32::try_from(PAGE).unwrap();
    let mut store = FlashStore::new(flash.clone(), range, &mut table, &mut batch, &mut work).unwrap();
    for id in 1..3 {
        store.save(&[text(id, b"text"), record(id, b"record")]).await.unwrap();
    }
    let before = content_with_table(&flash, 2, 5).await.unwrap();
    let refused = store.save(&[text(3, b"text"), record(3, b"record")]).await;
    assert_eq!(refused, Err(FlashError::NoPlace));
    // Neither change is stored. A larger table would find a change that was stored at another place.
    assert_eq!(content_with_table(&flash, 2, 5).await, Ok(before.clone()));
    assert_eq!(content_with_table(&flash, 2, 9).await, Ok(before));
    assert_eq!(store.load(Key::Text(1), &mut [0; 9]).await, Ok(Some(4)));
    // A deletion frees its place for changes of the same batch, in any order. The last change of a key counts.
    let [no_text, no_record] = deleted(1);
    let changes =
        [text(3, b"text"), record(3, b"old"), no_text, record(3, b"new"), text(1, b"x"), no_record, no_text];
    store.save(&changes).await.unwrap();
    let expected =
        [((true, 2), b"text" as &[u8]), ((false, 2), b"record"), ((true, 3), b"text"), ((false, 3), b"new")];
    let expected: Content = expected.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
    assert_eq!(content_with_table(&flash, 2, 5).await, Ok(expected));
}

#[tokio::test]
async fn a_full_flash_keeps_its_values_and_accepts_deletions() {
    let range = |pages: usize| 0..u32::try_from(pages * PAGE).unwrap();
    // Pseudorandom numbers.
    let numbers =
        std::iter::successors(Some(1_u32), |number| Some(number.wrapping_mul(69069).wrapping_add(1)));
    let mut numbers = numbers.map(|number| number >> 16);
    for pages in [3, 4, 6] {
        let (flash, mut expected) = (Flash::new(pages), Content::new());
        let (mut full, mut stored) = (0, 0);
        while full < 30 {
            // A restart.
            let (mut table, mut batch, mut work) = ([None; 36], [0; 600], [0; 608]);
            let mut store =
                FlashStore::new(flash.clone(), range(pages), &mut table, &mut batch, &mut work).unwrap();
            for _ in 0..20 {
                let (id, length) = (numbers.next().unwrap() % 18, numbers.next().unwrap() as usize % 200);
                let (bytes, known) = (vec![7; length], expected.contains_key(&(true, id)));
                let changes = [text(id, &bytes), record(id, &bytes[..length.min(MAX_RECORD_BYTES)])];
                let count = if length % 5 == 0 { 1 } else { 2 };
                match store.save(&changes[..count]).await {
                    Ok(()) => {
                        stored += 1;
                        for change in &changes[..count] {
                            expected.insert(entry_key(change.key), change.value.unwrap().to_vec());
                        }
                    }
                    Err(error) => {
                        assert_eq!(error, FlashError::Full);
                        full += 1;
                        if full % 3 == 0 {
                            break;
                        }
                        // There is always room for a deletion.
                        let victim = if known { id } else { expected.keys().next().unwrap().1 };
                        store.save(&deleted(victim)).await.unwrap();
                        expected.retain(|key, _| key.1 != victim);
                    }
                }
            }
            assert_eq!(
                content_with_table(&flash, u32::try_from(pages).unwrap(), 36).await.as_ref(),
                Ok(&expected)
            );
        }
        assert!(stored > 30, "{stored} of {pages} pages");
        // After a restart, there is room for deletions, too.
        let (mut table, mut batch, mut work) = ([None; 36], [0; 600], [0; 608]);
        let mut store =
            FlashStore::new(flash.clone(), range(pages), &mut table, &mut batch, &mut work).unwrap();
        for id in 0..18 {
            store.save(&deleted(id)).await.unwrap();
        }
        assert_eq!(content_with_table(&flash, u32::try_from(pages).unwrap(), 36).await, Ok(Content::new()));
    }
}

#[tokio::test]
async fn no_value_is_lost_if_the_table_is_too_small_after_a_restart() {
    let flash = Flash::new(PAGES as usize);
    let mut memory = Memory::new();
    let mut store = memory.store(&flash);
    for id in 1..4 {
        store.save(&[text(id, b"text"), record(id, b"record")]).await.unwrap();
    }
    let all = content(&flash).await;
    assert_eq!(all.len(), 6);
    assert_eq!(content_with_table(&flash, PAGES, 2).await, Err(FlashError::NoPlace));
    assert_eq!(content_with_table(&flash, PAGES, 5).await, Err(FlashError::NoPlace));
    assert_eq!(content_with_table(&flash, PAGES, 6).await, Ok(all.clone()));
    assert_eq!(content(&flash).await, all);
    // Deleted values need no place.
    store.save(&deleted(2)).await.unwrap();
    store.save(&deleted(3)).await.unwrap();
    assert_eq!(content_with_table(&flash, PAGES, 1).await, Err(FlashError::NoPlace));
    assert_eq!(content_with_table(&flash, PAGES, 2).await.map(|content| content.len()), Ok(2));
}

/// Checks that buffers of the minimum sizes suffice for a messenger's largest batch, with this word size.
async fn check_buffers_with_words<const WORD: usize>() {
    const TEXT: usize = 101;
    let chip = || Chip::<WORD, 4096>::new(4);
    let (long, other) = ([b'x'; TEXT], [7; MAX_RECORD_BYTES]);
    let mut changes = vec![text(9, &long)];
    for id in 0..8 {
        changes.push(record(id, &other));
        changes.push(Write { key: Key::Text(id), value: None });
        changes.push(Write { key: Key::Text(id + 100), value: None });
    }
    let exact = (batch_size(TEXT) + 2).next_multiple_of(WORD);
    assert!(exact <= work_size(TEXT), "{exact}");
    for (work, batch, outcome) in [
        (exact, batch_size(TEXT), Ok(())),
        (work_size(TEXT), batch_size(TEXT), Ok(())),
        (exact - 1, batch_size(TEXT), Err(FlashError::TooSmall { needed: exact })),
        (exact, batch_size(TEXT) - 1, Err(FlashError::TooSmall { needed: batch_size(TEXT) })),
    ] {
        let flash = chip();
        let (mut table, mut batch, mut work) = (vec![None; 18], vec![0; batch], vec![0; work]);
        let range = 0..4 * 4096;
        let mut store = FlashStore::new(flash, range, &mut table, &mut batch, &mut work).unwrap();
        // Only a value that exists can be deleted.
        for id in (0..8).flat_map(|id| [id, id + 100]) {
            store.save(&[text(id, b"")]).await.unwrap();
        }
        assert_eq!(store.save(&changes).await, outcome);
        let mut count = 0;
        store.restore(&mut |_, _| count += 1).await.unwrap();
        assert_eq!(count, if outcome.is_ok() { 9 } else { 16 });
    }
}

#[tokio::test]
async fn buffers_of_the_minimum_sizes_suffice_for_any_word_size() {
    check_buffers_with_words::<1>().await;
    check_buffers_with_words::<4>().await;
    check_buffers_with_words::<16>().await;
    check_buffers_with_words::<32>().await;
}

#[tokio::test]
async fn a_flash_with_foreign_content_is_corrupted_until_it_is_erased() {
    let flash = Flash::new(PAGES as usize);
    flash.0.borrow_mut().bytes.fill(0x5A);
    let mut memory = Memory::new();
    let mut store = memory.store(&flash);
    assert_eq!(store.restore(&mut |_, _| ()).await, Err(FlashError::Corrupted));
    assert_eq!(store.save(&[text(1, b"text")]).await, Err(FlashError::Corrupted));
    store.erase().await.unwrap();
    store.save(&[text(1, b"text")]).await.unwrap();
    assert_eq!(content(&flash).await, Content::from([((true, 1), b"text".to_vec())]));
    // Erasing also deletes valid values.
    store.erase().await.unwrap();
    assert_eq!(store.load(Key::Text(1), &mut [0; 9]).await, Ok(None));
    assert_eq!(content(&flash).await, Content::new());
}

#[tokio::test]
async fn records_of_a_full_flash_can_be_updated_and_deleted() {
    const SIZE: usize = 2048;
    for pages in [4, 6] {
        let flash = Chip::<4, SIZE>::new(pages);
        let (mut table, mut batch, mut work) = ([None; 60], [0; batch_size(160)], [0; work_size(160)]);
        let range = 0..u32::try_from(pages * SIZE).unwrap();
        let mut store = FlashStore::new(flash, range, &mut table, &mut batch, &mut work).unwrap();
        // Records without a text leave the least room.
        let mut ids = 0..;
        let last = loop {
            let id = ids.next().unwrap();
            let (short, long) = ([1; 13], [2; 160]);
            let change = if id % 3 == 0 { text(id, &long) } else { record(id, &short) };
            match store.save(&[change]).await {
                Ok(()) => {}
                Err(error) => break (assert_eq!(error, FlashError::Full), id).1,
            }
        };
        assert!(last > 3, "{last}");
        let records = (0..last).filter(|id| id % 3 != 0).collect::<Vec<_>>();
        for round in 0..50 {
            let updated = [round; MAX_RECORD_BYTES];
            for some in records.chunks(8) {
                let changes = some.iter().map(|id| record(*id, &updated)).collect::<Vec<_>>();
                store.save(&changes).await.unwrap();
            }
        }
        for some in records.chunks(8) {
            let changes = some.iter().flat_map(|id| deleted(*id)).collect::<Vec<_>>();
            store.save(&changes).await.unwrap();
        }
        store.save(&[text(last, b"a new text")]).await.unwrap();
    }
}
