//! A client and a gateway that play a script of bytes.

use std::time::Duration;

use sms_gateway_core::client::Failure;

use super::{
    client::{Client, Fate},
    server::{Policy, Server},
};

const RIGHT: &str = "secret";
const WRONG: &str = "guess";

/// The maximum number of logins with one password that a gateway may have to refuse: the first one, and one retry after a `stale` or
/// after a nonce that may merely have expired.
const MAX_REFUSALS: u32 = 2;

/// The bytes of a script, one after the other.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}

/// The state of a game.
struct Game {
    client: Client,
    server: Server,
    /// Whether the client made a call with a wrong password since its password was set.
    was_wrong: bool,
    is_refused: bool,
}

/// Plays a script. Its bytes are taken one by one: first a policy, then actions (modulo 12) with their arguments.
///
/// # Panics
/// If client or gateway break a rule.
pub(crate) fn play(bytes: &[u8]) {
    let mut script = Script(bytes);
    let policy = policy(script.next().unwrap_or(0));
    let (client, server) = (Client::new(RIGHT), Server::new(RIGHT, policy));
    let mut game = Game { client, server, was_wrong: false, is_refused: false };
    while let Some(action) = script.next() {
        match action % 12 {
            0..=3 => game.call(|| Fate::Complete, true),
            4 | 5 => game.call(|| fate(script.next().unwrap_or(0)), false),
            6 => game.client.now += time(script.next().unwrap_or(0)),
            7 if script.next().unwrap_or(0).is_multiple_of(2) => game.server.repeat_nonces(),
            7 => game.server.forget_nonces(),
            8 => game.change_policy(script.next().unwrap_or(0)),
            9 => game.server.password = password(script.next().unwrap_or(0)),
            10 => game.set_password(password(script.next().unwrap_or(0))),
            _ => game.server.is_open = script.next().unwrap_or(0).is_multiple_of(4),
        }
    }
}

fn policy(byte: u8) -> Policy {
    let lifetimes = [None, Some(1), Some(60), Some(3600)];
    let lifetime = lifetimes[usize::from(byte % 4)].map(Duration::from_secs);
    let uses = [None, Some(1), Some(2), Some(100)][usize::from(byte / 4 % 4)];
    let shares_nonces = byte & 0x40 != 0 && lifetime.is_some();
    // Without this, a shared nonce that is used up would be offered again.
    let uses = uses.filter(|_| !shares_nonces);
    Policy { uses, lifetime, says_stale: byte & 0x80 != 0, shares_nonces }
}

fn fate(byte: u8) -> Fate {
    match byte % 8 {
        0..=3 => Fate::Complete,
        4 | 5 => Fate::Unsent,
        6 => Fate::RequestLost,
        _ => Fate::ResponseLost,
    }
}

fn time(byte: u8) -> Duration {
    Duration::from_millis([1, 400, 1_000, 30_000, 4_000_000][usize::from(byte % 5)])
}

fn password(byte: u8) -> &'static str {
    if byte.is_multiple_of(3) { WRONG } else { RIGHT }
}

impl Game {
    fn set_password(&mut self, password: &'static str) {
        self.client.set_password(password);
        (self.was_wrong, self.is_refused) = (false, false);
    }

    fn change_policy(&mut self, byte: u8) {
        self.server.policy = policy(byte);
        // Nonces of the former policy are no longer valid.
        self.server.forget_nonces();
    }

    fn call(&mut self, fates: impl FnMut() -> Fate, is_lossless: bool) {
        let is_wrong = self.client.password != self.server.password;
        self.was_wrong |= is_wrong && !self.server.is_open;
        let (outcome, exchanges) = self.client.call(&mut self.server, fates);
        assert!(!self.is_refused || exchanges == 0, "after a refused login nothing is sent");
        assert!(self.client.refusals <= MAX_REFUSALS, "{} logins were refused", self.client.refusals);
        match outcome {
            Ok(()) => assert!(self.server.is_open || !is_wrong, "a wrong password was let in"),
            Err(Failure::LoginRefused) => {
                assert!(self.was_wrong, "the password was right all the time");
                self.is_refused = true;
            }
            Err(failure) => assert!(!is_lossless, "{failure:?} without a lost request"),
        }
    }
}
