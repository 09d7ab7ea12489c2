//! `sms-server`: see the library.

#[cfg(feature = "demo")]
mod demo;
mod key;
mod log;
mod remote;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use sms_server::{
    config::{Config, ConfigError, Role},
    listen::{Tls, TlsError},
    server::{Server, ServerError},
};

/// A server over many SMS gateways: it queues messages, sends each through a gateway with room, and follows it
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    log: log::Log,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until it gets SIGTERM or Ctrl-C
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "sms-server.toml")]
        config: PathBuf,
    },
    /// Try the server with three emulated gateways: prints commands to try, and the events of a webhook
    #[cfg(feature = "demo")]
    Demo {
        /// The address that the API listens on
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
        listen: String,
    },
    /// Check a configuration file
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "sms-server.toml")]
        config: PathBuf,
    },
    /// Make a new key for the API, and print it with the lines for the configuration
    Key {
        /// Make the key of an operator with this role, instead of that of an account's program
        #[arg(long, value_enum)]
        role: Option<Role>,
    },
    /// List, pause and drain the gateways of a running server, and use their ports
    #[command(subcommand)]
    Gateway(remote::GatewayCommand),
    /// Show how a running server routes messages
    #[command(subcommand)]
    Routes(remote::RoutesCommand),
}

/// The exit code after a mistake in the configuration, as after one in the arguments.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let Args { log, command } = Args::parse();
    log.start();
    let outcome = match command {
        Command::Run { config } => run(&config),
        #[cfg(feature = "demo")]
        Command::Demo { listen } => demonstrate(&listen),
        Command::Check { config } => check(&config),
        Command::Key { role } => key::print(role),
        Command::Gateway(command) => block_on(remote::gateway(command)),
        Command::Routes(command) => block_on(remote::routes(command)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("sms-server: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprint!(": {cause}");
                source = cause.source();
            }
            eprintln!();
            if is_mistake(&*error) { ExitCode::from(MISTAKE) } else { ExitCode::FAILURE }
        }
    }
}

/// Whether a person must change the configuration: another start would fail in the same way.
fn is_mistake(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<ConfigError>()
        || error.is::<TlsError>()
        || matches!(
            error.downcast_ref(),
            Some(
                ServerError::Config(_)
                    | ServerError::Gateway(..)
                    | ServerError::Webhook(..)
                    | ServerError::Tls(_)
            )
        )
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn block_on(command: impl Future<Output = Outcome>) -> Outcome {
    command.await
}

#[tokio::main]
async fn run(config: &std::path::Path) -> Outcome {
    let server = Server::start(&Config::read(config)?).await?;
    let scheme = if server.tls().is_some() { "https" } else { "http" };
    println!("listening on {scheme}://{}", server.address()?);
    tokio::select! {
        () = reload(server.tls()) => {}
        () = server.run(ended()) => {}
    }
    Ok(())
}

#[cfg(feature = "demo")]
#[tokio::main]
async fn demonstrate(listen: &str) -> Outcome {
    demo::run(listen, ended()).await
}

/// Waits for Ctrl-C or SIGTERM.
async fn ended() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// Reads the certificate again at each SIGHUP.
#[cfg(unix)]
async fn reload(tls: Option<Arc<Tls>>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return std::future::pending().await };
    while hangup.recv().await.is_some() {
        match tls.as_ref().map(|tls| tls.reload()) {
            None => tracing::info!("there is no certificate to read again"),
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => tracing::error!(%error, "the earlier certificate remains in use"),
        }
    }
}

#[cfg(not(unix))]
async fn reload(_: Option<Arc<Tls>>) {
    std::future::pending().await
}

fn check(config: &std::path::Path) -> Outcome {
    let config = Config::read(config)?;
    for gateway in &config.gateways {
        gateway.password().map_err(ServerError::Config)?;
    }
    for key in config.accounts.iter().flat_map(|account| &account.keys) {
        key.hash()?;
    }
    for operator in &config.operators {
        operator.hash()?;
    }
    for webhook in config.accounts.iter().filter_map(|account| account.webhook.as_ref()) {
        webhook.secret()?;
    }
    config.tls.clone().map(Tls::read).transpose()?;
    println!(
        "{} gateways, {} pools, {} accounts, {} routes: no mistake was found.",
        config.gateways.len(),
        config.pools.len(),
        config.accounts.len(),
        config.routes.len()
    );
    Ok(())
}
