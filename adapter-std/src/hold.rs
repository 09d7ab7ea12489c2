//! How a response holds its client: whether it is being read.
//!
//! A reader only stores a few values at each record. Those who wait for the client do the rest.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

/// How the current call holds a client.
#[derive(Default)]
pub(crate) struct Hold {
    /// The number of the turn.
    turn: AtomicU64,
    /// The number of changes and of reads so far.
    step: AtomicU64,
    /// Whether a response is held and not being read.
    is_unread: AtomicBool,
    /// Whether the response gives way whenever it is not being read.
    gives_way: AtomicBool,
    /// The number of those who wait for a change.
    waiting: AtomicUsize,
    changed: Notify,
}

/// One who waits for a change.
struct Waiter<'h>(&'h Hold);

impl Hold {
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(SeqCst)
    }

    pub(crate) fn gives_way(&self) -> bool {
        self.gives_way.load(SeqCst)
    }

    /// Notes whether the response is held and not being read, from now on.
    pub(crate) fn set_unread(&self, is_unread: bool) {
        self.is_unread.store(is_unread, SeqCst);
        self.step.fetch_add(1, SeqCst);
        // One who begins to wait after this has not looked at the values yet.
        if self.waiting.load(SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    /// Lets other calls pass the response from now on, whenever it is not being read.
    pub(crate) fn give_way(&self) {
        if self.is_unread.load(SeqCst) {
            self.gives_way.store(true, SeqCst);
        }
    }

    /// Notes that the client is free.
    pub(crate) fn end_turn(&self) {
        self.turn.fetch_add(1, SeqCst);
        self.gives_way.store(false, SeqCst);
        self.set_unread(false);
    }

    /// Returns whether the response has not been read since this step.
    pub(crate) fn is_still_at(&self, step: u64) -> bool {
        self.is_unread.load(SeqCst) && self.step.load(SeqCst) == step
    }

    /// Waits until a response has been held for a time without being read. Returns the step.
    pub(crate) async fn unread(&self, limit: fn(&Self) -> Duration) -> u64 {
        let waiter = Waiter::of(self);
        loop {
            let mut changed = pin!(waiter.0.changed.notified());
            changed.as_mut().enable();
            let (step, limit) = (self.step.load(SeqCst), limit(self));
            if !self.is_unread.load(SeqCst) {
                changed.await;
            } else if limit.is_zero() || timeout(limit, changed).await.is_err() && self.is_still_at(step) {
                return step;
            }
        }
    }
}

impl<'h> Waiter<'h> {
    fn of(hold: &'h Hold) -> Self {
        hold.waiting.fetch_add(1, SeqCst);
        Self(hold)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}
