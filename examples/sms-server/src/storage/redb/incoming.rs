//! Incoming messages.

use ::redb::{ReadTransaction, ReadableTable};

use super::{
    super::{AccountId, COUNTER_BITS, Incoming, IncomingId, IncomingMark, Subject},
    outbox,
    tables::{Fault, INCOMING, INCOMING_BY_ACCOUNT, Tables, encode, open, row},
};

pub(super) fn receive(
    tables: &mut Tables<'_>,
    mark: IncomingMark,
    message: &Incoming,
) -> Result<Option<IncomingId>, Fault> {
    let mark = (message.gateway.0, mark.id, mark.hash);
    if tables.marks.get(mark)?.is_some() {
        return Ok(None);
    }
    let last = tables.incoming.last()?.map_or(0, |(id, _)| id.value());
    let id = (last + 1).max(message.received.0 << COUNTER_BITS);
    tables.marks.insert(mark, id)?;
    tables.incoming.insert(id, encode(message)?.as_slice())?;
    tables.incoming_by_account.insert((message.account.0, id), ())?;
    outbox::add(tables, message.account, Subject::Incoming(IncomingId(id)), message.received)?;
    Ok(Some(IncomingId(id)))
}

pub(super) fn get(transaction: &ReadTransaction, id: IncomingId) -> Result<Option<Incoming>, Fault> {
    row(&open(transaction, INCOMING)?, id.0)
}

pub(super) fn list(
    transaction: &ReadTransaction,
    account: AccountId,
    before: Option<IncomingId>,
    limit: usize,
) -> Result<Vec<(IncomingId, Incoming)>, Fault> {
    let (by_account, incoming) = (open(transaction, INCOMING_BY_ACCOUNT)?, open(transaction, INCOMING)?);
    let end = before.map_or(u64::MAX, |before| before.0);
    let mut found = Vec::new();
    for entry in by_account.range((account.0, 0)..(account.0, end))?.rev().take(limit) {
        let (_, id) = entry?.0.value();
        let message: Option<Incoming> = row(&incoming, id)?;
        found.extend(message.map(|message| (IncomingId(id), message)));
    }
    Ok(found)
}
