//! The acceptance of messages.

use ::redb::ReadableTable;

use super::{
    super::{
        Acceptance, AccountId, HistoryEntry, IdempotencyKey, Message, MessageId, NewMessage, Place, State,
        Time,
    },
    change::write,
    opt_outs, queue,
    tables::{self, Fault, Tables},
};

/// The maximum number of old idempotency keys that each acceptance deletes, so that they are deleted faster than new ones are added.
const KEYS_PER_ACCEPTANCE: usize = 4;

pub(super) fn accept(
    tables: &mut Tables<'_>,
    account: AccountId,
    key: Option<IdempotencyKey>,
    messages: Vec<NewMessage>,
    now: Time,
) -> Result<Acceptance, Fault> {
    forget_keys(tables, now)?;
    let first = next_id(tables, now)?;
    if let Some(key) = key {
        let known = tables.idempotency.get((account.0, key.key))?.map(|known| known.value());
        if let Some((request, first, count)) = known {
            let ids = (first..).take(count as usize).map(MessageId).collect();
            return Ok(if request == key.request { Acceptance::Known(ids) } else { Acceptance::Conflict });
        }
    }
    if let Some(index) = opted_out(tables, account, &messages)? {
        return Ok(Acceptance::OptedOut(index));
    }
    if let Some(key) = key {
        let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        tables.idempotency.insert((account.0, key.key), (key.request, first.0, count))?;
        tables.idempotency_end.insert((key.until.0, account.0, key.key), ())?;
    }
    let mut ids = Vec::with_capacity(messages.len());
    for (id, new) in (first.0..).map(MessageId).zip(messages) {
        insert(tables, id, account, new, now)?;
        ids.push(id);
    }
    Ok(Acceptance::New(ids))
}

/// Returns the index of the first message whose recipient opted out.
fn opted_out(
    tables: &Tables<'_>,
    account: AccountId,
    messages: &[NewMessage],
) -> Result<Option<usize>, Fault> {
    for (index, message) in messages.iter().enumerate() {
        if opt_outs::has(tables, account, &message.to)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn insert(
    tables: &mut Tables<'_>,
    id: MessageId,
    account: AccountId,
    new: NewMessage,
    now: Time,
) -> Result<(), Fault> {
    let message = Message {
        account,
        pool: new.pool,
        to: new.to,
        text: new.text,
        reference: new.reference,
        priority: new.priority,
        created: now,
        expires: new.expires,
        place: Place::Queued,
        state: State::Queued,
        is_unwanted: false,
        entries: 0,
        attempts: 0,
    };
    tables.by_account.insert((account.0, id.0), ())?;
    queue::add(tables, id, &message)?;
    write(tables, id, message, &HistoryEntry::new(now, State::Queued))
}

/// Returns an id above all others.
fn next_id(tables: &Tables<'_>, now: Time) -> Result<MessageId, Fault> {
    Ok(MessageId(tables::next(tables.messages.last()?.map(|(id, _)| id.value()), now)))
}

/// Deletes some of the idempotency keys whose time is over.
fn forget_keys(tables: &mut Tables<'_>, now: Time) -> Result<(), Fault> {
    for _ in 0..KEYS_PER_ACCEPTANCE {
        let oldest = tables.idempotency_end.first()?.map(|(end, _)| end.value());
        match oldest {
            Some(end @ (until, account, key)) if until < now.0 => {
                tables.idempotency_end.remove(end)?;
                tables.idempotency.remove((account, key))?;
            }
            _ => break,
        }
    }
    Ok(())
}
