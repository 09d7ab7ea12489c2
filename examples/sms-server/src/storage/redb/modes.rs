//! The modes of gateways.

use std::collections::BTreeMap;

use ::redb::{ReadTransaction, ReadableTable};

use super::{
    super::{GatewayId, Mode},
    tables::{Fault, MODES, Tables, decode, encode, open},
};

pub(super) fn modes(transaction: &ReadTransaction) -> Result<BTreeMap<GatewayId, Mode>, Fault> {
    let modes = open(transaction, MODES)?;
    let mode = |entry: Result<(redb::AccessGuard<'_, u32>, redb::AccessGuard<'_, &[u8]>), _>| {
        let (gateway, mode) = entry?;
        Ok((GatewayId(gateway.value()), decode(mode.value())?))
    };
    modes.iter()?.map(mode).collect()
}

pub(super) fn set(tables: &mut Tables<'_>, gateway: GatewayId, mode: Mode) -> Result<(), Fault> {
    tables.modes.insert(gateway.0, encode(&mode)?.as_slice())?;
    Ok(())
}
