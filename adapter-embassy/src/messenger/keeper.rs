//! Stores what the tracker changes.

use heapless::Vec;
use sms_gateway_core::{
    UserId,
    track::{Change, State, Tracker},
};

use crate::store::{Key, Store, Write};

/// How many changes are stored at once, and how many messages are sent with one request.
pub(super) const BATCH: usize = 8;
/// A text, and for each change its record and a text that is of no use any more; and those that were left.
const WRITES: usize = 1 + 2 * BATCH + BATCH;

/// A change, and whether its message can't be submitted any more, so that its text is of no use.
struct Unsaved {
    change: Change,
    is_textless: bool,
}

/// A store, and what it does not have yet. What is under way when a future is dropped is stored by the next one.
pub(super) struct Keeper<S> {
    pub(super) store: S,
    unsaved: Vec<Unsaved, BATCH>,
    /// Messages whose texts are of no use any more, beside those of the changes.
    done: Vec<u32, BATCH>,
}

impl<S: Store> Keeper<S> {
    pub(super) const fn new(store: S) -> Self {
        Self { store, unsaved: Vec::new(), done: Vec::new() }
    }

    /// The message's text is of no use, without a change that says so.
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
                // What it is at the time of its record: what comes later may never be stored.
                let is_textless = change.message().is_some_and(|id| !needs_text(tracker, id));
                let _ = self.unsaved.push(Unsaved { change, is_textless });
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

/// Whether the message may be submitted, for the first time or again.
pub(super) fn needs_text(tracker: &Tracker<'_>, id: UserId) -> bool {
    let message = tracker.message(id);
    message.is_some_and(|it| matches!(it.state, State::Unsent | State::Submitted | State::Uncertain))
}

fn writes<'a>(
    changes: &'a [Unsaved],
    done: &[u32],
    text: Option<(UserId, &'a str)>,
) -> Vec<Write<'a>, WRITES> {
    let text = text.map(|(id, text)| Write { key: Key::Text(id.get()), value: Some(text.as_bytes()) });
    let forgotten = |id: u32| Write { key: Key::Text(id), value: None };
    let changes = changes.iter().flat_map(|Unsaved { change, is_textless }| {
        let record = Write { key: Key::Record(change.key()), value: change.record() };
        [Some(record), is_textless.then(|| forgotten(change.key()))]
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
