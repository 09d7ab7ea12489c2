//! The webhooks of accounts, and whether they are disabled.

use ::redb::{ReadTransaction, ReadableTable};
use serde::{Deserialize, Serialize};

use super::{
    super::{AccountId, Time, Webhook},
    tables::{Fault, Tables, WEBHOOKS, decode, encode, open, row},
};

/// A row of the webhooks.
#[derive(Serialize, Deserialize)]
struct Row {
    /// A hash of the configuration.
    configured: [u8; 16],
    disabled: Option<Time>,
}

pub(super) fn set(tables: &mut Tables<'_>, webhooks: &[(AccountId, [u8; 16])]) -> Result<(), Fault> {
    let mut rows = Vec::new();
    for (account, configured) in webhooks {
        let known: Option<Row> = row(&tables.webhooks, account.0)?;
        let known = known.filter(|known| known.configured == *configured);
        rows.push((account.0, known.unwrap_or(Row { configured: *configured, disabled: None })));
    }
    tables.webhooks.retain(|_, _| false)?;
    for (account, row) in rows {
        tables.webhooks.insert(account, encode(&row)?.as_slice())?;
    }
    Ok(())
}

/// Notes since when a webhook is disabled, or that it is not. Returns false if the account has none.
pub(super) fn disable(
    tables: &mut Tables<'_>,
    account: AccountId,
    disabled: Option<Time>,
) -> Result<bool, Fault> {
    let known: Option<Row> = row(&tables.webhooks, account.0)?;
    let Some(known) = known else { return Ok(false) };
    tables.webhooks.insert(account.0, encode(&Row { disabled, ..known })?.as_slice())?;
    Ok(true)
}

pub(super) fn is_disabled(transaction: &ReadTransaction, account: AccountId) -> Result<bool, Fault> {
    let known: Option<Row> = row(&open(transaction, WEBHOOKS)?, account.0)?;
    Ok(known.is_some_and(|known| known.disabled.is_some()))
}

pub(super) fn list(transaction: &ReadTransaction) -> Result<Vec<Webhook>, Fault> {
    let webhooks = open(transaction, WEBHOOKS)?;
    let show = |(account, row): (u32, Row)| Webhook { account: AccountId(account), disabled: row.disabled };
    let rows = webhooks.iter()?.map(|entry| {
        let (account, row) = entry?;
        Ok((account.value(), decode(row.value())?))
    });
    rows.map(|row| row.map(show)).collect()
}
