//! Incoming messages.

use ::redb::{ReadTransaction, ReadableTable};

use super::{
    super::{AccountId, Incoming, IncomingId, IncomingMark, Subject},
    opt_outs, outbox,
    tables::{self, Fault, INCOMING, INCOMING_BY_ACCOUNT, Tables, encode, open, row},
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
    let id = tables::next(tables.incoming.last()?.map(|(id, _)| id.value()), message.received);
    tables.marks.insert(mark, id)?;
    tables.incoming.insert(id, encode(message)?.as_slice())?;
    tables.incoming_by_account.insert((message.account.0, id), ())?;
    if let Some(keyword) = message.keyword {
        opt_outs::set(tables, message.account, &message.from, keyword, message.received)?;
    }
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
    let found = tables::list(
        transaction,
        INCOMING_BY_ACCOUNT,
        INCOMING,
        account,
        before.map(|before| before.0),
        limit,
    )?;
    Ok(found.into_iter().map(|(id, message)| (IncomingId(id), message)).collect())
}
