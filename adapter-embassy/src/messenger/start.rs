//! Starts a messenger with its stored messages.

use core::{mem::take, time::Duration};

use sms_gateway_core::{
    UserId,
    client::StoreError,
    track::{PendingReport, Settings, Slot},
};

use super::{
    Messenger,
    write_batch::{BATCH, WriteBatch, needs_text},
};
use crate::{
    Transport,
    store::{Key, Store},
};

/// The memory and the settings that the tracker takes over at the start.
pub(super) struct Lent<'m> {
    pub(super) slots: &'m mut [Slot],
    pub(super) pending_reports: &'m mut [PendingReport],
    pub(super) settings: Settings,
}

impl Lent<'_> {
    /// Returns the number of slots that the tracker has not taken over yet.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }
}

/// The progress of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Due,
    Restored,
    Complete,
}

impl<T: Transport, S: Store> Messenger<'_, '_, T, S> {
    /// Restores the stored messages and continues to follow them. If the response to a submission is unknown, its messages are looked up.
    ///
    /// [`send`](Self::send) and [`next`](Self::next) call `start` first. Call it yourself only if you want to see the messages earlier. If
    /// the future is dropped, call it again.
    ///
    /// # Errors
    /// [`StoreError`]; the next call tries again.
    pub async fn start(&mut self) -> Result<(), StoreError<S::Error>> {
        if self.start == Start::Due {
            self.begin();
            self.restore().await?;
            let now = self.now();
            self.driver.start(now).map_err(StoreError::Restore)?;
            self.start = Start::Restored;
        }
        if self.start == Start::Restored {
            self.check_texts().await?;
            self.start = Start::Complete;
        }
        Ok(())
    }

    /// Hands the lent memory and the settings to the tracker, once.
    fn begin(&mut self) {
        let Lent { slots, pending_reports, settings } = &mut self.lent;
        let recipients = u8::try_from(BATCH).unwrap_or(u8::MAX);
        settings.limits.recipients = settings.limits.recipients.min(recipients);
        self.gateway.fit_limits(&mut settings.limits, self.texts.len());
        if settings.first_block == 0 {
            // The upper half, because the lower bits of simple generators are weak.
            settings.first_block = u32::try_from(self.gateway.draw() >> 32).unwrap_or(0);
        }
        let tracker = self.driver.tracker_mut();
        tracker.begin(take(slots), take(pending_reports), settings, Duration::ZERO);
    }

    /// Hands the stored records to the driver.
    async fn restore(&mut self) -> Result<(), StoreError<S::Error>> {
        let Self { batch, driver, .. } = self;
        let mut outcome = Ok(());
        driver.begin_restore();
        let take = &mut |key, value: &[u8]| {
            if matches!(key, Key::Record(_))
                && let Err(error) = driver.restore(value)
            {
                outcome = Err(StoreError::Restore(error));
            }
        };
        batch.store.restore(take).await?;
        outcome
    }

    /// Deletes the texts of messages that are unknown or can no longer be submitted. The other texts must fit into the lent memory.
    async fn check_texts(&mut self) -> Result<(), StoreError<S::Error>> {
        let Self { batch, driver, texts, .. } = self;
        let mut longest = 0;
        // Makes room in `deleted_texts`.
        batch.save(driver.tracker_mut()).await?;
        let WriteBatch { store, deleted_texts, .. } = batch;
        let find = &mut |key, text: &[u8]| {
            let Key::Text(id) = key else { return };
            if UserId::new(id.into()).is_ok_and(|id| needs_text(driver.tracker(), id)) {
                longest = text.len().max(longest);
            } else {
                let _ = deleted_texts.push(id);
            }
        };
        store.restore(find).await?;
        batch.save(driver.tracker_mut()).await?;
        if longest > texts.len() { Err(StoreError::TextTooLong { needed: longest }) } else { Ok(()) }
    }
}
