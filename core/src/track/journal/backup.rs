//! Records of a backup, which may be older than what the client did afterwards.

use super::{
    CLIENT, CLIENT_KEY, MESSAGE, RestoreError,
    record::{Change, Reader, read_slot, write_slot},
    user_ids::BLOCKS,
};
use crate::track::message::{MAY_RESEND, Slot, State, lifecycle};

impl Change {
    /// Prepares a record of a backup for the first start with it. Returns the record to store in its place; `None` if it stays as it is.
    ///
    /// The client may have run on after the backup was made. So this many blocks of 1,024 user_ids are skipped, because they may have been
    /// used since. A message that was not submitted may have been submitted since, under the user_id in its record: it becomes
    /// [`State::Uncertain`], so it is looked up. No message of a backup is submitted again.
    ///
    /// # Errors
    /// [`RestoreError`], if the record cannot be read.
    pub fn of_backup(record: &[u8], skipped_blocks: u32) -> Result<Option<Self>, RestoreError> {
        let mut reader = Reader::new(record)?;
        let (kind, sequence) = (reader.byte(), reader.sequence());
        let mut change = Self::NONE;
        match kind {
            CLIENT => {
                let block = reader.word().wrapping_add(skipped_blocks) % BLOCKS;
                change.fill(CLIENT_KEY, CLIENT, sequence, |writer| {
                    writer.bytes(&block.to_le_bytes());
                    writer.bytes(reader.rest());
                });
            }
            MESSAGE => {
                let mut slot = Slot::EMPTY;
                slot.user_id = reader.word();
                read_slot(&mut reader, &mut slot);
                if slot.is_over() {
                    return Ok(None);
                }
                match slot.state() {
                    State::Unsent => {
                        lifecycle::restore(&mut slot, State::Uncertain);
                        (slot.submitted, slot.not_begun, slot.refusal) = (sequence, sequence, 0);
                    }
                    State::Submitted | State::Uncertain => slot.refusal = 0,
                    _ => {}
                }
                slot.set(MAY_RESEND, false);
                change.fill(slot.user_id, MESSAGE, sequence, |writer| write_slot(writer, &slot));
            }
            _ => return Ok(None),
        }
        Ok(Some(change))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration, vec::Vec};

    use super::*;
    use crate::{
        Number,
        track::{
            Draft, Tracker,
            tests::{lasting, store},
        },
    };

    const NOW: Duration = Duration::from_secs(1000);

    fn records(tracker: &mut Tracker<'_>) -> BTreeMap<u32, Vec<u8>> {
        let mut saved = BTreeMap::new();
        while let Some(change) = tracker.next_change() {
            store(&mut saved, &change);
        }
        saved
    }

    fn tracker() -> Tracker<'static> {
        lasting(16, NOW)
    }

    #[test]
    fn a_message_of_a_backup_is_looked_up_and_its_user_ids_are_skipped() {
        let mut before = tracker();
        let draft = Draft::new(Number::new("10086").unwrap());
        let old = before.add(&draft, NOW).unwrap();
        let saved = records(&mut before);
        let mut after = tracker();
        for record in saved.values() {
            let change = Change::of_backup(record, 7).unwrap().unwrap();
            after.restore(change.record().unwrap()).unwrap();
        }
        after.start(NOW);
        assert_eq!(after.message(old).unwrap().state, State::Uncertain);
        let new = after.add(&draft, NOW).unwrap();
        assert_eq!(new.get() / 1024, old.get() / 1024 + 7 + 1);
    }

    #[test]
    fn records_that_are_damaged_are_refused() {
        let mut before = tracker();
        before.add(&Draft::new(Number::new("10086").unwrap()), NOW).unwrap();
        for record in records(&mut before).values_mut() {
            record[3] ^= 1;
            assert_eq!(Change::of_backup(record, 7), Err(RestoreError::Torn));
        }
    }
}
