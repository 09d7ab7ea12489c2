//! `pin`.

use std::io::{self, Write};

use serde::Serialize;
use sms_client::text::escape;

use crate::{
    args::Connection,
    connect,
    failure::{Exit, Failure},
    output::Output,
};

/// The advice that is printed with a fingerprint.
const ADVICE: &str = "This is what answered just now, gateway or not. Before you pin it, compare it over a direct cable, or \
with a browser that you trust. Some vendors install the same key on all their devices, which a pin does not distinguish.";

#[derive(Serialize)]
struct Shown {
    pin: String,
}

/// Prints the pin of the certificate that the server presents. The command sends nothing but a TLS handshake, and stores nothing.
pub(crate) async fn pin(
    url: Option<&str>,
    connection: &Connection,
    output: &mut Output,
) -> Result<(), Failure> {
    let expected = connect::pins(connection)?;
    let url = connect::url_with(url.or(connection.gateway.as_deref()), "https")?;
    let certificate = connect::builder(&url, connection).fetch_certificate().await?;
    let pins: Vec<_> = [Some(certificate.pin()), certificate.key_pin()].into_iter().flatten().collect();
    let mut lines = vec![format!("{url}: {certificate}")];
    lines.extend(certificate.key_pin().map(|pin| format!("Its public key, which a renewal may keep: {pin}")));
    let pinned = pins.iter().find(|pin| expected.contains(pin));
    match pinned {
        Some(pin) => lines.push(format!("It matches the given pin {pin}.")),
        None => lines.push(ADVICE.to_owned()),
    }
    for line in lines {
        // A failure means that stderr has no reader.
        let _ = writeln!(io::stderr(), "{}", escape(&line));
    }
    if pinned.is_none() && !expected.is_empty() {
        return Err(Failure::new(
            Exit::Output,
            "the certificate is not the pinned one: the gateway has a new one, or something else answers in its place",
        ));
    }
    let pin = certificate.pin().to_string();
    output.line(&pin)?;
    output.object(&Shown { pin })?;
    Ok(())
}
