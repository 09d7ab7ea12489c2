//! The store in flash, whose power goes at every word that is written.

#![allow(missing_docs)]

#[path = "common/flash.rs"]
#[allow(dead_code, unreachable_pub)]
mod flash;

use flash::{Failure, Flash, PAGE};
use sms_gateway_embassy::{
    Store,
    store::{FlashError, FlashStore, Key, Write},
};
use std::collections::BTreeMap;

/// Two more than the values take.
const PAGES: u32 = 5;

type Content = BTreeMap<(bool, u32), Vec<u8>>;

fn place(key: Key) -> (bool, u32) {
    match key {
        Key::Record(id) => (false, id),
        Key::Text(id) => (true, id),
    }
}

/// Some changes that belong together: what a messenger stores when a message is added, comes further, and is forgotten.
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
            Some(value) => content.insert(place(key), value),
            None => content.remove(&place(key)),
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
        .restore(&mut |key, value| assert_eq!(content.insert(place(key), value.to_vec()), None))
        .await
        .unwrap();
    content
}

#[tokio::test]
async fn what_is_stored_comes_back_over_many_erasures() {
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

/// Stores these batches with so much power; how many were stored.
async fn until_the_power_goes(flash: &Flash, power: usize, batches: std::ops::Range<u32>) -> u32 {
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
async fn a_power_cut_leaves_all_of_the_changes_or_none() {
    // The pages fill, so that the cuts fall on erasures too.
    for before in [0, 7, 12] {
        let begun = Flash::new(PAGES as usize);
        let mut at_first = Content::new();
        assert_eq!(until_the_power_goes(&begun, usize::MAX, 0..before).await, before);
        (0..before).for_each(|number| apply(&mut at_first, number));
        let mut is_whole = false;
        for power in 0..2000 {
            let flash = Flash::new(PAGES as usize);
            flash.0.borrow_mut().bytes.clone_from(&begun.0.borrow().bytes);
            let batches = before..before + 4;
            let stored = until_the_power_goes(&flash, power, batches.clone()).await;
            let mut expected = at_first.clone();
            (before..before + stored).for_each(|number| apply(&mut expected, number));
            let mut next = expected.clone();
            apply(&mut next, before + stored);
            let found = content(&flash).await;
            assert!(found == expected || found == next, "after {before}, cut at {power}: {found:?}");
            is_whole = stored == 4;
            // And on it goes.
            if power % 5 != 0 && !is_whole {
                continue;
            }
            let rest = before + stored..before + 8;
            assert_eq!(until_the_power_goes(&flash, usize::MAX, rest.clone()).await, 8 - stored);
            (before + stored..before + 8).for_each(|number| apply(&mut expected, number));
            assert_eq!(content(&flash).await, expected, "after {before}, cut at {power}, and on");
            if is_whole {
                break;
            }
        }
        assert!(is_whole, "all can be stored with so much power");
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_stores_all_or_nothing_and_the_store_goes_on() {
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
        // The same comes again.
        save(&mut store, 9).await.unwrap();
        apply(&mut expected, 9);
        assert_eq!(content(&flash).await, expected, "dropped after {polls}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_told() {
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
