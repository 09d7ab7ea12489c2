//! The room that the ports of a gateway have for messages.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use super::ports::Port;

/// The bound messages of a gateway that are not sent yet, and the ports that are to send them.
pub(super) struct Room {
    per_port: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The ports as the gateway showed them last.
    ports: Vec<Port>,
    /// Whether the gateway responded to the latest query of its ports.
    responds: bool,
    /// The time at which a message was last bound to find out whether the gateway is well again.
    tried: Option<Instant>,
    /// The user_ids of the messages that are not sent yet.
    waiting: BTreeSet<u32>,
    /// The user_ids of messages whose cancellation was requested.
    unwanted: BTreeSet<u32>,
    is_closed: bool,
}

impl State {
    /// Returns the number of ports that can send; 0 if the gateway does not respond.
    fn registered(&self) -> usize {
        if self.responds { self.ports.iter().filter(|port| port.is_registered).count() } else { 0 }
    }
}

impl Room {
    pub(super) fn new(per_port: usize) -> Self {
        Self { per_port, state: Mutex::default(), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }

    pub(super) fn ports(&self) -> Vec<Port> {
        self.lock().ports.clone()
    }

    pub(super) fn set_ports(&self, ports: Vec<Port>) {
        self.change(|state| (state.ports, state.responds) = (ports, true));
    }

    /// Notes that the ports could not be queried. Until they are, there is no room.
    pub(super) fn no_response(&self) {
        self.change(|state| state.responds = false);
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Forgets all messages, before those of a messenger that has started again are added.
    pub(super) fn restart(&self) {
        self.change(|state| {
            state.waiting.clear();
            state.unwanted.clear();
        });
    }

    /// Notes that a message is bound, or was bound before the start, and may not be sent yet.
    pub(super) fn bound(&self, user_id: u32) {
        self.change(|state| {
            state.waiting.insert(user_id);
        });
    }

    /// Notes that a message is sent, or has ended.
    pub(super) fn left(&self, user_id: u32) {
        self.change(|state| {
            state.waiting.remove(&user_id);
        });
    }

    /// Notes that a message's cancellation was requested.
    pub(super) fn cancel(&self, user_id: u32) {
        self.change(|state| {
            state.unwanted.insert(user_id);
        });
    }

    /// Waits until the cancellation of a message is requested, and returns its user_id once.
    pub(super) async fn cancelled(&self) -> u32 {
        self.when(|state| state.unwanted.pop_first()).await
    }

    pub(super) fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Whether the gateway responds, and any port can send.
    pub(super) fn has_ports(&self) -> bool {
        self.lock().registered() > 0
    }

    /// Notes that a message is bound to find out whether the gateway is well again.
    pub(super) fn try_again(&self) {
        self.change(|state| state.tried = Some(Instant::now()));
    }

    /// Returns the time of the last [trial](Self::try_again).
    pub(super) fn tried(&self) -> Option<Instant> {
        self.lock().tried
    }

    /// Waits until there is room for at least one message, and returns the number. Never ready once it is closed.
    pub(super) async fn wait(&self) -> usize {
        self.when(|state| Some(self.free(state)).filter(|free| *free > 0)).await
    }

    /// Waits until there is no room.
    pub(super) async fn full(&self) {
        self.when(|state| (self.free(state) == 0).then_some(())).await;
    }

    /// Waits until there is room, and no message uses any of it.
    pub(super) async fn empty(&self) {
        self.when(|state| (state.waiting.is_empty() && self.free(state) > 0).then_some(())).await;
    }

    /// Returns the number of messages for which there is room.
    fn free(&self, state: &State) -> usize {
        if state.is_closed {
            return 0;
        }
        (state.registered() * self.per_port).saturating_sub(state.waiting.len())
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        self.when(|state| state.is_closed.then_some(())).await;
    }

    /// Waits until a condition, which is checked after each change, returns a value.
    async fn when<T>(&self, condition: impl Fn(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let found = condition(&mut self.lock());
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }
}
