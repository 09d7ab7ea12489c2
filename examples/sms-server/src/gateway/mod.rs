//! Gateways: each has a messenger, a task that binds messages to it, and a task that follows them.
//!
//! A message is bound only when a port of the gateway has room for it, so that almost all messages stay in the queue, where they can be
//! cancelled, expire, or be sent by another gateway.

mod failures;
mod follow;
mod health;
mod pace;
mod ports;
mod receive;
mod room;
mod sims;
mod status;
mod store;
mod task;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use sms_gateway::Gateway;
use tokio::{sync::Mutex, task::JoinHandle};

pub use ports::Port;
pub use sims::{SimUse, Sims};
pub use status::{Health, Obstacle};

use crate::{
    keywords::Keywords,
    queue::Queue,
    storage::{AccountId, GatewayId, Mode, PoolId, Storage},
};

/// A gateway and what the server does with it.
pub struct Settings {
    /// The gateway's number in the storage.
    pub id: GatewayId,
    /// The name in the configuration.
    pub name: Arc<str>,
    /// The gateway.
    pub gateway: Gateway,
    /// What it is used for at first.
    pub mode: Mode,
    /// The pools that it belongs to.
    pub pools: Vec<PoolId>,
    /// The intervals of the messenger's queries, and the time limits of messages.
    pub timing: sms_gateway::core::track::Timing,
    /// The account that its incoming messages are for; they are not queried without one.
    pub incoming: Option<AccountId>,
    /// The keywords of that account.
    pub keywords: Keywords,
    /// Whether only this server sends through it.
    pub exclusive: bool,
    /// The maximum number of messages per port that are bound and not sent yet.
    pub per_port: usize,
    /// The time between two queries of the ports.
    pub ports_every: Duration,
    /// The time after which messages that were not submitted return to the queue while requests fail or no port can send.
    pub failover_after: Duration,
}

/// The parts that all gateways share.
#[derive(Clone)]
pub struct Shared {
    /// The storage.
    pub storage: Arc<dyn Storage>,
    /// The queue.
    pub queue: Queue,
    /// The SIM cards that have failed.
    pub sims: Sims,
}

/// A gateway that is in use.
pub struct Running {
    gateway: Gateway,
    pools: Vec<PoolId>,
    state: Arc<room::Room>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Starts to use a gateway. If its messenger ends because the storage failed, it is started again.
    pub fn start(settings: Settings, shared: Shared) -> Self {
        let state = Arc::new(room::Room::new(settings.per_port, settings.mode, shared.sims.clone()));
        let (gateway, pools) = (settings.gateway.clone(), settings.pools.clone());
        let task = tokio::spawn(task::run(settings, shared, Arc::clone(&state)));
        Self { gateway, pools, state, task: Mutex::new(Some(task)) }
    }

    /// Returns the ports as the gateway showed them last; empty before that.
    pub fn ports(&self) -> Vec<Port> {
        self.state.ports()
    }

    /// Returns the gateway's client.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Returns the pools that it belongs to.
    pub fn pools(&self) -> &[PoolId] {
        &self.pools
    }

    /// Returns what it is used for.
    pub fn mode(&self) -> Mode {
        self.state.mode()
    }

    /// Sets what it is used for. This is not stored.
    pub fn set_mode(&self, mode: Mode) {
        self.state.set_mode(mode);
    }

    /// Returns whether requests to it succeed.
    pub fn health(&self) -> Health {
        self.state.health()
    }

    /// Returns what the SIM card of a port may be used for.
    pub fn sim(&self, port: &Port) -> SimUse {
        self.state.sim(port)
    }

    /// Returns the reasons it would not send a message now.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        self.state.obstacles()
    }

    /// Returns the number of messages that are bound to the gateway and not sent yet.
    pub fn waiting(&self) -> usize {
        self.state.waiting()
    }

    /// Stops a message, if its messenger still can. Its cancellation is stored.
    pub fn cancel(&self, user_id: u32) {
        self.state.cancel(user_id);
    }

    /// Begins to stop using the gateway. Messages that are bound to it continue when it is used again.
    pub fn close(&self) {
        self.state.close();
    }

    /// Waits until the gateway is not used any more.
    pub async fn closed(&self) {
        let task = self.task.lock().await.take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}
