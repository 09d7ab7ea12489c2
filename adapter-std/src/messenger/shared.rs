//! The state that a messenger's task shares with the messenger, its handles and its incoming messages.

use std::sync::{Arc, Mutex, PoisonError};

use sms_gateway_core::UserId;
use tokio::sync::{Notify, Semaphore, watch};

use super::{Closed, Health};

/// The acknowledgements that the task has not handled yet: at most one for each handle, final update and incoming message.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// The messages whose outcome need not be reported again.
    pub(super) messages: Vec<UserId>,
    /// Incoming messages, by their position in the order in which they were handed out.
    pub(super) incoming: Vec<u64>,
}

/// The state shared with the task.
pub(super) struct Shared {
    acknowledged: Mutex<Acknowledged>,
    /// Wakes the task after an acknowledgement and for a shutdown.
    pub(super) changed: Notify,
    /// One permit for each message that can be accepted. A shutdown closes the semaphore.
    pub(super) permits: Arc<Semaphore>,
    pub(super) health: watch::Sender<Health>,
    serial_number: Mutex<Option<Arc<str>>>,
    end: watch::Sender<Option<Closed>>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            acknowledged: Mutex::default(),
            changed: Notify::new(),
            permits: Arc::new(Semaphore::new(0)),
            health: watch::Sender::default(),
            serial_number: Mutex::default(),
            end: watch::Sender::default(),
        }
    }

    pub(super) fn acknowledge(&self, add: impl FnOnce(&mut Acknowledged)) {
        add(&mut self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Records the serial number of a response, if the response has one.
    pub(super) fn note_serial_number(&self, serial_number: &str) {
        let mut known = self.serial_number.lock().unwrap_or_else(PoisonError::into_inner);
        if !serial_number.is_empty() && known.as_deref() != Some(serial_number) {
            *known = Some(serial_number.into());
        }
    }

    pub(super) fn serial_number(&self) -> Option<Arc<str>> {
        self.serial_number.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn take_acknowledged(&self) -> Acknowledged {
        std::mem::take(&mut self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn shut_down(&self) {
        self.permits.close();
        self.changed.notify_one();
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.permits.is_closed()
    }

    /// Publishes that the task has ended. Only the first reason counts.
    pub(super) fn end(&self, reason: Closed) {
        self.permits.close();
        self.end.send_if_modified(|end| {
            let is_first = end.is_none();
            end.get_or_insert(reason);
            is_first
        });
    }

    /// Waits until the task has ended, and returns the reason.
    pub(super) async fn closed(&self) -> Closed {
        let mut end = self.end.subscribe();
        let reason = end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
        reason.unwrap_or(Closed::Aborted)
    }
}
