//! Profiles: the settings of several gateways in a file. A command line then only has to name a profile.
//!
//! An option on the command line overrides the profile. With a profile, environment variables are ignored, so that the settings of two
//! gateways are never mixed.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    args::{Arguments, Command, Connection, values},
    commands::verdict::quoted,
    failure::Failure,
};

/// A section of the file. Its keys are named after the options of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Profile {
    gateway: Option<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    pin: Vec<String>,
    ca: Option<PathBuf>,
    allow_basic: bool,
    request_timeout: Option<String>,
    store: Option<PathBuf>,
}

/// Completes the options from the profile or the environment.
pub(crate) fn complete(arguments: &mut Arguments) -> Result<(), Failure> {
    let connection = &mut arguments.connection;
    let Some(name) = connection.profile.clone().filter(|name| !name.is_empty()) else {
        if connection.config.is_some() {
            return Err(Failure::usage("--config names no gateway: give --profile too"));
        }
        complete_by_environment(connection);
        return Ok(());
    };
    let file = match &connection.config {
        Some(file) => file.clone(),
        None => usual_file().ok_or_else(|| Failure::usage("no home directory: give --config"))?,
    };
    let profile = load(&file, &name)?;
    complete_by_profile(connection, &profile, file.parent().unwrap_or(Path::new("")))?;
    let quoted_path = |file: &PathBuf| format!("--config {} ", quoted(&file.to_string_lossy()));
    let config = connection.config.as_ref().map_or_else(String::new, quoted_path);
    let options = format!("{config}--profile {} ", quoted(&name));
    let store = profile.store.map(|store| file.with_file_name("").join(store));
    match &mut arguments.command {
        Command::Send(send) => {
            let store = store.filter(|_| send.wait.is_some());
            (send.store, send.options) = (send.store.take().or(store), options);
        }
        Command::Watch(watch) => watch.store = watch.store.take().or(store),
        _ => {}
    }
    Ok(())
}

/// Returns the default file, which is used without `--config`.
fn usual_file() -> Option<PathBuf> {
    let folder = |name, below: &str| Some(PathBuf::from(env::var_os(name)?).join(below));
    let config = folder("XDG_CONFIG_HOME", "").filter(|config| config.is_absolute());
    let config = config.or_else(|| folder("APPDATA", "")).or_else(|| folder("HOME", ".config"))?;
    Some(config.join("sms-client").join("profiles.toml"))
}

fn load(file: &Path, name: &str) -> Result<Profile, Failure> {
    let failed = |what: String| Failure::usage(format!("{}{what}", file.display()));
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("--profile needs the file {}: {error}", file.display())))?;
    let mut profiles: BTreeMap<String, Profile> = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        let line = line.map_or_else(String::new, |line| format!(", line {line}"));
        failed(format!("{line}: {}", error.message()))
    })?;
    profiles.remove(name).ok_or_else(|| {
        let known: Vec<_> = profiles.keys().map(String::as_str).collect();
        failed(format!(
            ": no profile {name}; it has {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ))
    })
}

/// Completes the options from a profile. Its paths are relative to `folder`, which contains the profiles file.
fn complete_by_profile(connection: &mut Connection, profile: &Profile, folder: &Path) -> Result<(), Failure> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| folder.join(path));
    let fill = |option: &mut Option<String>, value: &Option<String>| {
        *option = option.take().or_else(|| value.clone());
    };
    fill(&mut connection.gateway, &profile.gateway);
    fill(&mut connection.user, &profile.user);
    connection.password_file = connection.password_file.take().or_else(|| path(&profile.password_file));
    connection.ca = connection.ca.take().or_else(|| path(&profile.ca));
    connection.allow_basic |= profile.allow_basic;
    if connection.pin.is_empty() {
        connection.pin.clone_from(&profile.pin);
    }
    if let (None, Some(limit)) = (connection.request_timeout, &profile.request_timeout) {
        let limit =
            values::duration(limit).map_err(|error| Failure::usage(format!("request-timeout: {error}")))?;
        connection.request_timeout = Some(limit);
    }
    Ok(())
}

fn complete_by_environment(connection: &mut Connection) {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    connection.gateway = connection.gateway.take().or_else(|| variable("SMS_GATEWAY"));
    connection.user = connection.user.take().or_else(|| variable("SMS_GATEWAY_USER"));
    if connection.pin.is_empty() {
        let pins = variable("SMS_GATEWAY_PIN").unwrap_or_default();
        connection.pin = pins.split(',').filter(|pin| !pin.is_empty()).map(ToOwned::to_owned).collect();
    }
}
