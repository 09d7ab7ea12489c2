//! Accepted messages: their request and their state.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use super::port::Ports;
use crate::{clock::Civil, fate::Plan};

/// The maximum number of messages. If there are more, the oldest are dropped, as on a real device. While the oldest message is
/// still `Waiting` or `Sending`, no message is dropped.
const REMEMBERED: usize = 65_536;

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In the queue; the API does not show it yet.
    Waiting,
    /// `SENDING`
    Sending,
    /// `SENT_OK`
    SentOk,
    /// `FAILED`
    Failed,
    /// `DELIVERED`: every segment was reported received.
    Delivered,
    /// Dropped from the queue by `stop_sms`; the API no longer shows it.
    Stopped,
    /// Forgotten in a restart; the API no longer shows it.
    Forgotten,
}

impl Status {
    /// Returns the status in `query_sms_result`; `None` if that call does not show the message.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Sending => Some("SENDING"),
            Self::SentOk => Some("SENT_OK"),
            Self::Failed => Some("FAILED"),
            Self::Delivered => Some("DELIVERED"),
            Self::Waiting | Self::Stopped | Self::Forgotten => None,
        }
    }

    fn is_under_way(self) -> bool {
        matches!(self, Self::Waiting | Self::Sending)
    }
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) task: u64,
    pub(crate) number: String,
    pub(crate) text: String,
    pub(crate) user_id: Option<u64>,
    /// The ports that may send the message.
    pub(crate) ports: Ports,
    pub(crate) report_wanted: bool,
    pub(crate) plan: Plan,
    pub(crate) status: Status,
    pub(crate) segments: u32,
    pub(crate) sent: u32,
    pub(crate) sending: Option<Sending>,
    /// For each segment, the status code of its latest report.
    pub(crate) reported: Vec<Option<u8>>,
    /// The status before the restart in which the gateway forgot the message.
    pub(crate) before_restart: Option<Status>,
    /// The time at which the gateway accepted the message.
    pub(crate) accepted_at: Instant,
    /// The time at which the first segment was sent.
    pub(crate) sent_at: Option<Instant>,
}

/// The sending of a message by a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(crate) port: u8,
    pub(crate) time: Civil,
    pub(crate) ends: Instant,
    /// The reference of the first segment. `None` until that segment is sent.
    pub(crate) first_ref: Option<u8>,
}

impl Message {
    pub(crate) fn is_received(&self) -> bool {
        self.reported.iter().all(|code| *code == Some(0))
    }
}

/// The messages by their internal ids, the queue of waiting messages, and the counters of messages and tasks.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: BTreeMap<u64, Message>,
    pub(super) queue: VecDeque<u64>,
    accepted: u64,
    /// The id of the last message accepted before the last restart.
    before_restart: u64,
    last_task: u64,
    /// The id of the last task before the last restart.
    tasks_before: u64,
}

impl Outbox {
    /// Adds a task with these messages to the queue, and returns the task's id.
    pub(crate) fn accept(&mut self, messages: impl IntoIterator<Item = Message>) -> u64 {
        self.last_task += 1;
        for message in messages {
            self.accepted += 1;
            self.queue.push_back(self.accepted);
            self.messages.insert(self.accepted, Message { task: self.last_task, ..message });
        }
        self.trim();
        self.last_task
    }

    /// Adds a message without queueing it.
    pub(super) fn remember(&mut self, message: Message) {
        self.accepted += 1;
        self.messages.insert(self.accepted, message);
        self.trim();
    }

    fn trim(&mut self) {
        while self.messages.len() > REMEMBERED {
            match self.messages.first_entry() {
                Some(oldest) if !oldest.get().status.is_under_way() => oldest.remove(),
                _ => return,
            };
        }
    }

    /// Drops the waiting messages of a task. Returns false if the task does not exist.
    pub(crate) fn stop(&mut self, task: u64) -> bool {
        let messages = &mut self.messages;
        self.queue.retain(|id| match messages.get_mut(id) {
            Some(message) if message.task == task => {
                message.status = Status::Stopped;
                false
            }
            _ => true,
        });
        task > self.tasks_before && task <= self.last_task
    }

    /// Returns the number of messages ever accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.get_mut(&id)
    }

    pub(super) fn get(&self, id: u64) -> Option<&Message> {
        self.messages.get(&id)
    }

    /// Returns all stored messages, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// Returns the messages accepted since the last restart. The gateway has forgotten all earlier messages.
    pub(crate) fn since_restart(&self) -> impl Iterator<Item = &Message> {
        self.messages.range(self.before_restart + 1..).map(|(_, message)| message)
    }

    pub(crate) fn forget(&mut self, ids_restart: bool) {
        for (_, message) in self.messages.range_mut(self.before_restart + 1..) {
            message.before_restart = Some(message.status);
            message.status = Status::Forgotten;
        }
        self.queue.clear();
        self.before_restart = self.accepted;
        if ids_restart {
            self.last_task = 0;
        }
        self.tasks_before = self.last_task;
    }
}
