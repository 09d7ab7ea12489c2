//! `sms-server`: see the library.

/// Prints a line. A reader that is gone, such as `head`, is no fault.
macro_rules! say {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($part)*);
    }};
}

#[cfg(feature = "demo")]
mod demo;
mod key;
mod log;
mod operate;
mod remote;
mod signals;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use sd_notify::NotifyState;
use sms_server::{
    causes::explain,
    config::{Config, ConfigError, Role},
    listen::TlsError,
    server::{Server, ServerError},
};

/// A server over many SMS gateways: it queues messages, sends each through a gateway with room, and follows it
#[derive(Parser)]
#[command(version)]
struct Args {
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
        #[command(flatten)]
        log: log::Log,
    },
    /// Try the server with three emulated gateways: prints commands to try, and the events of a webhook
    #[cfg(feature = "demo")]
    Demo {
        /// The address that the API listens on
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
        listen: String,
        #[command(flatten)]
        log: log::Log,
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
    #[command(flatten)]
    Operate(operate::Command),
}

/// The exit code after a mistake in the configuration, as after one in the arguments.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Run { config, log } => run(&config, &log),
        #[cfg(feature = "demo")]
        Command::Demo { listen, log } => demonstrate(&listen, &log),
        Command::Check { config } => check(&config),
        Command::Key { role } => key::print(role),
        Command::Gateway(command) => block_on(remote::gateway(command)),
        Command::Routes(command) => block_on(remote::routes(command)),
        Command::Operate(command) => block_on(operate::run(command)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sms-server: {}", explain(&*error));
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
async fn run(config: &std::path::Path, log: &log::Log) -> Outcome {
    log.start();
    // From now on, no signal is missed.
    let (end, hangups) = (signals::end()?, signals::Hangups::new()?);
    let server = Server::start(&Config::read(config)?).await?;
    let scheme = if server.tls().is_some() { "https" } else { "http" };
    say!("listening on {scheme}://{}", server.address()?);
    tell(&NotifyState::Ready);
    tokio::select! {
        () = hangups.reload(server.tls()) => {}
        () = server.run(stopping(end)) => {}
    }
    Ok(())
}

#[cfg(feature = "demo")]
#[tokio::main]
async fn demonstrate(listen: &str, log: &log::Log) -> Outcome {
    log.start();
    demo::run(listen, signals::end()?).await
}

/// Tells systemd the state of the server, if it was started by systemd.
fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "systemd cannot be notified");
    }
}

/// Waits for the end, and tells systemd of it.
async fn stopping(end: impl Future<Output = ()>) {
    end.await;
    tell(&NotifyState::Stopping);
}

fn check(config: &std::path::Path) -> Outcome {
    let config = Config::read(config)?;
    sms_server::server::check(&config)?;
    say!(
        "{} gateways, {} pools, {} accounts, {} routes: no mistake was found.",
        config.gateways.len(),
        config.pools.len(),
        config.accounts.len(),
        config.routes.len()
    );
    Ok(())
}
