//! Commands for people who operate the server.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use sms_server::{
    config::Config,
    storage::{Redb, Time, back_up, create_folder},
};

use crate::{Outcome, remote::Remote};

/// A command.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a backup of the running server, and print its file
    Backup {
        #[command(flatten)]
        remote: Remote,
        /// Make the backup of a server that does not run, with this configuration
        #[arg(long, value_name = "FILE")]
        offline: Option<PathBuf>,
    },
    /// Make the storage of a server that does not run from a backup. Messages that were queued are held, because they may have been sent since
    Restore {
        /// The backup
        backup: PathBuf,
        /// The configuration file
        #[arg(long, value_name = "FILE", default_value = "sms-server.toml")]
        config: PathBuf,
    },
    /// List, release or cancel the messages that are held after a backup was restored
    #[command(subcommand)]
    Held(Held),
    /// List or retry events that were not accepted for 72 hours
    #[command(subcommand)]
    Deadletter(Deadletter),
    /// List webhooks, or enable one that was disabled because its receiver responded with 410
    #[command(subcommand)]
    Webhook(Webhook),
}

#[derive(Subcommand)]
pub(crate) enum Held {
    /// List held messages, oldest first
    List {
        #[command(flatten)]
        remote: Remote,
        /// Only those of this account
        #[arg(long)]
        account: Option<String>,
        /// Only those after this one: `next` of the last list
        #[arg(long, value_name = "ID")]
        cursor: Option<String>,
    },
    /// Return messages to the queue
    Release {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        choice: Choice,
    },
    /// Cancel messages
    Cancel {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        choice: Choice,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Choice {
    /// All
    #[arg(long)]
    all: bool,
    /// Those of an account
    #[arg(long)]
    account: Option<String>,
    /// These messages
    #[arg(long = "message", value_name = "ID")]
    messages: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum Deadletter {
    /// List the dead letters of an account, oldest first
    List {
        #[command(flatten)]
        remote: Remote,
        /// The account
        account: String,
        /// Only those after this one: `next` of the last list
        #[arg(long, value_name = "ID")]
        cursor: Option<String>,
    },
    /// Send dead letters of an account again
    Retry {
        #[command(flatten)]
        remote: Remote,
        /// The account
        account: String,
        /// Only this one
        #[arg(long, value_name = "ID")]
        letter: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Webhook {
    /// List webhooks
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Send events to a receiver again that responded with 410
    Enable {
        #[command(flatten)]
        remote: Remote,
        /// The account
        account: String,
    },
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Backup { offline: Some(config), .. } => backup(&Config::read(&config)?).await,
        Command::Backup { remote, offline: None } => {
            let made = remote.call(Method::POST, &["backups"], &[], None).await?;
            say!("{}", made.get("file").and_then(Value::as_str).unwrap_or_default());
            Ok(())
        }
        Command::Restore { backup, config } => restore(&backup, &Config::read(&config)?),
        Command::Held(held) => run_held(held).await,
        Command::Deadletter(Deadletter::List { remote, account, cursor }) => {
            let path = ["webhooks", &account, "dead-letters"];
            show(&remote.call(Method::GET, &path, &query(&[("cursor", &cursor)]), None).await?)
        }
        Command::Deadletter(Deadletter::Retry { remote, account, letter }) => {
            repeat(&remote, &["webhooks", &account, "retry"], &json!({ "letter": letter }), "letters").await
        }
        Command::Webhook(Webhook::List { remote }) => {
            show(&remote.call(Method::GET, &["webhooks"], &[], None).await?)
        }
        Command::Webhook(Webhook::Enable { remote, account }) => {
            show(&remote.call(Method::POST, &["webhooks", &account, "enable"], &[], None).await?)
        }
    }
}

async fn run_held(held: Held) -> Outcome {
    let (remote, choice, path) = match held {
        Held::List { remote, account, cursor } => {
            let query = query(&[("account", &account), ("cursor", &cursor)]);
            return show(&remote.call(Method::GET, &["held"], &query, None).await?);
        }
        Held::Release { remote, choice } => (remote, choice, ["held", "release"]),
        Held::Cancel { remote, choice } => (remote, choice, ["held", "cancel"]),
    };
    let body = match choice {
        Choice { all: true, .. } => json!({ "all": true }),
        Choice { account: Some(account), .. } => json!({ "account": account }),
        Choice { messages, .. } => json!({ "messages": messages }),
    };
    repeat(&remote, &path, &body, "messages").await
}

/// Repeats a request until it has no more work, and prints the number of `things`.
async fn repeat(remote: &Remote, path: &[&str], body: &Value, things: &str) -> Outcome {
    let mut count = 0;
    loop {
        let moved = remote.call(Method::POST, path, &[], Some(body.clone())).await?;
        count += moved.get(things).and_then(Value::as_u64).unwrap_or_default();
        if moved.get("has_more") != Some(&Value::Bool(true)) {
            say!("{count} {things}");
            return Ok(());
        }
    }
}

/// Returns the parameters that have a value.
fn query<'q>(parts: &[(&'q str, &'q Option<String>)]) -> Vec<(&'q str, &'q str)> {
    parts.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect()
}

fn show(value: &Value) -> Outcome {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

async fn backup(config: &Config) -> Outcome {
    if !config.storage().exists() {
        return Err(format!("there is no storage: {} does not exist", config.storage().display()).into());
    }
    let file = back_up(&Redb::open(&config.storage())?, &config.backups(), Time::now()).await?;
    say!("{}", file.display());
    Ok(())
}

fn restore(backup: &Path, config: &Config) -> Outcome {
    create_folder(&config.data)?;
    let restored = Redb::restore(backup, &config.storage(), Time::now())?;
    say!(
        "{} messages are held until `sms-server held` releases or cancels them, because they may have been sent after the backup was made.",
        restored.held
    );
    say!(
        "{} messages were bound to a gateway, which is asked about them. They are not sent again.",
        restored.looked_up
    );
    if let Some(replaced) = restored.replaced {
        say!("The former storage is now {}.", replaced.display());
    }
    Ok(())
}
