//! The server: everything that a configuration describes, running.

use std::{
    collections::BTreeMap, future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration,
};

use sms_gateway::{Gateway, core::track::Timing};
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

use crate::{
    api::{self, Api, Caller, Keys, Process},
    config::{self, Config, ConfigError},
    expiry,
    gateway::{Running, Settings, Shared, Sims},
    keywords::Keywords,
    listen::{Door, Limits, Tls, TlsError},
    metrics,
    names::Names,
    queue::Queue,
    routes::{Route, Routes},
    storage::{AccountId, GatewayId, Mode, PoolId, Redb, Storage, StorageError, create_folder},
    webhook::{Receiver, Unfit},
};

/// The time between two refreshments of the queue.
const REFRESH_EVERY: Duration = Duration::from_secs(60);

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
    /// The file of the storage cannot be opened.
    #[error("{}", .0.display())]
    Open(PathBuf, #[source] StorageError),
    /// The storage cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder of the storage, or the address, cannot be used.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// The metrics cannot be recorded.
    #[error("the metrics cannot be recorded: {0}")]
    Metrics(&'static str),
    /// The certificate of the API cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A gateway's settings cannot be used.
    #[error("gateway `{0}`: {1}")]
    Gateway(String, String),
    /// The webhook of an account cannot be used.
    #[error("the webhook of account `{0}`")]
    Webhook(String, #[source] Unfit),
}

/// A server that is ready to run.
pub struct Server {
    door: Door,
    tls: Option<Arc<Tls>>,
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
        create_folder(&config.data)
            .map_err(at(format!("the folder {} cannot be created", config.data.display())))?;
        metrics::install().map_err(ServerError::Metrics)?;
        let tls = config.tls.clone().map(Tls::read).transpose()?.map(Arc::new);
        let file = config.storage();
        let storage = Redb::open(&file).map_err(|error| ServerError::Open(file, error))?;
        let storage: Arc<dyn Storage> = Arc::new(storage);
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(at(format!("the address {} cannot be used", config.listen)))?;
        let queue = Queue::open(Arc::clone(&storage)).await?;
        let numbers = Numbers::of(config, &*storage).await?;
        let (routes, keys) = (routes(config, &numbers), keys(config, &numbers)?);
        let names = numbers.names();
        tell_bound_to_others(&*storage, &numbers).await?;
        let receivers = receivers(config, &numbers, &names)?;
        storage
            .set_webhooks(receivers.iter().map(|receiver| (receiver.account, receiver.configured)).collect())
            .await?;
        let shared = Shared { storage: Arc::clone(&storage), queue: queue.clone(), sims: Sims::default() };
        let gateways = gateways(config, &shared, &numbers, &storage.modes().await?)?;
        let mut tasks = vec![tokio::spawn(expiry::run(Arc::clone(&storage), queue.clone()))];
        tasks.push(tokio::spawn(refresh(queue.clone())));
        tasks.extend(receivers.into_iter().map(|receiver| receiver.start(Arc::clone(&storage))));
        let door = Door::new(listener, tls.clone(), Limits::default());
        let process = Process::new(config.storage(), door.connections());
        let backups = config.backups();
        let api = Arc::new(Api { storage, queue, routes, keys, names, gateways, process, backups });
        Ok(Self { door, tls, api, tasks })
    }

    /// Returns the certificate of the API; `None` without TLS.
    pub fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.door.address()
    }

    /// Serves until `end` is ready, and then stops the gateways in order. Requests get 10 s to finish; then each gateway gets 30 s for
    /// the response to a submission.
    pub async fn run(self, end: impl Future<Output = ()>) {
        self.door.serve(api::router(Arc::clone(&self.api)), end).await;
        self.tasks.iter().for_each(JoinHandle::abort);
        for gateway in self.api.gateways.values() {
            gateway.close();
        }
        for gateway in self.api.gateways.values() {
            gateway.closed().await;
        }
    }
}

/// Checks everything of a configuration that [`Server::start`] checks, without the storage and the address.
///
/// # Errors
/// [`ServerError`]: the first mistake that was found.
pub fn check(config: &Config) -> Result<(), ServerError> {
    config.tls.clone().map(Tls::read).transpose()?;
    let numbers = Numbers::unstored(config);
    keys(config, &numbers)?;
    receivers(config, &numbers, &numbers.names())?;
    config.gateways.iter().try_for_each(|configured| gateway(configured).map(drop))
}

/// The numbers in the storage of everything that the configuration names.
struct Numbers {
    accounts: BTreeMap<String, AccountId>,
    pools: BTreeMap<String, PoolId>,
    gateways: BTreeMap<String, GatewayId>,
}

impl Numbers {
    async fn of(config: &Config, storage: &dyn Storage) -> Result<Self, StorageError> {
        let (accounts, pools, gateways) = names(config);
        Ok(Self {
            accounts: accounts.iter().cloned().zip(storage.accounts(accounts.clone()).await?).collect(),
            pools: pools.iter().cloned().zip(storage.pools(pools.clone()).await?).collect(),
            gateways: gateways.iter().cloned().zip(storage.gateways(gateways.clone()).await?).collect(),
        })
    }

    /// Numbers everything, to check a configuration without a storage.
    fn unstored(config: &Config) -> Self {
        let (accounts, pools, gateways) = names(config);
        Self {
            accounts: accounts.into_iter().zip((0..).map(AccountId)).collect(),
            pools: pools.into_iter().zip((0..=u16::MAX).map(PoolId)).collect(),
            gateways: gateways.into_iter().zip((0..).map(GatewayId)).collect(),
        }
    }

    fn names(&self) -> Names {
        fn turned<I: Copy + Ord>(numbers: &BTreeMap<String, I>) -> BTreeMap<I, Arc<str>> {
            numbers.iter().map(|(name, number)| (*number, name.as_str().into())).collect()
        }
        Names::new(turned(&self.gateways), turned(&self.accounts), turned(&self.pools))
    }
}

/// Returns the names of accounts, pools and gateways.
fn names(config: &Config) -> (Vec<String>, Vec<String>, Vec<String>) {
    (
        config.accounts.iter().map(|account| account.name.clone()).collect(),
        config.pools.iter().map(|pool| pool.name.clone()).collect(),
        config.gateways.iter().map(|gateway| gateway.name.clone()).collect(),
    )
}

// The functions below skip a name that has no number, but that never happens: the configuration was checked, and names only accounts, pools
// and gateways that it defines. Each of these has a number.

fn receivers(config: &Config, numbers: &Numbers, names: &Names) -> Result<Vec<Receiver>, ServerError> {
    let mut receivers = Vec::new();
    for account in &config.accounts {
        let Some((webhook, number)) = account.webhook.as_ref().zip(numbers.accounts.get(&account.name))
        else {
            continue;
        };
        let allowed = (webhook.allow_http, webhook.allow_private);
        let receiver = Receiver::new(*number, &webhook.url, &webhook.secret()?, allowed, names.clone());
        receivers.push(receiver.map_err(|unfit| ServerError::Webhook(account.name.clone(), unfit))?);
    }
    Ok(receivers)
}

fn routes(config: &Config, numbers: &Numbers) -> Routes {
    let route = |route: &config::Route| {
        let account = route.account.as_ref().and_then(|name| numbers.accounts.get(name)).copied();
        let prefix = route.prefix.clone().unwrap_or_default();
        numbers.pools.get(&route.pool).map(|pool| Route { account, prefix, pool: *pool })
    };
    Routes(config.routes.iter().filter_map(route).collect())
}

fn keys(config: &Config, numbers: &Numbers) -> Result<Keys, ServerError> {
    let mut keys = Keys::default();
    for account in &config.accounts {
        let Some(number) = numbers.accounts.get(&account.name) else { continue };
        let of = format!("account `{}`", account.name);
        for key in &account.keys {
            let caller = Caller::Account { account: *number, scopes: key.scopes.clone() };
            add(&mut keys, key.hash(&of)?, caller, &of)?;
        }
    }
    for operator in &config.operators {
        let caller = Caller::Operator { name: operator.name.as_str().into(), role: operator.role };
        let of = format!("operator `{}`", operator.name);
        add(&mut keys, operator.hash(&of)?, caller, &of)?;
    }
    Ok(keys)
}

fn add(keys: &mut Keys, hash: [u8; 32], caller: Caller, of: &str) -> Result<(), ConfigError> {
    if keys.add(hash, caller) {
        return Ok(());
    }
    Err(ConfigError::Wrong(format!("{of} has a key that appears twice; make one key for each program")))
}

fn gateways(
    config: &Config,
    shared: &Shared,
    numbers: &Numbers,
    modes: &BTreeMap<GatewayId, Mode>,
) -> Result<BTreeMap<GatewayId, Running>, ServerError> {
    // Nothing starts unless all can be used.
    let mut all = Vec::new();
    for configured in &config.gateways {
        let Some(id) = numbers.gateways.get(&configured.name) else { continue };
        let pools = config.pools.iter().filter(|pool| pool.gateways.contains(&configured.name));
        all.push(Settings {
            id: *id,
            name: configured.name.as_str().into(),
            gateway: gateway(configured)?,
            mode: modes.get(id).copied().unwrap_or_default(),
            pools: pools.filter_map(|pool| numbers.pools.get(&pool.name).copied()).collect(),
            timing: timing(configured.speed),
            incoming: configured.incoming.as_ref().and_then(|name| numbers.accounts.get(name)).copied(),
            keywords: keywords(config, configured),
            exclusive: configured.exclusive,
            per_port: configured.per_port,
            ports_every: PORTS_EVERY.div_f64(configured.speed),
            failover_after: FAILOVER_AFTER.div_f64(configured.speed),
        });
    }
    Ok(all.into_iter().map(|settings| (settings.id, Running::start(settings, shared.clone()))).collect())
}

/// Returns the keywords of the account that gets the incoming messages of a gateway.
fn keywords(config: &Config, gateway: &config::Gateway) -> Keywords {
    let account = config.accounts.iter().find(|account| gateway.incoming.as_ref() == Some(&account.name));
    account.map(|account| account.keywords.clone()).unwrap_or_default()
}

/// Returns the timing of messages on a gateway that is this number of times as fast as a real one.
fn timing(speed: f64) -> Timing {
    let usual = Timing::default();
    let short = |wait: Duration| wait.div_f64(speed);
    Timing {
        first_result: short(usual.first_result),
        first_report: short(usual.first_report),
        results_every: short(usual.results_every),
        reports_every: short(usual.reports_every),
        slowest: short(usual.slowest),
        retry: short(usual.retry),
        incoming: short(usual.incoming),
        expire: short(usual.expire),
        late: short(usual.late),
        reported: short(usual.reported),
        doubled: short(usual.doubled),
        unmatched: short(usual.unmatched),
    }
}

fn gateway(configured: &config::Gateway) -> Result<Gateway, ServerError> {
    let wrong = |why: String| ServerError::Gateway(configured.name.clone(), why);
    let password = configured.password()?;
    let mut builder = Gateway::builder(&configured.url).credentials(&configured.user, &password);
    for pin in &configured.pin {
        let pin = pin.parse().map_err(|_| wrong(format!(
                "`{pin}` is not a fingerprint: sha256: and 64 hexadecimal digits, as `sms-client pin URL` prints it"
            )))?;
        builder = builder.pin(pin);
    }
    builder.build().map_err(|error| wrong(error.to_string()))
}

/// Tells the operator of messages that wait for a gateway which is not configured any more. Only that gateway may have them.
async fn tell_bound_to_others(storage: &dyn Storage, numbers: &Numbers) -> Result<(), StorageError> {
    let configured = numbers.gateways.values().copied().collect();
    for (gateway, messages) in storage.bound_to_others(configured).await? {
        tracing::error!(
            gateway,
            messages,
            "messages are bound to a gateway that is not configured, and wait for it"
        );
    }
    Ok(())
}

/// Refreshes the queue again and again, because a failed storage may have made a change that it did not confirm.
pub(crate) async fn refresh(queue: Queue) {
    loop {
        sleep(REFRESH_EVERY).await;
        if let Err(error) = queue.refresh().await {
            tracing::error!(%error, "the queue cannot be read");
        }
    }
}
