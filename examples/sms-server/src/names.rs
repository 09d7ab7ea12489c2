//! The names of gateways, which clients see instead of their numbers in the storage.

use std::{collections::BTreeMap, sync::Arc};

use crate::storage::GatewayId;

/// The configured names. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<BTreeMap<GatewayId, Arc<str>>>);

impl Names {
    /// Takes the names.
    pub fn new(names: BTreeMap<GatewayId, Arc<str>>) -> Self {
        Self(Arc::new(names))
    }

    /// Returns the name of a gateway. One that is not configured any more is named by its number.
    pub fn of(&self, gateway: GatewayId) -> Arc<str> {
        self.0.get(&gateway).cloned().unwrap_or_else(|| format!("#{}", gateway.0).into())
    }
}
