//! The configuration file.
//!
//! ```toml
//! listen = "0.0.0.0:8480"
//! tls = { cert = "sms-server.crt", key = "sms-server.key" }
//! data = "sms-server-data"
//!
//! [[gateway]]
//! name = "office"
//! url = "https://192.168.1.9"
//! user = "admin"
//! password-file = "office.password"
//! pin = ["sha256:0e57…"]
//!
//! [[pool]]
//! name = "all"
//! gateways = ["office"]
//!
//! [[account]]
//! name = "shop"
//! [[account.key]]
//! hash = "sha256:…"
//! scopes = ["send", "read"]
//!
//! [[operator]]
//! name = "monitoring"
//! hash = "sha256:…"
//! role = "read"
//!
//! [[route]]
//! prefix = "+49"
//! pool = "all"
//! ```

mod check;
mod secret;

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::keywords::Keywords;

/// A configuration, checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The address that the API listens on.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The certificate of the API. Without it, the API has no TLS.
    pub tls: Option<Tls>,
    /// Allows to listen without TLS on an address that others can reach.
    #[serde(default)]
    pub insecure: bool,
    /// The folder of the storage. A relative path is relative to the folder of the configuration.
    pub data: PathBuf,
    /// The folder of the backups: `backups` in the folder of the storage by default.
    pub backups: Option<PathBuf>,
    /// The gateways.
    #[serde(default, rename = "gateway")]
    pub gateways: Vec<Gateway>,
    /// The pools.
    #[serde(default, rename = "pool")]
    pub pools: Vec<Pool>,
    /// The accounts.
    #[serde(default, rename = "account")]
    pub accounts: Vec<Account>,
    /// The keys of the operators.
    #[serde(default, rename = "operator")]
    pub operators: Vec<Operator>,
    /// The routes, in order: the first that fits a message decides its pool.
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
}

/// The files of the API's certificate, both PEM. They are read again when the server receives SIGHUP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// The certificate, followed by its intermediate certificates.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A gateway.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gateway {
    /// Its name in logs, routes and the API.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// The user of its API.
    pub user: String,
    /// The file that contains the password.
    pub password_file: Option<PathBuf>,
    /// The environment variable that contains the password.
    pub password_env: Option<String>,
    /// The fingerprints of its certificate.
    #[serde(default)]
    pub pin: Vec<String>,
    /// The account that its incoming messages are for. Without it, they stay in the gateway.
    pub incoming: Option<String>,
    /// Whether only this server sends through it.
    #[serde(default)]
    pub exclusive: bool,
    /// The maximum number of messages per port that are bound and not sent yet.
    #[serde(default = "default_per_port")]
    pub per_port: usize,
    /// The speed of its clock relative to this machine's, 1 to 1000; 1 for a real gateway. The intervals between queries and the time
    /// limits of its messages are divided by it, so that an emulated gateway can be a fast one.
    #[serde(default = "default_speed")]
    pub speed: f64,
}

/// A pool of gateways.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// The names of its gateways.
    pub gateways: Vec<String>,
}

/// An account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The keys of its programs.
    #[serde(default, rename = "key")]
    pub keys: Vec<Key>,
    /// The receiver of its events.
    pub webhook: Option<Webhook>,
    /// The keywords by which recipients opt out of its messages, and in again.
    #[serde(default)]
    pub keywords: Keywords,
}

/// The receiver of an account's events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webhook {
    /// Its URL.
    pub url: String,
    /// The file that contains the secret, as Standard Webhooks writes it: `whsec_…`.
    pub secret_file: Option<PathBuf>,
    /// The environment variable that contains the secret.
    pub secret_env: Option<String>,
    /// Allows a URL without TLS.
    #[serde(default)]
    pub allow_http: bool,
    /// Allows addresses that are not public.
    #[serde(default)]
    pub allow_private: bool,
}

/// A key of the API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Key {
    /// The hash of the key, as `sms-server key` prints it.
    pub hash: String,
    /// The actions that it permits.
    pub scopes: BTreeSet<Scope>,
}

/// An action that a key permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// To send and to cancel messages.
    Send,
    /// To read messages and their history.
    Read,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send => "send",
            Self::Read => "read",
        })
    }
}

/// The key of an operator of the server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operator {
    /// The name in logs.
    pub name: String,
    /// The hash of the key, as `sms-server key` prints it.
    pub hash: String,
    /// The role.
    pub role: Role,
}

/// The role of an operator. Each permits what the ones before it permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// To see gateways, metrics, and the metadata of all messages.
    Read,
    /// To pause gateways and to use their ports.
    Operator,
    /// Everything that operators can do.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

/// A route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The account that it is for; all accounts if it is missing.
    pub account: Option<String>,
    /// The beginning of the numbers that it is for; all numbers if it is missing.
    pub prefix: Option<String>,
    /// The pool.
    pub pool: String,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8480))
}

const fn default_per_port() -> usize {
    2
}

const fn default_speed() -> f64 {
    1.0
}

/// Shows everything but where the password is.
impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

/// The reason a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML, or has an unknown or missing key.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// It contradicts itself.
    #[error("{0}")]
    Wrong(String),
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&text(path)?, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads and checks a text. Its relative paths are relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)?;
        config.resolve(folder);
        config.check()?;
        Ok(config)
    }

    /// Returns the folder of the backups.
    pub fn backups(&self) -> PathBuf {
        self.backups.clone().unwrap_or_else(|| self.data.join("backups"))
    }

    /// Returns the file of the storage.
    pub fn storage(&self) -> PathBuf {
        self.data.join("server.redb")
    }

    /// Makes relative paths relative to a folder.
    fn resolve(&mut self, folder: &Path) {
        let passwords = self.gateways.iter_mut().filter_map(|gateway| gateway.password_file.as_mut());
        let webhooks = self.accounts.iter_mut().filter_map(|account| account.webhook.as_mut());
        let secrets = webhooks.filter_map(|webhook| webhook.secret_file.as_mut());
        let tls = self.tls.iter_mut().flat_map(|tls| [&mut tls.cert, &mut tls.key]);
        for file in passwords.chain(secrets).chain(tls).chain([&mut self.data]).chain(&mut self.backups) {
            *file = folder.join(&*file);
        }
    }
}

fn text(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })
}
