//! Gateways and their ports, for operators.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    Api,
    auth::Operator,
    problem::{Kind, Problem},
};
use crate::{
    gateway::{self, Obstacle, Running, SimUse},
    storage::{GatewayId, Mode, Time},
};

/// A gateway as operators see it.
#[derive(Serialize)]
pub(super) struct Shown {
    name: Arc<str>,
    mode: Mode,
    health: Health,
    /// The number of messages that are bound to it and not sent yet.
    waiting: usize,
    pools: Vec<Arc<str>>,
    ports: Vec<Port>,
    /// The reasons it would not send a message now.
    obstacles: Vec<Obstacle>,
}

#[derive(Serialize)]
struct Health {
    state: &'static str,
    /// In milliseconds since 1970.
    since: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Port {
    #[serde(rename = "port")]
    number: u8,
    is_registered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    iccid: Option<String>,
    /// 0 to 31.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<u8>,
    sim: &'static str,
    /// In milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantined_until: Option<u64>,
}

/// All gateways.
#[derive(Serialize)]
pub(super) struct All {
    gateways: Vec<Shown>,
}

impl Shown {
    pub(super) fn new(api: &Api, id: GatewayId, running: &Running) -> Self {
        Self {
            name: api.names.of(id),
            mode: running.mode(),
            health: running.health().into(),
            waiting: running.waiting(),
            pools: running.pools().iter().map(|pool| api.names.of_pool(*pool)).collect(),
            ports: running.ports().into_iter().map(|port| Port::new(running, port)).collect(),
            obstacles: running.obstacles(),
        }
    }
}

impl From<gateway::Health> for Health {
    fn from(health: gateway::Health) -> Self {
        let state = match (health.is_known, &health.error) {
            (false, _) => "unknown",
            (true, None) => "ok",
            (true, Some(_)) => "failing",
        };
        Self { state, since: health.since.0, error: health.error }
    }
}

impl Port {
    fn new(running: &Running, port: gateway::Port) -> Self {
        let (sim, until) = match running.sim(&port) {
            SimUse::Any => ("ok", None),
            SimUse::Probe => ("probe", None),
            SimUse::Quarantined(until) => {
                let left = until.saturating_duration_since(Instant::now()).as_millis();
                let until = Time::now().after(u64::try_from(left).unwrap_or(u64::MAX));
                ("quarantined", Some(until.0))
            }
        };
        Self {
            number: port.number,
            is_registered: port.is_registered,
            iccid: port.iccid,
            signal: port.signal,
            sim,
            quarantined_until: until,
        }
    }
}

/// Finds a gateway by its name.
pub(super) fn find<'a>(api: &'a Api, name: &str) -> Result<(GatewayId, &'a Running), Problem> {
    let found = api.names.gateway(name).and_then(|id| Some((id, api.gateways.get(&id)?)));
    found.ok_or_else(|| Problem::new(Kind::NotFound, "There is no such gateway."))
}

/// Lists the gateways.
pub(super) async fn list(State(api): State<Arc<Api>>) -> Json<All> {
    let gateways = api.gateways.iter().map(|(id, running)| Shown::new(&api, *id, running)).collect();
    Json(All { gateways })
}

/// Shows a gateway.
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let (id, running) = find(&api, &name)?;
    Ok(Json(Shown::new(&api, id, running)))
}

/// Gives a gateway no more messages.
pub(super) async fn pause(
    api: State<Arc<Api>>,
    by: Operator,
    name: Path<String>,
) -> Result<Json<Shown>, Problem> {
    set(api, by, name, Mode::Paused).await
}

/// Gives a gateway messages again.
pub(super) async fn resume(
    api: State<Arc<Api>>,
    by: Operator,
    name: Path<String>,
) -> Result<Json<Shown>, Problem> {
    set(api, by, name, Mode::Active).await
}

/// Gives a gateway no more messages, and returns those to the queue that were not submitted yet.
pub(super) async fn drain(
    api: State<Arc<Api>>,
    by: Operator,
    name: Path<String>,
) -> Result<Json<Shown>, Problem> {
    set(api, by, name, Mode::Draining).await
}

async fn set(
    State(api): State<Arc<Api>>,
    Operator(operator): Operator,
    Path(name): Path<String>,
    mode: Mode,
) -> Result<Json<Shown>, Problem> {
    let (id, running) = find(&api, &name)?;
    // It applies after a restart too.
    api.storage.set_mode(id, mode).await?;
    running.set_mode(mode);
    tracing::info!(gateway = name, ?mode, operator = &*operator, "an operator has set the mode of a gateway");
    Ok(Json(Shown::new(&api, id, running)))
}
