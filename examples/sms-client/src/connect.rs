//! The connection to the gateway that the command line selects.

use std::{
    env, fmt, fs,
    io::{self, IsTerminal},
    path::Path,
    time::Duration,
};

use sms_client::text::escape;
use sms_gateway::{
    Builder, Gateway, Timeouts,
    tls::{Pin, RootCertificates},
};

use crate::{args::Connection, failure::Failure, verbose};

/// The environment variable with the password. An argument would be visible to other users.
pub(crate) const PASSWORD: &str = "SMS_GATEWAY_PASSWORD";

/// Size of the buffer for a record, in bytes. The longest SMS has 255 segments, each of 153 GSM 7-bit characters or 67 UTF-16 units.
const RECORD_BUFFER: usize = 64 * 1024;

/// The timeout for a whole call, as a multiple of `--request-timeout`.
const EXCHANGE_FACTOR: u32 = 10;
/// The minimum timeout for a whole call. A login and a long response take several round trips.
const SHORTEST_EXCHANGE: Duration = Duration::from_secs(20);

/// Returns the gateway's URL. If it has no scheme, the scheme is `https` with a pin or a CA file, otherwise `http`.
pub(crate) fn url(connection: &Connection) -> Result<String, Failure> {
    let is_secured = connection.ca.is_some() || !pins(connection)?.is_empty();
    url_with(connection.gateway.as_deref(), if is_secured { "https" } else { "http" })
}

/// Returns the gateway's URL. If it has no scheme, `scheme` is added.
pub(crate) fn url_with(gateway: Option<&str>, scheme: &str) -> Result<String, Failure> {
    let Some(gateway) = gateway.filter(|url| !url.is_empty()) else {
        return Err(Failure::usage("no gateway: give its URL with --gateway or in SMS_GATEWAY"));
    };
    Ok(if gateway.contains("://") { gateway.to_owned() } else { format!("{scheme}://{gateway}") })
}

/// Returns the pins from the command line, the profile or the environment.
pub(crate) fn pins(connection: &Connection) -> Result<Vec<Pin>, Failure> {
    let texts = connection.pin.iter().filter(|text| !text.is_empty());
    let pins = texts.map(|text| text.parse().map_err(|error| Failure::usage(format!("{text}: {error}"))));
    pins.collect()
}

/// Returns the settings for the gateway, without the login and the trusted certificates.
pub(crate) fn builder(url: &str, connection: &Connection) -> Builder {
    let builder = Gateway::builder(url).allow_basic(connection.allow_basic).record_buffer(RECORD_BUFFER);
    let builder = if connection.verbose { verbose::observe(builder) } else { builder };
    let Some(limit) = connection.request_timeout else { return builder };
    let exchange = limit.saturating_mul(EXCHANGE_FACTOR).max(SHORTEST_EXCHANGE);
    builder.timeouts(Timeouts::new().connect(limit).response(limit).idle(limit).exchange(exchange))
}

/// Returns the settings for the gateway, with the trusted certificates but without the login.
pub(crate) fn trusting(connection: &Connection) -> Result<Builder, Failure> {
    let builder = pins(connection)?.into_iter().fold(builder(&url(connection)?, connection), Builder::pin);
    let Some(path) = &connection.ca else { return Ok(builder) };
    Ok(builder.root_certificates(root_certificates(path)?))
}

/// Returns the user name and the password. The password is read from a file, the environment or the terminal.
pub(crate) fn account(connection: &Connection) -> Result<Option<(String, String)>, Failure> {
    let Some(user) = connection.user.as_ref().filter(|user| !user.is_empty()) else { return Ok(None) };
    let password = match &connection.password_file {
        Some(file) => password_in(file)?,
        None => password(user, connection.profile.as_ref().is_none_or(String::is_empty))?,
    };
    Ok(Some((user.clone(), password)))
}

/// Creates the client for the gateway.
pub(crate) fn gateway(connection: &Connection) -> Result<Gateway, Failure> {
    let builder = trusting(connection)?;
    // An invalid URL is reported before the user is asked for the password.
    let open = builder.clone().build()?;
    let Some((user, password)) = account(connection)? else { return Ok(open) };
    Ok(builder.credentials(&user, &password).build()?)
}

fn root_certificates(path: &Path) -> Result<RootCertificates, Failure> {
    let failed = |error: &dyn fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let pem = fs::read(path).map_err(|error| failed(&error))?;
    RootCertificates::from_pem(&pem).map_err(|error| failed(&error))
}

/// Reads a password file. A line feed at its end is not part of the password.
fn password_in(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("the password file {}: {error}", file.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Returns the password from the environment, or asks for it. With a profile, the environment may have the password of another gateway,
/// and is ignored.
fn password(user: &str, is_in_environment: bool) -> Result<String, Failure> {
    let variable = if is_in_environment { env::var(PASSWORD) } else { Err(env::VarError::NotPresent) };
    match variable {
        Ok(password) => Ok(password),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{PASSWORD} is not UTF-8"))),
        Err(env::VarError::NotPresent) if io::stdin().is_terminal() => {
            rpassword::prompt_password(format!("Password of {}: ", escape(user)))
                .map_err(|error| Failure::usage(format!("the password can't be read: {error}")))
        }
        Err(env::VarError::NotPresent) => {
            let way =
                if is_in_environment { format!("set {PASSWORD}") } else { "give password-file".to_owned() };
            Err(Failure::usage(format!("no password: {way}, or run this on a terminal")))
        }
    }
}
