//! The configuration file.
//!
//! ```toml
//! listen = "127.0.0.1:8480"
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
//! [[route]]
//! prefix = "+49"
//! pool = "all"
//! ```

use std::{
    collections::BTreeSet,
    env, fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// A configuration, checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The address that the API listens on.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Allows to listen without TLS on an address that others can reach.
    #[serde(default)]
    pub insecure: bool,
    /// The folder of the storage. A relative path is relative to the folder of the configuration.
    pub data: PathBuf,
    /// The gateways.
    #[serde(default, rename = "gateway")]
    pub gateways: Vec<Gateway>,
    /// The pools.
    #[serde(default, rename = "pool")]
    pub pools: Vec<Pool>,
    /// The accounts.
    #[serde(default, rename = "account")]
    pub accounts: Vec<Account>,
    /// The routes, in order: the first that fits a message decides its pool.
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
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
    #[error("{0}")]
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
        config.data = folder.join(&config.data);
        let passwords = config.gateways.iter_mut().filter_map(|gateway| gateway.password_file.as_mut());
        let webhooks = config.accounts.iter_mut().filter_map(|account| account.webhook.as_mut());
        for file in passwords.chain(webhooks.filter_map(|webhook| webhook.secret_file.as_mut())) {
            *file = folder.join(&*file);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let gateways = names("gateway", self.gateways.iter().map(|gateway| &gateway.name))?;
        let pools = names("pool", self.pools.iter().map(|pool| &pool.name))?;
        let accounts = names("account", self.accounts.iter().map(|account| &account.name))?;
        for pool in &self.pools {
            for name in &pool.gateways {
                known("gateway", name, &gateways, &format!("pool `{}`", pool.name))?;
            }
        }
        for route in &self.routes {
            known("pool", &route.pool, &pools, "a route")?;
            if let Some(account) = &route.account {
                known("account", account, &accounts, "a route")?;
            }
        }
        for gateway in &self.gateways {
            if let Some(account) = &gateway.incoming {
                known("account", account, &accounts, &format!("gateway `{}`", gateway.name))?;
            }
        }
        if self.gateways.iter().any(|gateway| gateway.per_port == 0) {
            return Err(ConfigError::Wrong("per-port is at least 1".to_owned()));
        }
        if !self.insecure && !self.listen.ip().is_loopback() {
            let listen = self.listen;
            return Err(ConfigError::Wrong(format!(
                "{listen} is reachable by others, and the API has no TLS: put a TLS proxy before a loopback address, or set \
                 `insecure = true`"
            )));
        }
        Ok(())
    }
}

impl Key {
    /// Reads the hash.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn hash(&self) -> Result<[u8; 32], ConfigError> {
        let digits =
            self.hash.strip_prefix("sha256:").filter(|digits| digits.len() == 64 && digits.is_ascii());
        let byte = |place: usize| u8::from_str_radix(digits?.get(2 * place..2 * place + 2)?, 16).ok();
        let mut hash = [0; 32];
        for (place, room) in hash.iter_mut().enumerate() {
            *room = byte(place).ok_or_else(|| {
                ConfigError::Wrong(format!("`{}` is not a hash; `sms-server key` prints one", self.hash))
            })?;
        }
        Ok(hash)
    }
}

impl Gateway {
    /// Reads the password.
    ///
    /// # Errors
    /// [`ConfigError`]: there is none, or it cannot be read.
    pub fn password(&self) -> Result<String, ConfigError> {
        let of = format!("gateway `{}`", self.name);
        secret(&of, "password", self.password_file.as_deref(), self.password_env.as_deref())
    }
}

impl Webhook {
    /// Reads the secret.
    ///
    /// # Errors
    /// [`ConfigError`]: there is none, or it cannot be read.
    pub fn secret(&self) -> Result<String, ConfigError> {
        let of = format!("the webhook {}", self.url);
        secret(&of, "secret", self.secret_file.as_deref(), self.secret_env.as_deref())
    }
}

/// Reads a secret from a file or an environment variable.
fn secret(of: &str, what: &str, file: Option<&Path>, variable: Option<&str>) -> Result<String, ConfigError> {
    match (file, variable) {
        (Some(path), None) => Ok(text(path)?.trim_end_matches(['\r', '\n']).to_owned()),
        (None, Some(name)) => {
            env::var(name).map_err(|_| ConfigError::Wrong(format!("{of}: the variable {name} is not set")))
        }
        _ => Err(ConfigError::Wrong(format!("{of} needs either {what}-file or {what}-env"))),
    }
}

fn text(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })
}

/// Returns the names, each of which may appear once.
fn names<'n>(kind: &str, names: impl Iterator<Item = &'n String>) -> Result<BTreeSet<&'n str>, ConfigError> {
    let mut found = BTreeSet::new();
    for name in names {
        if name.is_empty() || !found.insert(name.as_str()) {
            return Err(ConfigError::Wrong(format!("each {kind} needs a name of its own; `{name}` is not")));
        }
    }
    Ok(found)
}

fn known(kind: &str, name: &str, names: &BTreeSet<&str>, user: &str) -> Result<(), ConfigError> {
    if names.contains(name) {
        return Ok(());
    }
    let listed = names.iter().copied().collect::<Vec<_>>().join(", ");
    Err(ConfigError::Wrong(format!(
        "{user} names the {kind} `{name}`, which does not exist; there are: {listed}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        data = "data"
        [[gateway]]
        name = "office"
        url = "http://127.0.0.1:1"
        user = "admin"
        password-env = "NONE"
        [[pool]]
        name = "all"
        gateways = ["office"]
        [[account]]
        name = "shop"
        [[route]]
        account = "shop"
        prefix = "+49"
        pool = "all"
    "#;

    fn error(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn contradictions_are_named() {
        assert_eq!(error(WHOLE), "");
        for (from, to, expected) in [
            ("gateways = [\"office\"]", "gateways = [\"ofice\"]", "pool `all` names the gateway `ofice`"),
            ("pool = \"all\"", "pool = \"most\"", "a route names the pool `most`"),
            ("account = \"shop\"", "account = \"shops\"", "a route names the account `shops`"),
            ("name = \"shop\"", "name = \"\"", "each account needs a name"),
            ("data = \"data\"", "data = \"data\"\nlisten = \"0.0.0.0:80\"", "reachable by others"),
            ("user = \"admin\"", "user = \"admin\"\nper-port = 0", "per-port is at least 1"),
            ("user = \"admin\"", "user = \"admin\"\npinn = []", "unknown field `pinn`"),
        ] {
            let found = error(&WHOLE.replacen(from, to, 1));
            assert!(found.contains(expected), "{to}: {found}");
        }
    }
}
