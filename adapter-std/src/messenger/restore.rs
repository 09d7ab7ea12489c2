//! Restores what was stored before a restart.

use sms_gateway_core::UserId;

use super::{
    Event, StartError, handle::Handle, idempotency::Idempotency, outbox::may_be_submitted, task::Task,
};
use crate::store::{Entry, Write};

impl Task<'_> {
    /// Restores the stored messages. Returns handles of those whose outcome is not acknowledged.
    pub(super) async fn restore(&mut self, entries: Vec<Entry>) -> Result<Vec<Handle>, StartError> {
        for Entry { key, record, .. } in &entries {
            self.driver.restore(record).map_err(|error| StartError::Record { key: *key, error })?;
        }
        let key = entries.first().map_or(0, |entry| entry.key);
        let started = self.driver.start(self.began.elapsed());
        started.map_err(|error| StartError::Record { key, error })?;
        let skipped = self.driver.skipped_records();
        if skipped > 0 {
            let gateway = self.gateway.address();
            tracing::error!(skipped, gateway, "the store holds torn records, which are skipped");
            self.events.send(Event::RecordsSkipped { records: skipped });
        }
        for entry in entries {
            self.restore_entry(entry);
        }
        self.save_all().await.map_err(StartError::Store)?;
        self.outbox.remove_acknowledged();
        Ok(self.outbox.unclaimed())
    }

    fn restore_entry(&mut self, entry: Entry) {
        let Ok(id) = UserId::new(entry.key.into()) else { return };
        let Some(message) = self.driver.tracker().message(id) else { return };
        if let Some(hashes) = &entry.idempotency {
            self.keys.insert(id, &Idempotency::restore(hashes));
        }
        let is_needed = may_be_submitted(&message);
        if !is_needed && entry.text.is_some() {
            self.writes.add(Write::DeleteText { key: entry.key });
        }
        self.track(id, entry.text.filter(|_| is_needed), entry.reference);
    }
}
