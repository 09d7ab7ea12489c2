//! Reads of messages.

use ::redb::ReadTransaction;

use super::{
    super::{AccountId, HistoryEntry, Message, MessageId},
    tables::{self, BY_ACCOUNT, Fault, HISTORY, MESSAGES, decode, open, row},
};

pub(super) fn message(transaction: &ReadTransaction, id: MessageId) -> Result<Option<Message>, Fault> {
    row(&open(transaction, MESSAGES)?, id.0)
}

pub(super) fn history(transaction: &ReadTransaction, id: MessageId) -> Result<Vec<HistoryEntry>, Fault> {
    let history = open(transaction, HISTORY)?;
    let entries = history.range((id.0, 0)..=(id.0, u32::MAX))?;
    entries.map(|entry| decode(entry?.1.value())).collect()
}

pub(super) fn history_entry(
    transaction: &ReadTransaction,
    id: MessageId,
    number: u32,
) -> Result<Option<HistoryEntry>, Fault> {
    row(&open(transaction, HISTORY)?, (id.0, number))
}

pub(super) fn list(
    transaction: &ReadTransaction,
    account: Option<AccountId>,
    before: Option<MessageId>,
    limit: usize,
) -> Result<Vec<(MessageId, Message)>, Fault> {
    let before = before.map(|before| before.0);
    let found = match account {
        Some(account) => tables::list(transaction, BY_ACCOUNT, MESSAGES, account, before, limit)?,
        None => tables::newest(transaction, MESSAGES, before, limit)?,
    };
    Ok(found.into_iter().map(|(id, message)| (MessageId(id), message)).collect())
}
