//! What a messenger keeps of its messages beside the tracker: texts, references, and who wants to hear of them.

use std::{collections::HashMap, sync::Arc};

use sms_gateway_core::{
    UserId,
    track::{Message, State},
};
use tokio::sync::watch;

use super::{Handle, link::Link};

/// A message's.
struct Letter {
    news: watch::Sender<Message>,
    /// Until the gateway has accepted it.
    text: Option<Arc<str>>,
    reference: Option<Arc<str>>,
    /// Nobody wants to hear its end.
    is_released: bool,
    /// Its end was told, in this life.
    is_told: bool,
}

/// The messages whose end is not acknowledged.
pub(super) struct Ledger {
    letters: HashMap<UserId, Letter>,
    link: Link,
}

/// What is to be done about news.
#[derive(Default)]
pub(super) struct Heard {
    /// It needs to be told no more.
    pub(super) is_acknowledged: bool,
    /// The text has done its work.
    pub(super) forget_text: bool,
}

/// What is to be done about an acknowledgement.
pub(super) enum Released {
    /// The news with this number is acknowledged with it.
    Now(u16),
    /// The message has not come to its end.
    Early,
    /// There is no such message (any more).
    Unknown,
}

impl Ledger {
    pub(super) fn new(link: Link) -> Self {
        Self { letters: HashMap::new(), link }
    }

    /// Takes a message in.
    pub(super) fn insert(&mut self, message: Message, text: Option<Arc<str>>, reference: Option<Arc<str>>) {
        // A reference is never empty: that stands for a message of which nobody wants to hear.
        let is_released = reference.as_deref() == Some("");
        let reference = reference.filter(|_| !is_released);
        let news = watch::Sender::new(message);
        self.letters.insert(message.id, Letter { news, text, reference, is_released, is_told: false });
    }

    pub(super) fn remove(&mut self, id: UserId) {
        self.letters.remove(&id);
    }

    pub(super) fn text(&self, id: UserId) -> Option<&str> {
        self.letters.get(&id)?.text.as_deref()
    }

    pub(super) fn handle(&self, id: UserId) -> Option<Handle> {
        let letter = self.letters.get(&id).filter(|letter| !letter.is_released)?;
        let reference = letter.reference.clone();
        Some(Handle::new(id, reference, letter.news.subscribe(), self.link.clone()))
    }

    /// Handles of the messages that have none.
    pub(super) fn unclaimed(&self) -> Vec<Handle> {
        let unclaimed = self.letters.iter().filter(|(_, letter)| letter.news.receiver_count() == 0);
        unclaimed.filter_map(|(id, _)| self.handle(*id)).collect()
    }

    /// Tells a message's news.
    pub(super) fn hear(&mut self, message: Message) -> Heard {
        let Some(letter) = self.letters.get_mut(&message.id) else {
            return Heard { is_acknowledged: true, forget_text: false };
        };
        letter.news.send_replace(message);
        letter.is_told = message.is_final;
        let forget_text = !may_be_submitted(&message) && letter.text.take().is_some();
        let is_acknowledged = !message.is_final || letter.is_released;
        if message.is_final && is_acknowledged {
            self.remove(message.id);
        }
        Heard { is_acknowledged, forget_text }
    }

    /// Nobody wants to hear the message's end (again).
    pub(super) fn release(&mut self, id: UserId) -> Released {
        let Some(letter) = self.letters.get_mut(&id) else { return Released::Unknown };
        let message = *letter.news.borrow();
        if !letter.is_told {
            letter.is_released = true;
            return Released::Early;
        }
        self.remove(id);
        Released::Now(message.revision)
    }

    /// After a restart: lets go of those whose end was acknowledged in an earlier life, which is all that are at their end
    /// and were not told again.
    pub(super) fn settle(&mut self) {
        self.letters.retain(|_, letter| letter.is_told || !letter.news.borrow().is_final);
    }
}

/// Whether the message's text may still be needed.
pub(super) fn may_be_submitted(message: &Message) -> bool {
    matches!(message.state, State::Unsent | State::Submitted | State::Uncertain)
}
