//! The server: everything that a configuration describes, running.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use sms_gateway::{Gateway, core::track::Timing};
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

use crate::{
    api::{self, Api, Caller, Keys},
    config::{self, Config, ConfigError},
    gateway::{Running, Settings, Shared},
    names::Names,
    queue::Queue,
    routes::{Route, Routes},
    storage::{HistoryEntry, PoolId, Redb, State, Storage, StorageError, Time},
    webhook::{Receiver, Unfit},
};

/// The file of the storage, in the configured folder.
const FILE: &str = "server.redb";

/// The time between two searches for expired messages.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// The time between two refreshments of the queue.
const REFRESH_EVERY: Duration = Duration::from_secs(60);

/// The maximum number of messages that expire at a time.
const MAX_EXPIRED: usize = 500;

/// The time between two queries of a gateway's ports.
const PORTS_EVERY: Duration = Duration::from_secs(30);

/// The time after which unsent messages leave a gateway that does not respond.
const FAILOVER_AFTER: Duration = Duration::from_secs(30);

/// The reason a server cannot start or has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The storage cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder of the storage, or the address, cannot be used.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// A gateway's settings cannot be used.
    #[error("gateway `{0}`: {1}")]
    Gateway(String, String),
    /// The webhook of an account cannot be used.
    #[error("the webhook of account `{0}`: {1}")]
    Webhook(String, #[source] Unfit),
}

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    api: Arc<Api>,
    /// Tasks that end with the server.
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens the storage, starts the gateways, and listens.
    ///
    /// # Errors
    /// [`ServerError`]. In that case, no gateway and no task was started.
    pub async fn start(config: &Config) -> Result<Self, ServerError> {
        let at = |what: String| move |error| ServerError::Io(what, error);
        fs::create_dir_all(&config.data)
            .map_err(at(format!("the folder {} cannot be created", config.data.display())))?;
        let storage: Arc<dyn Storage> = Arc::new(Redb::open(&config.data.join(FILE))?);
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(at(format!("the address {} cannot be used", config.listen)))?;
        let queue = Queue::open(Arc::clone(&storage)).await?;
        let pools = pools(config, &*storage).await?;
        let (routes, keys) = (routes(config, &*storage, &pools).await?, keys(config, &*storage).await?);
        let shared = Shared { storage: Arc::clone(&storage), queue: queue.clone() };
        let names = names(config, &*storage).await?;
        let receivers = receivers(config, &*storage, &names).await?;
        let gateways = gateways(config, &shared, &pools).await?;
        let mut tasks = vec![tokio::spawn(expire(Arc::clone(&storage), queue.clone()))];
        tasks.push(tokio::spawn(refresh(queue.clone())));
        tasks.extend(receivers.into_iter().map(|receiver| receiver.start(Arc::clone(&storage))));
        Ok(Self { listener, api: Arc::new(Api { storage, queue, routes, keys, names, gateways }), tasks })
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `end` is ready, and then stops the gateways in order.
    ///
    /// # Errors
    /// The system's.
    pub async fn run(self, end: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let served = axum::serve(self.listener, api::router(Arc::clone(&self.api)));
        let served = served.with_graceful_shutdown(end).await;
        self.tasks.iter().for_each(JoinHandle::abort);
        for gateway in self.api.gateways.values() {
            gateway.close();
        }
        for gateway in self.api.gateways.values() {
            gateway.closed().await;
        }
        served
    }
}

/// Returns the receivers of events, whose accounts are noted in the storage.
async fn receivers(
    config: &Config,
    storage: &dyn Storage,
    names: &Names,
) -> Result<Vec<Receiver>, ServerError> {
    let mut receivers = Vec::new();
    for account in &config.accounts {
        let Some(webhook) = &account.webhook else { continue };
        let allowed = (webhook.allow_http, webhook.allow_private);
        for number in storage.accounts(vec![account.name.clone()]).await? {
            let receiver = Receiver::new(number, &webhook.url, &webhook.secret()?, allowed, names.clone());
            receivers.push(receiver.map_err(|unfit| ServerError::Webhook(account.name.clone(), unfit))?);
        }
    }
    storage.set_webhooks(receivers.iter().map(|receiver| receiver.account).collect()).await?;
    Ok(receivers)
}

async fn names(config: &Config, storage: &dyn Storage) -> Result<Names, ServerError> {
    let names: Vec<_> = config.gateways.iter().map(|gateway| gateway.name.clone()).collect();
    let numbers = storage.gateways(names.clone()).await?;
    Ok(Names::new(numbers.into_iter().zip(names.into_iter().map(Into::into)).collect()))
}

type Pools = BTreeMap<String, PoolId>;

async fn pools(config: &Config, storage: &dyn Storage) -> Result<Pools, ServerError> {
    let names: Vec<_> = config.pools.iter().map(|pool| pool.name.clone()).collect();
    let numbers = storage.pools(names.clone()).await?;
    Ok(names.into_iter().zip(numbers).collect())
}

async fn routes(config: &Config, storage: &dyn Storage, pools: &Pools) -> Result<Routes, ServerError> {
    let mut routes = Vec::new();
    for route in &config.routes {
        let account = match &route.account {
            Some(name) => storage.accounts(vec![name.clone()]).await?.first().copied(),
            None => None,
        };
        let prefix = route.prefix.clone().unwrap_or_default();
        routes.extend(pools.get(&route.pool).map(|pool| Route { account, prefix, pool: *pool }));
    }
    Ok(Routes(routes))
}

async fn keys(config: &Config, storage: &dyn Storage) -> Result<Keys, ServerError> {
    let mut keys = Keys::default();
    for account in &config.accounts {
        let numbers = storage.accounts(vec![account.name.clone()]).await?;
        for (key, number) in account.keys.iter().zip(numbers.iter().cycle()) {
            keys.add(key.hash()?, Caller { account: *number, scopes: key.scopes.clone() });
        }
    }
    Ok(keys)
}

async fn gateways(
    config: &Config,
    shared: &Shared,
    pools: &Pools,
) -> Result<BTreeMap<crate::storage::GatewayId, Running>, ServerError> {
    let mut settings = Vec::new();
    for configured in &config.gateways {
        let of_gateway = config.pools.iter().filter(|pool| pool.gateways.contains(&configured.name));
        let of_gateway: BTreeSet<_> = of_gateway.filter_map(|pool| pools.get(&pool.name).copied()).collect();
        let ids = shared.storage.gateways(vec![configured.name.clone()]).await?;
        let incoming = match &configured.incoming {
            Some(account) => shared.storage.accounts(vec![account.clone()]).await?.first().copied(),
            None => None,
        };
        settings.extend(ids.into_iter().map(|id| (id, configured, incoming, of_gateway.clone())));
    }
    // Nothing starts unless all can be used.
    let built: Result<Vec<_>, ServerError> = settings
        .into_iter()
        .map(|(id, configured, incoming, pools)| {
            Ok(Settings {
                id,
                name: configured.name.as_str().into(),
                gateway: gateway(configured)?,
                pools: pools.into_iter().collect(),
                timing: Timing::default(),
                incoming,
                exclusive: configured.exclusive,
                per_port: configured.per_port,
                ports_every: PORTS_EVERY,
                failover_after: FAILOVER_AFTER,
            })
        })
        .collect();
    Ok(built?.into_iter().map(|settings| (settings.id, Running::start(settings, shared.clone()))).collect())
}

fn gateway(configured: &config::Gateway) -> Result<Gateway, ServerError> {
    let wrong = |why: String| ServerError::Gateway(configured.name.clone(), why);
    let password = configured.password()?;
    let mut builder = Gateway::builder(&configured.url).credentials(&configured.user, &password);
    for pin in &configured.pin {
        let pin = pin.parse().map_err(|_| wrong(format!("`{pin}` is not a fingerprint")))?;
        builder = builder.pin(pin);
    }
    builder.build().map_err(|error| wrong(error.to_string()))
}

/// Refreshes the queue again and again, because a failed storage may have made a change that it did not confirm.
async fn refresh(queue: Queue) {
    loop {
        sleep(REFRESH_EVERY).await;
        if let Err(error) = queue.refresh().await {
            tracing::error!(%error, "the queue cannot be read");
        }
    }
}

/// Ends queued messages whose time has expired, again and again.
async fn expire(storage: Arc<dyn Storage>, queue: Queue) {
    loop {
        let expired = storage.expired(Time::now(), MAX_EXPIRED).await.unwrap_or_default();
        let is_all = expired.len() < MAX_EXPIRED;
        for id in expired {
            if let Err(error) = end(&*storage, &queue, id).await {
                tracing::error!(%error, message = %id, "an expired message cannot be ended");
            }
        }
        if is_all {
            sleep(EXPIRE_EVERY).await;
        }
    }
}

async fn end(
    storage: &dyn Storage,
    queue: &Queue,
    id: crate::storage::MessageId,
) -> Result<(), StorageError> {
    let Some(message) = storage.message(id).await? else { return Ok(()) };
    queue.end(id, message, HistoryEntry::new(Time::now(), State::Expired)).await?;
    Ok(())
}
