//! The start of a messenger, and the updates of its messages.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use sms_client::outcome::pace;
#[cfg(feature = "store")]
use sms_gateway::store::{Database, StoreError};
use sms_gateway::{
    Gateway, Handle, Messenger,
    core::track::{Message, Settings, Timing},
    messenger::Builder,
    store::{BoxStore, MemoryStore},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};

#[cfg(feature = "store")]
use crate::failure::{Exit, chain};
use crate::{args::Connection, connect, failure::Failure, output::Output};

/// The settings of a messenger.
pub(crate) struct Plan<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) store: Option<&'a Path>,
    /// The interval between two queries of results.
    pub(crate) interval: Option<Duration>,
    /// Whether the link is metered.
    pub(crate) metered: bool,
    /// Whether nothing else sends through the gateway.
    pub(crate) exclusive: bool,
}

impl Plan<'_> {
    /// Starts a messenger, and returns handles of the stored messages.
    pub(crate) async fn start(
        &self,
        gateway: Gateway,
        output: &mut Output,
        set_up: impl FnOnce(Builder) -> Builder,
    ) -> Result<(Messenger, Vec<Handle>), Failure> {
        let store = match self.store {
            // A file may contain the messages of several gateways.
            Some(path) => {
                let gateway = connect::url(self.connection)?.trim_end_matches('/').to_ascii_lowercase();
                let is_new = !path.exists();
                let store = open(path, &gateway)?;
                if is_new && !output.is_json() {
                    // Without this note, a typo in the path would look like a store without messages.
                    output.note(&format!("created the store {}", path.display()))?;
                }
                store
            }
            None => BoxStore::new(MemoryStore::new()),
        };
        let Settings { timing, limits, .. } = self.settings();
        let builder = Messenger::builder(gateway).store(store).timing(timing).limits(limits);
        Ok(set_up(builder.exclusive(self.exclusive)).start().await?)
    }

    fn settings(&self) -> Settings {
        match self.interval {
            _ if self.metered => Settings::metered(),
            Some(interval) => {
                let timing = pace(interval.div_duration_f64(Timing::default().results_every));
                Settings { timing, ..Settings::default() }
            }
            None => Settings::default(),
        }
    }
}

#[cfg(feature = "store")]
fn open(path: &Path, gateway: &str) -> Result<BoxStore, Failure> {
    let store = Database::open(path).and_then(|database| database.gateway(gateway));
    let named =
        |error: StoreError| Failure::new(Exit::Output, format!("{}: {}", path.display(), chain(&error)));
    Ok(BoxStore::new(store.map_err(named)?))
}

#[cfg(not(feature = "store"))]
fn open(_: &Path, _: &str) -> Result<BoxStore, Failure> {
    Err(Failure::usage("this build can't use --store: build it with --features store (Rust 1.90 or later)"))
}

/// An update of a message.
pub(crate) struct Followed {
    pub(crate) message: Message,
    /// The IMSI of the SIM card that sent the message.
    pub(crate) imsi: Option<Arc<str>>,
}

/// Receives the updates of all handles, each with the index of its handle.
pub(crate) struct Listeners {
    updates: Receiver<(usize, Followed)>,
    tasks: JoinSet<(usize, Handle)>,
    ended: HashMap<usize, Handle>,
}

impl Listeners {
    pub(crate) fn new(handles: impl IntoIterator<Item = Handle>) -> Self {
        let (sender, updates) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        for (place, handle) in handles.into_iter().enumerate() {
            tasks.spawn(listen(place, handle, sender.clone()));
        }
        Self { updates, tasks, ended: HashMap::new() }
    }

    /// Returns the next update of a message, or `None` after all messages or the messenger have ended.
    pub(crate) async fn next(&mut self) -> Option<(usize, Followed)> {
        self.updates.recv().await
    }

    /// Returns the handle of a message whose final update was reported.
    pub(crate) async fn ended(&mut self, place: usize) -> Option<Handle> {
        loop {
            if let Some(handle) = self.ended.remove(&place) {
                return Some(handle);
            }
            self.ended.extend(self.tasks.join_next().await?);
        }
    }

    /// Stops receiving updates, and returns the remaining handles in order.
    pub(crate) async fn stop(mut self) -> Vec<(usize, Handle)> {
        self.updates.close();
        drop(self.updates);
        while let Some(ended) = self.tasks.join_next().await {
            self.ended.extend(ended);
        }
        let mut handles: Vec<_> = self.ended.into_iter().collect();
        handles.sort_by_key(|(place, _)| *place);
        handles
    }
}

async fn listen(place: usize, mut handle: Handle, updates: Sender<(usize, Followed)>) -> (usize, Handle) {
    loop {
        let message = tokio::select! {
            message = handle.next_update() => message,
            () = updates.closed() => break,
        };
        let Ok(Some(message)) = message else { break };
        let followed = Followed { message, imsi: handle.imsi() };
        if updates.send((place, followed)).await.is_err() {
            break;
        }
    }
    (place, handle)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn settings(args: &[&str]) -> Settings {
        let arguments = Arguments::parse_from([&["sms-client"], args].concat());
        let (interval, metered) = match &arguments.command {
            Command::Send(args) => (args.interval, args.metered),
            Command::Watch(args) => (args.interval, args.metered),
            other => panic!("{other:?} follows no messages"),
        };
        Plan { connection: &arguments.connection, store: None, interval, metered, exclusive: false }
            .settings()
    }

    #[test]
    fn metered_links_and_intervals_change_the_settings() {
        let send = ["send", "--text=x", "--to=1", "--wait"];
        for args in [&send[..], &["watch"]] {
            assert_eq!(settings(args), Settings::default());
            assert_eq!(settings(&[args, &["--metered"]].concat()), Settings::metered());
            let timing = settings(&[args, &["--interval", "12s"]].concat()).timing;
            assert_eq!(timing, pace(2.0));
        }
        // These are the values in the help for --metered.
        let Settings { timing, .. } = Settings::metered();
        assert_eq!((timing.results_every.as_secs(), timing.incoming.as_secs()), (60, 300));
    }
}
