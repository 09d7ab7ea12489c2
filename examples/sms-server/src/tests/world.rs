//! A server, its storage, and its gateways, in one thread and with paused time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use gateway_emulator::{Auth, Emulator, Options};
use serde_json::Value;
use sms_gateway::{Gateway, core::track::Timing};
use tower::ServiceExt;

use super::{chance::Chance, line::Line, steps::Steps, storage::Stepping};
use crate::{
    api::{self, Api, Caller, Keys},
    config::Scope,
    expiry,
    gateway::{Running, Settings, Shared, Sims},
    keywords::Keywords,
    names::Names,
    queue::Queue,
    routes::{Route, Routes},
    server,
    storage::{AccountId, GatewayId, Mode, PoolId, Redb, Storage},
    webhook::Receiver,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The key of the account.
pub(super) const KEY: &str = "key";
pub(super) const ACCOUNT: AccountId = AccountId(0);
/// The number of messages per port that are bound and not sent.
pub(super) const PER_PORT: usize = 2;
pub(super) const FAILOVER_AFTER: Duration = Duration::from_secs(30);

/// Everything that outlasts the server's process.
pub(super) struct World {
    pub(super) storage: Arc<Redb>,
    pub(super) lines: Vec<Line>,
    pub(super) steps: Steps,
    timing: Timing,
    /// Whether the account gets the messages that arrive at the gateways.
    pub(super) has_incoming: bool,
    /// The URL of the receiver of the account's events. Without it, the events stay in the storage.
    pub(super) webhook: Option<String>,
    chance: Chance,
}

/// The process of a server, which ends with its runtime.
pub(super) struct Process {
    router: Router,
}

impl World {
    pub(super) async fn new(seed: u64, gateways: &[Options], steps: Steps) -> Self {
        let mut lines = Vec::new();
        for options in gateways {
            let options = Options { auth: Auth::None, ..options.clone() };
            let emulator = Arc::new(Emulator::start(options).await.unwrap());
            lines.push(Line::new(emulator, steps.clone()));
        }
        let timing = Timing { expire: Duration::from_secs(900), ..Timing::default() };
        let storage = Arc::new(Redb::in_memory().unwrap());
        storage.set_webhooks(vec![(ACCOUNT, [0; 16])]).await.unwrap();
        let chance = Chance::new(seed);
        Self { storage, lines, steps, timing, has_incoming: false, webhook: None, chance }
    }

    /// Starts a server with the contents of the storage.
    pub(super) async fn start(&mut self) -> Process {
        let stepping = Stepping::new(Arc::clone(&self.storage), self.steps.clone(), self.chance.branch());
        let storage: Arc<dyn Storage> = Arc::new(stepping);
        let queue = Queue::open(Arc::clone(&storage)).await.unwrap();
        let names = (0..self.lines.len()).map(|index| format!("box-{index}")).collect();
        let numbers = storage.gateways(names).await.unwrap();
        let shared = Shared { storage: Arc::clone(&storage), queue: queue.clone(), sims: Sims::default() };
        let running = |(line, number): (&Line, &GatewayId)| {
            (*number, Running::start(self.settings(line, *number), shared.clone()))
        };
        let gateways: BTreeMap<_, _> = self.lines.iter().zip(&numbers).map(running).collect();
        tokio::spawn(expiry::run(Arc::clone(&storage), queue.clone()));
        tokio::spawn(server::refresh(queue.clone()));
        if let Some(url) = &self.webhook {
            let receiver = Receiver::new(ACCOUNT, url, SECRET, (true, true), Names::default()).unwrap();
            receiver.start(Arc::clone(&storage));
        }
        let mut keys = Keys::default();
        let scopes = [Scope::Send, Scope::Read].into_iter().collect();
        keys.add(api::hash(KEY), Caller::Account { account: ACCOUNT, scopes });
        let routes = Routes(vec![Route { account: None, prefix: String::new(), pool: PoolId(0) }]);
        let api = Api {
            storage,
            queue,
            routes,
            keys,
            names: Names::default(),
            gateways,
            process: api::Process::default(),
            backups: "backups".into(),
        };
        Process { router: api::router(Arc::new(api)) }
    }

    fn settings(&self, line: &Line, id: GatewayId) -> Settings {
        let line = line.clone();
        let gateway = Gateway::builder("http://gateway").connector(move |_| line.clone().connect());
        Settings {
            id,
            name: format!("box-{}", id.0).into(),
            gateway: gateway.build().unwrap(),
            mode: Mode::Active,
            pools: vec![PoolId(0)],
            timing: self.timing,
            incoming: self.has_incoming.then_some(ACCOUNT),
            keywords: Keywords::default(),
            exclusive: true,
            per_port: PER_PORT,
            ports_every: Duration::from_secs(30),
            failover_after: FAILOVER_AFTER,
        }
    }
}

impl Process {
    /// Makes a request to the API. Returns the status and the body.
    pub(super) async fn call(&self, method: Method, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("Authorization", format!("Bearer {KEY}"));
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}
