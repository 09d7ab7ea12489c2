//! The numbers of accounts, pools and gateways.

use ::redb::ReadableTable;

use super::tables::{Fault, Tables};

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
