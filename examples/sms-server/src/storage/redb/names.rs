//! The numbers of accounts, pools and gateways.

use ::redb::{ReadTransaction, ReadableTable};

use super::tables::{Fault, NAMES, Tables, open};

/// The kind of a named thing. The values are in the file.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Account = 0,
    Pool = 1,
    Gateway = 2,
}

/// Returns the numbers of these names. A new name gets the next number of its kind.
pub(super) fn numbers(tables: &mut Tables<'_>, kind: Kind, names: &[String]) -> Result<Vec<u32>, Fault> {
    names.iter().map(|name| number(tables, kind as u8, name)).collect()
}

/// Returns all names of a kind, with their numbers.
pub(super) fn all(transaction: &ReadTransaction, kind: Kind) -> Result<Vec<(String, u32)>, Fault> {
    let (names, kind) = (open(transaction, NAMES)?, kind as u8);
    let mut found = Vec::new();
    for entry in names.range((kind, "")..(kind + 1, ""))? {
        let (name, number) = entry?;
        found.push((name.value().1.to_owned(), number.value()));
    }
    Ok(found)
}

fn number(tables: &mut Tables<'_>, kind: u8, name: &str) -> Result<u32, Fault> {
    let known = tables.names.get((kind, name))?.map(|number| number.value());
    if let Some(number) = known {
        return Ok(number);
    }
    let mut next = 0;
    for entry in tables.names.range((kind, "")..(kind + 1, ""))? {
        next = next.max(entry?.1.value() + 1);
    }
    tables.names.insert((kind, name), next)?;
    Ok(next)
}
