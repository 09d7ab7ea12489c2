//! The JSON API.

mod access;
mod auth;
mod backups;
mod body;
mod endpoints;
mod explain;
#[cfg(test)]
mod gateway_tests;
mod gateways;
mod health;
mod held;
mod incoming;
mod messages;
mod number;
mod openapi;
#[cfg(test)]
mod openapi_tests;
mod opt_outs;
mod page;
mod params;
mod problem;
#[cfg(test)]
mod role_tests;
#[cfg(test)]
mod tests;
mod ussd;
mod webhooks;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use axum::{Router, extract::DefaultBodyLimit};

pub use auth::{Caller, Keys, hash};
pub use health::Process;
pub use problem::{Kind, Problem};

use crate::{
    gateway::Running,
    names::Names,
    queue::Queue,
    routes::Routes,
    storage::{AccountId, GatewayId, Storage},
};

/// The maximum number of messages in a request.
pub const MAX_MESSAGES: usize = 10_000;

/// The maximum length of a request in bytes: enough for [`MAX_MESSAGES`] messages of average length.
const MAX_BYTES: usize = 8 << 20;

/// The parts that all handlers share.
pub struct Api {
    /// The storage.
    pub storage: Arc<dyn Storage>,
    /// The queue.
    pub queue: Queue,
    /// The routes.
    pub routes: Routes,
    /// The keys.
    pub keys: Keys,
    /// The names of gateways.
    pub names: Names,
    /// The gateways in use.
    pub gateways: BTreeMap<GatewayId, Running>,
    /// What the process knows of itself.
    pub process: Process,
    /// The folder of the backups.
    pub backups: PathBuf,
}

impl Api {
    /// Finds an account by its name.
    fn account(&self, name: &str) -> Result<AccountId, Problem> {
        self.names.account(name).ok_or_else(|| Problem::new(Kind::NotFound, "There is no such account."))
    }
}

/// Returns the service of the API.
pub fn router(api: Arc<Api>) -> Router {
    endpoints::router(&api)
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(Kind::WrongMethod, "This path does not have this method.")
        })
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(api)
}
