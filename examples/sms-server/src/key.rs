//! `sms-server key`.

use sms_server::{
    api,
    config::{ConfigError, Role},
};

use crate::Outcome;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn random() -> Result<[u8; 32], ConfigError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| ConfigError::Wrong(error.to_string()))?;
    Ok(random)
}

/// Makes a key.
pub(crate) fn make() -> Result<String, ConfigError> {
    Ok(format!("sk_{}", hex(&random()?)))
}

/// Makes a key, and prints it with the lines for the configuration.
pub(crate) fn print(role: Option<Role>) -> Outcome {
    let key = make()?;
    let hash = hex(&api::hash(&key));
    say!("{key}");
    say!("Give the key to its program; it is not stored. Put its hash into the configuration:");
    match role {
        None => say!("[[account.key]]\nhash = \"sha256:{hash}\"\nscopes = [\"send\", \"read\"]"),
        Some(role) => say!("[[operator]]\nname = \"NAME\"\nhash = \"sha256:{hash}\"\nrole = \"{role}\""),
    }
    Ok(())
}
