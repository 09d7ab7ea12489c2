//! Checks that every incoming message reaches the caller.

use std::collections::HashSet;

use crate::{config::HOUR, oracle::Failure};

/// An incoming message: its arrival, and the time until which it could be queried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) at: u64,
    pub(crate) erased: Option<u64>,
}

/// The messages that the caller received, by serial number.
#[derive(Debug, Default)]
pub(crate) struct InboxCheck {
    received: HashSet<u32>,
    /// The last message received since the client's last reset, unless the ids have restarted since.
    last: Option<u32>,
}

impl InboxCheck {
    pub(crate) fn client_restarted(&mut self) {
        self.last = None;
    }

    /// Notes that the gateway's ids restarted, so that some messages may be repeated.
    pub(crate) fn ids_restarted(&mut self) {
        self.last = None;
    }

    pub(crate) fn receive(&mut self, serial: u32) -> Result<(), Failure> {
        if let Some(last) = self.last.replace(serial)
            && last >= serial
        {
            let what = format!("incoming message {serial} was handed out after {last}");
            return Err(Failure { message: None, what });
        }
        self.received.insert(serial);
        Ok(())
    }

    pub(crate) fn count(&self) -> u64 {
        self.received.len() as u64
    }

    /// Checks that every message that could be queried for more than two hours was returned.
    pub(crate) fn close(&self, received: &[Received], now: u64) -> Result<(), Failure> {
        let missing = (0..).zip(received).find(|(serial, received)| {
            received.erased.unwrap_or(now) > received.at + 2 * HOUR && !self.received.contains(serial)
        });
        match missing {
            None => Ok(()),
            Some(missing) => Err(Failure { message: None, what: format!("never handed out: {missing:?}") }),
        }
    }
}
