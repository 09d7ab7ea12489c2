//! Events that wait to be sent to webhooks.

use std::ops::RangeInclusive;

use ::redb::{ReadTransaction, ReadableTable};
use serde::{Deserialize, Serialize};

use super::{
    super::{AccountId, State, Subject, Time, Waiting},
    tables::{self, DUE, Fault, OUTBOX, Tables, encode, open, row},
    webhooks,
};

/// A row of the outbox.
#[derive(Serialize, Deserialize)]
struct Row {
    subject: Subject,
    attempts: u32,
    due: Time,
    since: Time,
    failure: Option<Box<str>>,
}

impl Row {
    fn show(self, place: u64) -> Waiting {
        let Self { subject, attempts, since, failure, .. } = self;
        Waiting { place, subject, attempts, since, failure }
    }
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
    put(tables, account, place, &Row { subject, attempts: 0, due: now, since: now, failure: None })
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
    failure: Box<str>,
) -> Result<(), Fault> {
    let Some(row) = take(tables, account, place)? else { return Ok(()) };
    let (attempts, failure) = (row.attempts.saturating_add(1), Some(failure));
    put(tables, account, place, &Row { attempts, due, failure, ..row })
}

pub(super) fn due(
    transaction: &ReadTransaction,
    account: AccountId,
    now: Time,
    limit: usize,
) -> Result<Vec<Waiting>, Fault> {
    if webhooks::is_disabled(transaction, account)? {
        return Ok(Vec::new());
    }
    list(transaction, (account.0, 0, 0)..=(account.0, now.0, u64::MAX), limit)
}

pub(super) fn dead_letters(
    transaction: &ReadTransaction,
    account: AccountId,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<Waiting>, Fault> {
    let from = after.map_or(0, |after| after.saturating_add(1));
    list(transaction, dead(account, from), limit)
}

type Due = (u32, u64, u64);

/// The dead letters of an account from a place on.
const fn dead(account: AccountId, from: u64) -> RangeInclusive<Due> {
    (account.0, Time::NEVER.0, from)..=(account.0, Time::NEVER.0, u64::MAX)
}

fn list(
    transaction: &ReadTransaction,
    range: RangeInclusive<Due>,
    limit: usize,
) -> Result<Vec<Waiting>, Fault> {
    let (due, outbox) = (open(transaction, DUE)?, open(transaction, OUTBOX)?);
    let mut found = Vec::new();
    for entry in due.range(range)?.take(limit) {
        let (account, _, place) = entry?.0.value();
        let stored: Option<Row> = row(&outbox, (account, place))?;
        found.extend(stored.map(|row| row.show(place)));
    }
    Ok(found)
}

pub(super) fn retry(
    tables: &mut Tables<'_>,
    account: AccountId,
    place: Option<u64>,
    limit: usize,
    now: Time,
) -> Result<usize, Fault> {
    let mut range = dead(account, place.unwrap_or(0));
    if let Some(place) = place {
        range = *range.start()..=(account.0, Time::NEVER.0, place);
    }
    let found = tables.due.range(range)?.take(limit);
    let places = found.map(|entry| Ok(entry?.0.value().2)).collect::<Result<Vec<_>, Fault>>()?;
    for place in &places {
        if let Some(row) = take(tables, account, *place)? {
            put(tables, account, *place, &Row { attempts: 0, due: now, since: now, ..row })?;
        }
    }
    Ok(places.len())
}
