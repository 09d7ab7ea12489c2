//! Whether the server works, for supervisors, load balancers and monitoring.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};

use super::{
    Api,
    problem::{Kind, Problem},
};
use crate::{
    gateway::{Obstacle, Running, SimUse},
    listen::Connections,
    metrics::{self, gauge},
    storage::{Mode, Statistics, Time},
};

/// The time for the storage to make a change.
const LIMIT: Duration = Duration::from_secs(5);

/// The time for which a look at the storage is not repeated, because everybody may ask, and each look writes to the disk.
const FRESH: Duration = Duration::from_secs(1);

/// What the process knows of itself.
#[derive(Default)]
pub struct Process {
    /// The file of the storage.
    pub file: Option<PathBuf>,
    /// The open connections.
    pub connections: Connections,
    /// The time and the outcome of the last look at the storage.
    looked: Mutex<Option<(Instant, bool)>>,
}

impl Process {
    /// Creates it before any look at the storage.
    pub fn new(file: PathBuf, connections: Connections) -> Self {
        Self { file: Some(file), connections, looked: Mutex::default() }
    }
}

/// The state of the server.
#[derive(Serialize)]
pub(super) struct Shown {
    /// Whether the storage can be written.
    is_storage_writable: bool,
    /// The age of the oldest queued message in seconds; 0 without one.
    oldest_queued: u64,
    /// The number of gateways that could send a message now, or as soon as they have sent others.
    gateways_able: usize,
    /// The number of gateways.
    gateways: usize,
}

impl Shown {
    async fn of(api: &Api) -> Self {
        let is_storage_writable = is_writable(api).await;
        let oldest = match api.storage.statistics().await {
            Ok(statistics) => {
                statistics.queues.iter().map(|queue| age(queue.oldest)).max().unwrap_or_default()
            }
            Err(_) => 0,
        };
        let gateways_able = api.gateways.values().filter(|gateway| is_able(gateway)).count();
        Self { is_storage_writable, oldest_queued: oldest, gateways_able, gateways: api.gateways.len() }
    }
}

fn is_able(gateway: &Running) -> bool {
    gateway.obstacles().iter().all(|obstacle| *obstacle == Obstacle::Full)
}

/// Returns the age of a message in seconds.
fn age(accepted: Option<Time>) -> u64 {
    accepted.map_or(0, |accepted| Time::now().0.saturating_sub(accepted.0) / 1000)
}

async fn is_writable(api: &Api) -> bool {
    let mut looked = api.process.looked.lock().await;
    if let Some((at, outcome)) = *looked
        && at.elapsed() < FRESH
    {
        return outcome;
    }
    let outcome = matches!(timeout(LIMIT, api.storage.check()).await, Ok(Ok(())));
    *looked = Some((Instant::now(), outcome));
    outcome
}

fn respond(shown: Shown, is_well: bool) -> (StatusCode, Json<Shown>) {
    (if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(shown))
}

/// Responds with 200 if the storage can be written.
pub(super) async fn healthz(State(api): State<Arc<Api>>) -> (StatusCode, Json<Shown>) {
    let shown = Shown::of(&api).await;
    let is_well = shown.is_storage_writable;
    respond(shown, is_well)
}

/// Responds with 200 if the storage can be written and at least one gateway can send.
pub(super) async fn readyz(State(api): State<Arc<Api>>) -> (StatusCode, Json<Shown>) {
    let shown = Shown::of(&api).await;
    let is_well = shown.is_storage_writable && shown.gateways_able > 0;
    respond(shown, is_well)
}

/// Shows the metrics.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    let statistics = api.storage.statistics().await?;
    set_storage(&api, &statistics);
    for (id, gateway) in &api.gateways {
        set_gateway(&api.names.of(*id), gateway);
    }
    let recorder = metrics::install().map_err(|error| Problem::new(Kind::Unavailable, error))?;
    // Histograms are summed up here, because nothing else does it regularly.
    recorder.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render()))
}

#[allow(clippy::cast_precision_loss)] // Metrics are floating-point numbers.
fn set_storage(api: &Api, statistics: &Statistics) {
    for queue in &statistics.queues {
        let pool = api.names.of_pool(queue.pool).to_string();
        gauge!(metrics::QUEUED, "pool" => pool.clone()).set(queue.length as f64);
        gauge!(metrics::OLDEST, "pool" => pool).set(age(queue.oldest) as f64);
    }
    gauge!(metrics::WEBHOOK_WAITING).set(statistics.events as f64);
    gauge!(metrics::CONNECTIONS).set(api.process.connections.count() as f64);
    let size = api.process.file.as_ref().and_then(|file| std::fs::metadata(file).ok());
    if let Some(size) = size {
        gauge!(metrics::STORAGE_SIZE).set(size.len() as f64);
    }
}

#[allow(clippy::cast_precision_loss)]
fn set_gateway(name: &str, gateway: &Running) {
    let obstacles = gateway.obstacles();
    let fails = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Failing | Obstacle::PortsUnknown);
    let ports = gateway.ports();
    let quarantined = |port: &&crate::gateway::Port| matches!(gateway.sim(port), SimUse::Quarantined(_));
    for (metric, value) in [
        (metrics::BOUND, gateway.waiting()),
        (metrics::HEALTHY, usize::from(!obstacles.iter().any(fails))),
        (metrics::PAUSED, usize::from(gateway.mode() != Mode::Active)),
        (metrics::REGISTERED, ports.iter().filter(|port| port.is_registered).count()),
        (metrics::QUARANTINED, ports.iter().filter(quarantined).count()),
    ] {
        gauge!(metric, "gateway" => name.to_owned()).set(value as f64);
    }
}
