//! The server as a process of its own.

use std::{error::Error, fmt::Write, fs, io, path::Path};

use sms_server::{api, config::Config, server::Server};
use tokio::signal::unix::{SignalKind, signal};

use crate::process::Process;

/// The first argument of a program that is to run as the server. The second one is the configuration.
pub const ROLE: &str = "serve";

/// Runs the server until SIGTERM.
///
/// # Errors
/// The server's.
pub async fn serve(config: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let server = Server::start(&Config::read(config)?).await?;
    println!("{}", server.address()?);
    let end = async move {
        terminated.recv().await;
    };
    server.run(end).await;
    Ok(())
}

/// Starts the server in a folder. Returns it and its address.
///
/// # Errors
/// The system's, or that the server has failed.
pub fn start(folder: &Path, gateways: &[String], accounts: &[&str]) -> io::Result<(Process, String)> {
    let config = folder.join("server.toml");
    fs::write(&config, configuration(gateways, accounts))?;
    let mut server = Process::start(&[ROLE, &config.display().to_string()])?;
    let address = server.line()?;
    Ok((server, address))
}

/// Returns a configuration with one pool. The key of each account is `sk_` and the account's name.
fn configuration(gateways: &[String], accounts: &[&str]) -> String {
    let mut text = "listen = \"127.0.0.1:0\"\ndata = \"data\"\n[[route]]\npool = \"all\"\n".to_owned();
    for (number, url) in gateways.iter().enumerate() {
        let _ = write!(
            text,
            "[[gateway]]\nname = \"box-{number}\"\nurl = \"{url}\"\nuser = \"admin\"\npassword-env = \"{}\"\nexclusive = true\n",
            Process::PASSWORD
        );
    }
    let names: Vec<_> = (0..gateways.len()).map(|number| format!("\"box-{number}\"")).collect();
    let _ = write!(text, "[[pool]]\nname = \"all\"\ngateways = [{}]\n", names.join(", "));
    for name in accounts {
        let hash = api::hash(&format!("sk_{name}"));
        let hash = hash.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let _ = write!(
            text,
            "[[account]]\nname = \"{name}\"\n[[account.key]]\nhash = \"sha256:{hash}\"\nscopes = [\"send\", \"read\"]\n"
        );
    }
    text
}
