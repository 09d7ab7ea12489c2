//! Stores what the tracker changes.

use heapless::Vec;
use sms_gateway_core::{
    UserId,
    track::{Change, Tracker},
};

use crate::store::{Key, Store, Write};

/// How many changes are stored at once, and how many messages are sent with one request.
pub(super) const BATCH: usize = 8;
/// A text, and for each change its record and a text that is of no use any more; and those of messages that were accepted.
const WRITES: usize = 1 + 2 * BATCH + BATCH;

/// A store, and what it does not have yet. What is under way when a future is dropped is stored by the next one.
pub(super) struct Keeper<S> {
    pub(super) store: S,
    unsaved: Vec<Change, BATCH>,
    /// Messages whose texts have done their work.
    done: Vec<u32, BATCH>,
}

impl<S: Store> Keeper<S> {
    pub(super) const fn new(store: S) -> Self {
        Self { store, unsaved: Vec::new(), done: Vec::new() }
    }

    /// The message's text is of no use any more. If that is not noted here, it is forgotten with the message.
    pub(super) fn forget_text(&mut self, id: u32) {
        let _ = self.done.push(id);
    }

    /// Stores all that has changed.
    pub(super) async fn save(&mut self, tracker: &mut Tracker<'_>) -> Result<(), S::Error> {
        self.save_with(tracker, None).await
    }

    /// The same, and a message's text together with it.
    pub(super) async fn save_with(
        &mut self,
        tracker: &mut Tracker<'_>,
        mut text: Option<(UserId, &str)>,
    ) -> Result<(), S::Error> {
        loop {
            while !self.unsaved.is_full()
                && let Some(change) = tracker.next_change()
            {
                let _ = self.unsaved.push(change);
            }
            if self.unsaved.is_empty() && self.done.is_empty() && text.is_none() {
                return Ok(());
            }
            self.store.save(&writes(&self.unsaved, &self.done, text.take())).await?;
            self.unsaved.clear();
            self.done.clear();
        }
    }
}

fn writes<'a>(
    changes: &'a [Change],
    done: &[u32],
    text: Option<(UserId, &'a str)>,
) -> Vec<Write<'a>, WRITES> {
    let text = text.map(|(id, text)| Write { key: Key::Text(id.get()), value: Some(text.as_bytes()) });
    let forgotten = |id: u32| Write { key: Key::Text(id), value: None };
    let changes = changes.iter().flat_map(|change| {
        let record = Write { key: Key::Record(change.key()), value: change.record() };
        let text = change.message().filter(|_| change.record().is_none());
        [Some(record), text.map(|id| forgotten(id.get()))]
    });
    let done = done.iter().map(|id| forgotten(*id));
    // As many as there can be find room.
    gather(text.into_iter().chain(changes.flatten()).chain(done))
}

/// As many items as find room. `collect` would panic for one more.
pub(super) fn gather<T, const N: usize>(items: impl Iterator<Item = T>) -> Vec<T, N> {
    let mut vec = Vec::new();
    for item in items {
        if vec.push(item).is_err() {
            break;
        }
    }
    vec
}
