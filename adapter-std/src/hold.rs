//! Tracks whether the response that holds a client is being read.
//!
//! For each record, the reader only updates a few atomics. The calls that wait for the client do the rest.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

/// The current call's hold on a client.
#[derive(Default)]
pub(crate) struct Hold {
    /// The number of the current turn.
    turn: AtomicU64,
    /// The number of calls of [`set_unread`](Self::set_unread) so far.
    step: AtomicU64,
    /// Whether a response is held and not being read.
    is_unread: AtomicBool,
    /// Whether other calls may use the extra client whenever the response is not being read.
    gives_way: AtomicBool,
    /// The number of [`Waiter`]s.
    waiting: AtomicUsize,
    changed: Notify,
}

/// A call that waits for a change.
struct Waiter<'h>(&'h Hold);

impl Hold {
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(SeqCst)
    }

    pub(crate) fn gives_way(&self) -> bool {
        self.gives_way.load(SeqCst)
    }

    /// Records whether the response is held and not being read.
    pub(crate) fn set_unread(&self, is_unread: bool) {
        self.is_unread.store(is_unread, SeqCst);
        self.step.fetch_add(1, SeqCst);
        // A waiter that is not counted yet will read the new values, so it needs no notification.
        if self.waiting.load(SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    /// Does nothing while the response is being read. Otherwise, lets other calls use the extra client whenever the response is
    /// not being read, until the turn ends.
    pub(crate) fn give_way(&self) {
        if self.is_unread.load(SeqCst) {
            self.gives_way.store(true, SeqCst);
        }
    }

    /// Records that the client is free.
    pub(crate) fn end_turn(&self) {
        self.turn.fetch_add(1, SeqCst);
        self.gives_way.store(false, SeqCst);
        self.set_unread(false);
    }

    /// Returns whether the response has not been read since this step.
    pub(crate) fn is_still_at(&self, step: u64) -> bool {
        self.is_unread.load(SeqCst) && self.step.load(SeqCst) == step
    }

    /// Waits until a response has been held unread for the duration that `limit` returns, and returns the current step.
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
