//! A program that uses the server, and a person at the gateways. They remember what they have done, also when the server crashes.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::Method;
use gateway_emulator::{Quirks, Refusals, Reg};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    line::Condition,
    world::{Process, World},
};

/// An act. It is repeated until it succeeds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Waits until this many seconds after the beginning.
    At(u64),
    /// Sends messages, each with its name as its text, in one request with an idempotency key.
    Send { key: &'static str, names: &'static [&'static str], valid_for: u64 },
    /// Cancels a message.
    Cancel(&'static str),
    /// Changes the line of a gateway.
    Line(usize, Condition),
    /// Changes the registration of a gateway's ports.
    Ports(usize, Reg),
    /// Lets a gateway refuse this number of submissions, because no port is available.
    NoPort(usize, u32),
    /// Lets a message arrive at a gateway.
    Arrive(usize, &'static str),
}

/// The acts, and what is remembered.
pub(super) struct Script {
    acts: &'static [Act],
    done: AtomicUsize,
    began: Instant,
    /// The ids of the messages, by their names.
    ids: Mutex<BTreeMap<&'static str, String>>,
}

impl Script {
    pub(super) fn new(acts: &'static [Act], began: Instant) -> Self {
        Self { acts, done: AtomicUsize::new(0), began, ids: Mutex::default() }
    }

    /// Returns the number of messages that it sends, and that it lets arrive.
    pub(super) fn expected(&self) -> (usize, usize) {
        let mut sent = BTreeMap::new();
        let mut arriving = 0;
        for act in self.acts {
            match act {
                Act::Send { key, names, .. } => drop(sent.insert(key, names.len())),
                Act::Arrive(..) => arriving += 1,
                _ => {}
            }
        }
        (sent.values().sum(), arriving)
    }

    /// Whether it cancels a message.
    pub(super) fn cancels(&self, name: &str) -> bool {
        self.acts.iter().any(|act| matches!(act, Act::Cancel(cancelled) if *cancelled == name))
    }

    /// Continues to its end.
    pub(super) async fn play(&self, world: &World, server: &Process) {
        while let Some(act) = self.acts.get(self.done.load(Ordering::Relaxed)) {
            if self.act(world, server, *act).await {
                self.done.fetch_add(1, Ordering::Relaxed);
            } else {
                sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Returns whether the act has succeeded.
    async fn act(&self, world: &World, server: &Process, act: Act) -> bool {
        match act {
            Act::At(seconds) => sleep_until(self.began + Duration::from_secs(seconds)).await,
            Act::Send { key, names, valid_for } => return self.send(server, key, names, valid_for).await,
            Act::Cancel(name) => {
                let path = format!("/v1/messages/{}", self.ids.lock().unwrap()[name]);
                return server.call(Method::DELETE, &path, "", &Value::Null).await.0 < 500;
            }
            Act::Line(gateway, condition) => world.lines[gateway].set(condition),
            Act::Ports(gateway, reg) => world.lines[gateway].set_ports(reg),
            Act::NoPort(gateway, first_550) => {
                let refusals = Refusals { first_550, ..Refusals::default() };
                world.lines[gateway].emulator().set_quirks(Quirks { refusals, ..Quirks::none() });
            }
            Act::Arrive(gateway, text) => {
                world.lines[gateway].emulator().receive_sms(0, "+49151", text);
            }
        }
        true
    }

    async fn send(
        &self,
        server: &Process,
        key: &str,
        names: &'static [&'static str],
        valid_for: u64,
    ) -> bool {
        let message = |name: &&str| json!({ "to": "+4915100001", "text": name, "valid_for": valid_for });
        let body = json!({ "messages": names.iter().map(message).collect::<Vec<_>>() });
        let (status, accepted) = server.call(Method::POST, "/v1/messages", key, &body).await;
        if status == 503 {
            return false;
        }
        assert_eq!(status, 202, "{accepted}");
        let mut ids = self.ids.lock().unwrap();
        for (name, accepted) in names.iter().zip(accepted["messages"].as_array().unwrap()) {
            let id = accepted["id"].as_str().unwrap().to_owned();
            // A repeated request has the first response.
            assert!(ids.insert(name, id.clone()).is_none_or(|known| known == id));
        }
        true
    }
}
