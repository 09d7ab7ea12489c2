//! The reports of a world's messenger, over all of its lives.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sms_gateway::core::track::State;
use sms_gateway::{UserId, core::track::Message};
use tokio::sync::Notify;

/// An outgoing message, as its caller knows it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The message's user_id, if the messenger has accepted the message.
    pub id: Option<UserId>,
    /// The message's latest update.
    pub latest: Option<Message>,
}

impl Known {
    pub fn is_final(&self) -> bool {
        self.latest.is_some_and(|message| message.is_final)
    }

    pub fn is_accepted(&self) -> bool {
        let is_open = |state| matches!(state, State::Unsent | State::Submitted | State::Uncertain);
        self.latest.is_some_and(|message| message.is_final || !is_open(message.state))
    }

    /// Whether a part of the message was sent.
    pub fn is_begun(&self) -> bool {
        self.latest.is_some_and(|message| message.sent.is_some())
    }

    pub fn is_settled(&self) -> bool {
        self.latest.is_some_and(|message| message.is_final || message.state == State::Sent)
    }
}

#[derive(Debug, Default)]
pub struct Reported {
    pub outgoing: Vec<Known>,
    /// The number of times that each incoming message was received, by the first word of its text.
    pub incoming: BTreeMap<String, u32>,
    /// The ids of incoming messages that cannot be read.
    pub unreadable: Vec<i64>,
    /// The broken promises that were noticed while the world was played.
    pub flaws: Vec<String>,
}

#[derive(Debug)]
pub struct Record {
    reported: Mutex<Reported>,
    changed: Notify,
}

impl Record {
    pub fn new(messages: usize) -> Self {
        let outgoing = vec![Known::default(); messages];
        let reported = Mutex::new(Reported { outgoing, ..Reported::default() });
        Self { reported, changed: Notify::new() }
    }

    pub fn look(&self) -> MutexGuard<'_, Reported> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the messenger has accepted a message with this user_id.
    pub fn accepted(&self, index: usize, id: UserId) {
        let mut reported = self.look();
        let known = reported.outgoing[index].id.replace(id);
        if known.is_some_and(|known| known != id) {
            reported.flaws.push(format!("m{index} has user_id {known:?} and {id}"));
        }
    }

    pub fn updated(&self, index: usize, message: Message) {
        let mut reported = self.look();
        let before = reported.outgoing[index].latest.replace(message);
        // A message that is submitted again changes its state without an update, and the next life begins with that state.
        let is_new = !matches!(message.state, State::Unsent | State::Submitted);
        let is_repeated = is_new && before.is_some_and(|before| before.revision == message.revision);
        let differs = before.is_some_and(|before| before.state != message.state);
        if before.is_some_and(|before| before.is_final && differs) {
            reported.flaws.push(format!("m{index} changed after its end: {before:?}, then {message:?}"));
        } else if is_repeated && differs {
            reported.flaws.push(format!("m{index}, other updates of a number: {before:?}, {message:?}"));
        }
        drop(reported);
        self.changed.notify_waiters();
    }

    pub fn received(&self, text: &str) {
        let word = text.split(' ').next().unwrap_or_default().to_owned();
        *self.look().incoming.entry(word).or_default() += 1;
        self.changed.notify_waiters();
    }

    pub fn flaw(&self, what: String) {
        self.look().flaws.push(what);
    }

    pub fn unreadable(&self, id: i64) {
        self.look().unreadable.push(id);
        self.changed.notify_waiters();
    }

    /// Waits until a condition holds. The condition is checked after each change.
    pub async fn when(&self, holds: impl Fn(&Reported) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if holds(&self.look()) {
                return;
            }
            changed.await;
        }
    }
}
