//! Reads of messages.

use ::redb::ReadTransaction;

use super::{
    super::{AccountId, HistoryEntry, Message, MessageId},
    tables::{BY_ACCOUNT, Fault, HISTORY, MESSAGES, decode, open, row},
};

pub(super) fn message(transaction: &ReadTransaction, id: MessageId) -> Result<Option<Message>, Fault> {
    row(&open(transaction, MESSAGES)?, id.0)
}

pub(super) fn history(transaction: &ReadTransaction, id: MessageId) -> Result<Vec<HistoryEntry>, Fault> {
    let history = open(transaction, HISTORY)?;
    let entries = history.range((id.0, 0)..=(id.0, u32::MAX))?;
    entries.map(|entry| decode(entry?.1.value())).collect()
}

pub(super) fn list(
    transaction: &ReadTransaction,
    account: AccountId,
    before: Option<MessageId>,
    limit: usize,
) -> Result<Vec<(MessageId, Message)>, Fault> {
    let (by_account, messages) = (open(transaction, BY_ACCOUNT)?, open(transaction, MESSAGES)?);
    let end = before.map_or(u64::MAX, |before| before.0);
    let mut found = Vec::new();
    for entry in by_account.range((account.0, 0)..(account.0, end))?.rev().take(limit) {
        let (_, id) = entry?.0.value();
        if let Some(message) = row(&messages, id)? {
            found.push((MessageId(id), message));
        }
    }
    Ok(found)
}
