//! Stores the tracker's changes.

use heapless::Vec;
use sms_gateway_core::{
    UserId,
    track::{Change, State, Tracker},
};

use crate::store::{Key, Store, Write};

/// The maximum number of changes that are stored at once, and the maximum number of messages in one request.
pub(super) const BATCH: usize = 8;
/// The maximum number of writes at once: one new text; a record and a deleted text for each change; and other deleted texts.
const WRITES: usize = 1 + 2 * BATCH + BATCH;

/// A change, and whether its message can no longer be submitted. If so, the message's text is deleted.
struct Unsaved {
    change: Change,
    is_textless: bool,
}

/// A store, and the changes that are not stored yet. If the future of a save is dropped, the next save repeats them.
pub(super) struct WriteBatch<S> {
    pub(super) store: S,
    unsaved: Vec<Unsaved, BATCH>,
    /// Messages that have no change, but whose texts the next save deletes.
    pub(super) deleted_texts: Vec<u32, BATCH>,
}

impl<S: Store> WriteBatch<S> {
    pub(super) const fn new(store: S) -> Self {
        Self { store, unsaved: Vec::new(), deleted_texts: Vec::new() }
    }

    /// Stores all changes.
    pub(super) async fn save(&mut self, tracker: &mut Tracker<'_>) -> Result<(), S::Error> {
        self.save_with(tracker, None).await
    }

    /// Stores all changes, and a message's text together with the first change.
    pub(super) async fn save_with(
        &mut self,
        tracker: &mut Tracker<'_>,
        mut text: Option<(UserId, &str)>,
    ) -> Result<(), S::Error> {
        loop {
            while !self.unsaved.is_full()
                && let Some(change) = tracker.next_change()
            {
                // Uses the message's state as of this change, because later changes may never be stored.
                let is_textless = change.message().is_some_and(|id| !needs_text(tracker, id));
                let _ = self.unsaved.push(Unsaved { change, is_textless });
            }
            if self.unsaved.is_empty() && self.deleted_texts.is_empty() && text.is_none() {
                return Ok(());
            }
            self.store.save(&writes(&self.unsaved, &self.deleted_texts, text.take())).await?;
            self.unsaved.clear();
            self.deleted_texts.clear();
        }
    }
}

/// Whether the message may be submitted, for the first time or again.
pub(super) fn needs_text(tracker: &Tracker<'_>, id: UserId) -> bool {
    matches!(tracker.state(id), Some(State::Unsent | State::Submitted | State::Uncertain))
}

fn writes<'a>(
    changes: &'a [Unsaved],
    deleted_texts: &[u32],
    text: Option<(UserId, &'a str)>,
) -> Vec<Write<'a>, WRITES> {
    let mut writes = Vec::new();
    let mut add = |key, value| _ = writes.push(Write { key, value });
    if let Some((id, text)) = text {
        add(Key::Text(id.get()), Some(text.as_bytes()));
    }
    for Unsaved { change, is_textless } in changes {
        add(Key::Record(change.key()), change.record());
        if *is_textless {
            add(Key::Text(change.key()), None);
        }
    }
    for id in deleted_texts {
        add(Key::Text(*id), None);
    }
    writes
}

/// Collects as many items as fit. `Iterator::collect` would panic if there were more.
pub(super) fn collect<T, const N: usize>(items: impl Iterator<Item = T>) -> Vec<T, N> {
    let mut vec = Vec::new();
    for item in items {
        if vec.push(item).is_err() {
            break;
        }
    }
    vec
}
