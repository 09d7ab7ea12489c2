//! Hashes and secrets that a configuration contains or names.

use std::{env, path::Path};

use super::{ConfigError, Gateway, Key, Operator, Webhook, text};

impl Key {
    /// Reads the hash. `of` names the key's owner in errors.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn hash(&self, of: &str) -> Result<[u8; 32], ConfigError> {
        hash(&self.hash, of)
    }
}

impl Operator {
    /// Reads the hash. `of` names the key's owner in errors.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn hash(&self, of: &str) -> Result<[u8; 32], ConfigError> {
        hash(&self.hash, of)
    }
}

/// Reads a hash. An error does not show what is written instead: it may be the key itself.
fn hash(written: &str, of: &str) -> Result<[u8; 32], ConfigError> {
    let digits = written.strip_prefix("sha256:").filter(|digits| digits.len() == 64 && digits.is_ascii());
    let byte = |place: usize| u8::from_str_radix(digits?.get(2 * place..2 * place + 2)?, 16).ok();
    let mut hash = [0; 32];
    for (place, room) in hash.iter_mut().enumerate() {
        *room = byte(place).ok_or_else(|| {
            ConfigError::Wrong(format!(
                "{of}: the hash of a key is not sha256: and 64 hexadecimal digits; `sms-server key` prints one"
            ))
        })?;
    }
    Ok(hash)
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
