//! Checks that a configuration does not contradict itself.

use std::collections::BTreeSet;

use super::{Config, ConfigError};

/// The speeds of gateways relative to real ones.
const SPEEDS: std::ops::RangeInclusive<f64> = 1.0..=1000.0;

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let gateways = names("gateway", self.gateways.iter().map(|gateway| &gateway.name))?;
        let pools = names("pool", self.pools.iter().map(|pool| &pool.name))?;
        let accounts = names("account", self.accounts.iter().map(|account| &account.name))?;
        names("operator", self.operators.iter().map(|operator| &operator.name))?;
        for pool in &self.pools {
            for name in &pool.gateways {
                known("gateway", name, &gateways, &format!("pool `{}`", pool.name))?;
            }
        }
        if let Some(pool) = self.pools.iter().find(|pool| pool.gateways.is_empty()) {
            let name = &pool.name;
            return Err(ConfigError::Wrong(format!(
                "pool `{name}` has no gateway: its messages would wait for ever"
            )));
        }
        for route in &self.routes {
            if !route.prefix.as_ref().is_none_or(|prefix| is_prefix(prefix)) {
                return Err(ConfigError::Wrong(format!(
                    "the prefix `{}` of a route is not the beginning of a number: digits, perhaps after a plus sign",
                    route.prefix.as_deref().unwrap_or_default()
                )));
            }
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
        if !self.gateways.iter().all(|gateway| SPEEDS.contains(&gateway.speed)) {
            return Err(ConfigError::Wrong("speed is 1 to 1000, and 1 for a real gateway".to_owned()));
        }
        if self.tls.is_none() && !self.insecure && !self.listen.ip().is_loopback() {
            let listen = self.listen;
            return Err(ConfigError::Wrong(format!(
                "{listen} is reachable by others, and the API has no TLS: set `tls`, or put a TLS proxy before a loopback \
                 address, or set `insecure = true`"
            )));
        }
        Ok(())
    }
}

fn is_prefix(prefix: &str) -> bool {
    prefix.strip_prefix('+').unwrap_or(prefix).bytes().all(|byte| byte.is_ascii_digit())
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
    use std::fs;

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
            ("gateways = [\"office\"]", "gateways = []", "pool `all` has no gateway"),
            ("prefix = \"+49\"", "prefix = \"+49 151\"", "`+49 151` of a route is not the beginning"),
            ("pool = \"all\"", "pool = \"most\"", "a route names the pool `most`"),
            ("account = \"shop\"", "account = \"shops\"", "a route names the account `shops`"),
            ("name = \"shop\"", "name = \"\"", "each account needs a name"),
            ("data = \"data\"", "data = \"data\"\nlisten = \"0.0.0.0:80\"", "reachable by others"),
            ("user = \"admin\"", "user = \"admin\"\nper-port = 0", "per-port is at least 1"),
            ("user = \"admin\"", "user = \"admin\"\nspeed = 0.5", "speed is 1 to 1000"),
            ("user = \"admin\"", "user = \"admin\"\nspeed = nan", "speed is 1 to 1000"),
            ("user = \"admin\"", "user = \"admin\"\npinn = []", "unknown field `pinn`"),
        ] {
            let found = error(&WHOLE.replacen(from, to, 1));
            assert!(found.contains(expected), "{to}: {found}");
        }
    }
}
