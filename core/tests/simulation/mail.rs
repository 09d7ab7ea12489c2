//! Whether every incoming message reaches the caller.

use std::collections::HashSet;

use crate::{config::HOUR, oracle::Failure};

/// What came in, and until when it could be asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) at: u64,
    pub(crate) erased: Option<u64>,
}

/// What the caller was handed, by serial number.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    handed: HashSet<u32>,
    /// The last one in this life, and whether ids began anew since.
    last: Option<u32>,
}

impl Mail {
    pub(crate) fn reborn(&mut self) {
        self.last = None;
    }

    /// The gateway's ids began anew: some may come again.
    pub(crate) fn restarted(&mut self) {
        self.last = None;
    }

    pub(crate) fn hand(&mut self, serial: u32) -> Result<(), Failure> {
        if let Some(last) = self.last.replace(serial)
            && last >= serial
        {
            let what = format!("incoming message {serial} was handed out after {last}");
            return Err(Failure { message: None, what });
        }
        self.handed.insert(serial);
        Ok(())
    }

    pub(crate) fn count(&self) -> u64 {
        self.handed.len() as u64
    }

    /// What could be asked for for two hours was handed out.
    pub(crate) fn close(&self, received: &[Received], now: u64) -> Result<(), Failure> {
        let missing = (0..).zip(received).find(|(serial, received)| {
            received.erased.unwrap_or(now) > received.at + 2 * HOUR && !self.handed.contains(serial)
        });
        match missing {
            None => Ok(()),
            Some(missing) => Err(Failure { message: None, what: format!("never handed out: {missing:?}") }),
        }
    }
}
