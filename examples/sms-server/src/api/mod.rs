//! The JSON API.

mod auth;
mod body;
mod incoming;
mod messages;
mod page;
mod problem;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

pub use auth::{Caller, Keys, hash};
pub use problem::Problem;

use crate::{
    gateway::Running,
    names::Names,
    queue::Queue,
    routes::Routes,
    storage::{GatewayId, Storage},
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
}

/// Returns the service of the API.
pub fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/messages", post(messages::accept).get(messages::list))
        .route("/v1/messages/{id}", get(messages::show).delete(messages::cancel))
        .route("/v1/incoming", get(incoming::list))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { Problem::not_found() })
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(api)
}
