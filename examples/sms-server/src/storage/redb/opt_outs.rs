//! Recipients who opted out of the messages of an account.

use std::ops::Bound;

use ::redb::{ReadTransaction, ReadableTable};

use super::{
    super::{AccountId, Keyword, Time},
    tables::{Fault, OPT_OUTS, Tables, open},
};

/// Does what a recipient's keyword asks for. Returns whether that changed something.
pub(super) fn set(
    tables: &mut Tables<'_>,
    account: AccountId,
    number: &str,
    keyword: Keyword,
    now: Time,
) -> Result<bool, Fault> {
    let key = (account.0, number);
    match keyword {
        Keyword::Start => Ok(tables.opt_outs.remove(key)?.is_some()),
        // The first time stays.
        Keyword::Stop if has(tables, account, number)? => Ok(false),
        Keyword::Stop => {
            tables.opt_outs.insert(key, now.0)?;
            Ok(true)
        }
    }
}

pub(super) fn has(tables: &Tables<'_>, account: AccountId, number: &str) -> Result<bool, Fault> {
    Ok(tables.opt_outs.get((account.0, number))?.is_some())
}

pub(super) fn get(
    transaction: &ReadTransaction,
    account: AccountId,
    number: &str,
) -> Result<Option<Time>, Fault> {
    Ok(open(transaction, OPT_OUTS)?.get((account.0, number))?.map(|since| Time(since.value())))
}

pub(super) fn list(
    transaction: &ReadTransaction,
    account: AccountId,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(Box<str>, Time)>, Fault> {
    let opt_outs = open(transaction, OPT_OUTS)?;
    let from = after.map_or(Bound::Included((account.0, "")), |after| Bound::Excluded((account.0, after)));
    let to = account.0.checked_add(1).map_or(Bound::Unbounded, |next| Bound::Excluded((next, "")));
    let mut found = Vec::new();
    for entry in opt_outs.range::<(u32, &str)>((from, to))?.take(limit) {
        let (key, since) = entry?;
        found.push((key.value().1.into(), Time(since.value())));
    }
    Ok(found)
}
