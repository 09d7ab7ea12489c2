//! The steps of a world, at each of which a fault can happen.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server ends at once, as if its process was killed.
    Crash,
    /// The commit fails, or the connection breaks. The server runs on.
    Failure,
}

/// Counts the steps of a world. Clones share the count.
#[derive(Clone, Default)]
pub(super) struct Steps(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    crashed: Notify,
}

#[derive(Default)]
struct State {
    taken: u64,
    /// The steps with faults, in order.
    faults: Vec<(u64, Fault)>,
    has_crashed: bool,
}

impl Steps {
    /// Sets the steps at which faults happen, counted from 0.
    pub(super) fn new(faults: Vec<(u64, Fault)>) -> Self {
        let state = Mutex::new(State { faults, ..State::default() });
        Self(Arc::new(Shared { state, crashed: Notify::new() }))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a step. Returns its fault; after a crash, always [`Fault::Crash`].
    pub(super) fn take(&self) -> Option<Fault> {
        let fault = self.with(|state| {
            if state.has_crashed {
                return Some(Fault::Crash);
            }
            let step = state.taken;
            state.taken += 1;
            let fault = state.faults.iter().position(|(at, _)| *at == step);
            let fault = fault.map(|place| state.faults.remove(place).1);
            state.has_crashed = fault == Some(Fault::Crash);
            fault
        });
        if fault == Some(Fault::Crash) {
            self.0.crashed.notify_one();
        }
        fault
    }

    /// Waits for a crash.
    pub(super) async fn crash(&self) {
        self.0.crashed.notified().await;
    }

    /// Lets a restarted server take steps.
    pub(super) fn restart(&self) {
        self.with(|state| state.has_crashed = false);
    }

    /// Returns the number of steps so far. Nothing is stored between two steps.
    pub(super) fn taken(&self) -> u64 {
        self.with(|state| state.taken)
    }

    /// Returns the number of faults that have not happened yet.
    pub(super) fn faults_left(&self) -> usize {
        self.with(|state| state.faults.len())
    }
}
