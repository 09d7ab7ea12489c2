//! Takes back what an earlier life stored.

use sms_gateway_core::UserId;

use super::{Event, Handle, StartError, ledger::may_be_submitted, task::Task};
use crate::store::{Entry, Write};

impl Task<'_> {
    /// Takes back what was stored. Gives handles of the messages whose end is not acknowledged.
    pub(super) async fn restore(&mut self, entries: Vec<Entry>) -> Result<Vec<Handle>, StartError> {
        for Entry { key, record, .. } in &entries {
            self.driver.restore(record).map_err(|error| StartError::Record { key: *key, error })?;
        }
        let now = self.now();
        let first = entries.first().map_or(0, |entry| entry.key);
        self.driver.start(now).map_err(|error| StartError::Record { key: first, error })?;
        let skipped = self.driver.skipped_records();
        if skipped > 0 {
            tracing::error!(skipped, "the store holds torn records, which are skipped");
            self.announcer.announce(Event::RecordsSkipped(skipped));
        }
        for entry in entries {
            self.restore_letter(entry);
        }
        self.save().await.map_err(StartError::Store)?;
        self.tell();
        self.ledger.settle();
        let handles = self.ledger.unclaimed();
        Ok(handles)
    }

    fn restore_letter(&mut self, entry: Entry) {
        let Ok(id) = UserId::new(entry.key.into()) else { return };
        let Some(message) = self.driver.tracker().message(id) else { return };
        if !may_be_submitted(&message) {
            if entry.text.is_some() {
                self.keeper.add(Write::ForgetText { key: entry.key });
            }
            return self.ledger.insert(message, None, entry.reference);
        }
        if entry.text.is_none() {
            // No store that does what it promises gives that.
            tracing::error!(%id, "a message without a text is not sent");
            let now = self.now();
            self.driver.tracker_mut().stop(id, now);
        }
        self.ledger.insert(message, entry.text, entry.reference);
    }
}
