//! The configuration of the server.

use std::{fmt::Write, fs, path::Path};

use sha2::{Digest, Sha256};

use crate::{Failure, receiver};

/// The key of the API. It opens a server of this machine for the time of a trial.
pub const KEY: &str = "sk_trial";

/// Writes the configuration of a server on loopback, and its secrets beside it. The server uses the gateways with these URLs, whose clocks
/// have this speed, and sends its events to the webhook.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, gateways: &[String], webhook: &str, speed: f64) -> Result<(), Failure> {
    let folder = path.parent().ok_or("the configuration has no folder")?;
    fs::write(folder.join("password"), "admin")?;
    fs::write(folder.join("secret"), receiver::secret())?;
    Ok(fs::write(path, text(gateways, webhook, speed)?)?)
}

fn text(gateways: &[String], webhook: &str, speed: f64) -> Result<String, Failure> {
    let mut text = "listen = \"127.0.0.1:0\"\ndata = \"data\"\n".to_owned();
    for (place, url) in gateways.iter().enumerate() {
        write!(
            text,
            "[[gateway]]\nname = \"box-{place}\"\nurl = \"{url}\"\nuser = \"admin\"\npassword-file = \"password\"\n\
             incoming = \"shop\"\nexclusive = true\nspeed = {speed:.1}\n"
        )?;
    }
    let names: Vec<_> = (0..gateways.len()).map(|place| format!("\"box-{place}\"")).collect();
    write!(
        text,
        "[[pool]]\nname = \"all\"\ngateways = [{}]\n[[account]]\nname = \"shop\"\n[[account.key]]\nhash = \"sha256:{}\"\n\
         scopes = [\"send\", \"read\"]\n[account.webhook]\nurl = \"{webhook}\"\nsecret-file = \"secret\"\nallow-http = true\n\
         allow-private = true\n[[route]]\npool = \"all\"\n",
        names.join(", "),
        hex(&Sha256::digest(KEY)),
    )?;
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
