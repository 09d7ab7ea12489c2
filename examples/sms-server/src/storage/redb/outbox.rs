//! Events that wait to be sent to webhooks.

use ::redb::{ReadTransaction, ReadableTable};
use serde::{Deserialize, Serialize};

use super::{
    super::{AccountId, State, Subject, Time, Waiting},
    tables::{self, DUE, Fault, OUTBOX, Tables, encode, open, row},
};

/// A row of the outbox.
#[derive(Serialize, Deserialize)]
struct Row {
    subject: Subject,
    attempts: u32,
    due: Time,
}

/// Whether a change to a state is an event for webhooks. The steps before a message is sent are not.
pub(super) const fn is_event(state: State) -> bool {
    matches!(state, State::Sent) || state.is_final()
}

/// Adds an event, if its account has a webhook.
pub(super) fn add(
    tables: &mut Tables<'_>,
    account: AccountId,
    subject: Subject,
    now: Time,
) -> Result<(), Fault> {
    if tables.webhooks.get(account.0)?.is_none() {
        return Ok(());
    }
    let last = tables.outbox.range((account.0, 0)..=(account.0, u64::MAX))?.next_back().transpose()?;
    let place = tables::next(last.map(|(key, _)| key.value().1), now);
    put(tables, account, place, &Row { subject, attempts: 0, due: now })
}

fn put(tables: &mut Tables<'_>, account: AccountId, place: u64, row: &Row) -> Result<(), Fault> {
    tables.outbox.insert((account.0, place), encode(row)?.as_slice())?;
    tables.due.insert((account.0, row.due.0, place), ())?;
    Ok(())
}

/// Removes an event. Returns its row.
fn take(tables: &mut Tables<'_>, account: AccountId, place: u64) -> Result<Option<Row>, Fault> {
    let found: Option<Row> = row(&tables.outbox, (account.0, place))?;
    if let Some(row) = &found {
        tables.outbox.remove((account.0, place))?;
        tables.due.remove((account.0, row.due.0, place))?;
    }
    Ok(found)
}

pub(super) fn finish(tables: &mut Tables<'_>, account: AccountId, place: u64) -> Result<(), Fault> {
    take(tables, account, place).map(drop)
}

pub(super) fn postpone(
    tables: &mut Tables<'_>,
    account: AccountId,
    place: u64,
    due: Time,
) -> Result<(), Fault> {
    match take(tables, account, place)? {
        Some(row) => {
            put(tables, account, place, &Row { attempts: row.attempts.saturating_add(1), due, ..row })
        }
        None => Ok(()),
    }
}

pub(super) fn due(
    transaction: &ReadTransaction,
    account: AccountId,
    now: Time,
    limit: usize,
) -> Result<Vec<Waiting>, Fault> {
    let (due, outbox) = (open(transaction, DUE)?, open(transaction, OUTBOX)?);
    let mut found = Vec::new();
    for entry in due.range((account.0, 0, 0)..=(account.0, now.0, u64::MAX))?.take(limit) {
        let (_, _, place) = entry?.0.value();
        let stored: Option<Row> = row(&outbox, (account.0, place))?;
        found.extend(stored.map(|row| Waiting { place, subject: row.subject, attempts: row.attempts }));
    }
    Ok(found)
}

pub(super) fn set_webhooks(tables: &mut Tables<'_>, accounts: &[AccountId]) -> Result<(), Fault> {
    let mut known = Vec::new();
    for entry in tables.webhooks.iter()? {
        known.push(entry?.0.value());
    }
    for account in known {
        tables.webhooks.remove(account)?;
    }
    for account in accounts {
        tables.webhooks.insert(account.0, ())?;
    }
    Ok(())
}
