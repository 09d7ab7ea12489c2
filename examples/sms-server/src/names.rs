//! The names of gateways, accounts and pools, which clients see instead of their numbers in the storage.

use std::{collections::BTreeMap, sync::Arc};

use crate::storage::{AccountId, GatewayId, PoolId};

/// The configured names. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<All>);

#[derive(Debug, Default)]
struct All {
    gateways: BTreeMap<GatewayId, Arc<str>>,
    accounts: BTreeMap<AccountId, Arc<str>>,
    pools: BTreeMap<PoolId, Arc<str>>,
}

impl Names {
    /// Takes the names.
    pub fn new(
        gateways: BTreeMap<GatewayId, Arc<str>>,
        accounts: BTreeMap<AccountId, Arc<str>>,
        pools: BTreeMap<PoolId, Arc<str>>,
    ) -> Self {
        Self(Arc::new(All { gateways, accounts, pools }))
    }

    /// Returns the name of a gateway. One that is not configured any more is named by its number.
    pub fn of(&self, gateway: GatewayId) -> Arc<str> {
        self.0.gateways.get(&gateway).cloned().unwrap_or_else(|| format!("#{}", gateway.0).into())
    }

    /// As [`of`](Self::of), for an account.
    pub fn of_account(&self, account: AccountId) -> Arc<str> {
        self.0.accounts.get(&account).cloned().unwrap_or_else(|| format!("#{}", account.0).into())
    }

    /// As [`of`](Self::of), for a pool.
    pub fn of_pool(&self, pool: PoolId) -> Arc<str> {
        self.0.pools.get(&pool).cloned().unwrap_or_else(|| format!("#{}", pool.0).into())
    }

    /// Finds a gateway by its name.
    pub fn gateway(&self, name: &str) -> Option<GatewayId> {
        self.0.gateways.iter().find(|(_, of)| &***of == name).map(|(id, _)| *id)
    }

    /// Finds an account by its name.
    pub fn account(&self, name: &str) -> Option<AccountId> {
        self.0.accounts.iter().find(|(_, of)| &***of == name).map(|(id, _)| *id)
    }
}
