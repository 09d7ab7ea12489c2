//! Changes of messages.

use super::{
    super::{HistoryEntry, Message, MessageId, Subject},
    outbox,
    tables::{Fault, Tables, encode},
};

/// Stores a message with another entry of its history, and the event of it.
pub(super) fn write(
    tables: &mut Tables<'_>,
    id: MessageId,
    mut message: Message,
    entry: &HistoryEntry,
) -> Result<(), Fault> {
    tables.history.insert((id.0, message.entries), encode(entry)?.as_slice())?;
    if outbox::is_event(entry.state) {
        outbox::add(tables, message.account, Subject::Message { id, entry: message.entries }, entry.at)?;
    }
    message.entries += 1;
    message.state = entry.state;
    tables.messages.insert(id.0, encode(&message)?.as_slice())?;
    Ok(())
}
