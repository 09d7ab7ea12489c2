//! The room that the ports of a gateway have for messages.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::ports::Port;

/// The bound messages of a gateway that are not sent yet, and the ports that are to send them.
pub(super) struct Room {
    per_port: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    ports: Vec<Port>,
    /// The user_ids of the messages that are not sent yet.
    waiting: BTreeSet<u32>,
    /// The user_ids of messages whose cancellation was requested.
    unwanted: BTreeSet<u32>,
    is_closed: bool,
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
        self.change(|state| state.ports = ports);
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
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
        self.when(|room| room.lock().unwanted.pop_first()).await
    }

    pub(super) fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Whether any port can send.
    pub(super) fn has_ports(&self) -> bool {
        self.lock().ports.iter().any(|port| port.is_registered)
    }

    /// Returns the number of messages for which there is room.
    fn free(&self) -> usize {
        let state = self.lock();
        let ports = state.ports.iter().filter(|port| port.is_registered).count();
        (ports * self.per_port).saturating_sub(state.waiting.len())
    }

    /// Waits until there is room for at least one message, and returns the number. Never ready once it is closed.
    pub(super) async fn wait(&self) -> usize {
        self.when(|room| (!room.is_closed()).then(|| room.free()).filter(|free| *free > 0)).await
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        self.when(|room| room.is_closed().then_some(())).await;
    }

    /// Waits until a condition, which is checked after each change, returns a value.
    async fn when<T>(&self, condition: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = condition(self) {
                return found;
            }
            changed.await;
        }
    }
}
