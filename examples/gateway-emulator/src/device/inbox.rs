//! Received messages.

use super::Restart;
use crate::clock::Civil;

/// One incoming SMS.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) id: u64,
    pub(crate) port: u8,
    pub(crate) number: String,
    pub(crate) text: String,
    pub(crate) received: Civil,
    pub(crate) read: bool,
}

/// The messages that `query_incoming_sms` requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Unread,
    Read,
    All,
}

/// Messages in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    messages: Vec<Incoming>,
    last_id: u64,
}

impl Inbox {
    pub(crate) fn receive(
        &mut self,
        port: u8,
        number: &str,
        text: &str,
        received: Civil,
        equal_ids: bool,
    ) -> u64 {
        if !equal_ids || self.messages.len() % 3 != 2 {
            self.last_id += 1;
        }
        let (number, text) = (number.to_owned(), text.to_owned());
        self.messages.push(Incoming { id: self.last_id, port, number, text, received, read: false });
        self.last_id
    }

    /// Returns the messages with an id greater than `after`.
    pub(crate) fn select(&self, after: u64, flag: Flag) -> impl Iterator<Item = &Incoming> {
        let start = self.messages.partition_point(|sms| sms.id <= after);
        self.messages.iter().skip(start).filter(move |sms| match flag {
            Flag::Unread => !sms.read,
            Flag::Read => sms.read,
            Flag::All => true,
        })
    }

    pub(crate) fn mark_read(&mut self, ids: &[u64]) {
        for sms in &mut self.messages {
            sms.read |= ids.binary_search(&sms.id).is_ok();
        }
    }

    /// Returns the number of read and the number of unread messages.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let read = self.messages.iter().filter(|sms| sms.read).count();
        (read, self.messages.len() - read)
    }

    pub(crate) fn restart(&mut self, how: Restart) {
        if how.inbox_lost {
            self.messages.clear();
        }
        if how.ids_restart {
            for (id, sms) in (1..).zip(&mut self.messages) {
                sms.id = id;
            }
            self.last_id = self.messages.last().map_or(0, |sms| sms.id);
        }
    }
}
