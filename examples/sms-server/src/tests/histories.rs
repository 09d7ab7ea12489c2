//! Random histories of a pool of gateways that refuse, hang, break off, restart and lose their SIM cards, and recover or not.
//!
//! Over all of them: no message is sent twice, each message ends, each outcome is true, and no message waits while a healthy gateway has
//! room. `SEED` plays a single history, and `HISTORIES` sets their number.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::http::Method;
use gateway_emulator::{Fate, Options, Quirks, Refusals, Reg, Restart};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    chance::Chance,
    ledger,
    line::{Condition, Line},
    steps::Steps,
    storage::block_on,
    world::{ACCOUNT, FAILOVER_AFTER, PER_PORT, Process, World},
};
use crate::storage::{Message, MessageId, Place, State, Storage};

/// The time within which troubles begin, in seconds.
const TROUBLED: u64 = 300;
/// The time after which a message that waits although a healthy gateway has room is stuck. A request that hangs takes up to 40 s until it
/// fails.
const PATIENCE: Duration = Duration::from_secs(FAILOVER_AFTER.as_secs() + 60);
/// A gateway counts as healthy this long after a trouble, and after as much time as the trouble took: until then it may be tried rarely.
const RECOVERY: Duration = Duration::from_secs(60);
/// The time within which each message ends.
const DEADLINE: Duration = Duration::from_secs(3 * 3600);
/// The time between two looks at the messages.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The number of looks for each examination of the whole storage.
const EXAMINED_EVERY: u64 = 16;

/// The figures of histories.
#[derive(Debug, Default)]
struct Figures {
    histories: usize,
    outcomes: BTreeMap<String, usize>,
    /// The greatest number of gateways that a message was bound to, one after the other.
    bindings: u16,
    /// The longest time that a message waited although a healthy gateway had room.
    longest_wait: Duration,
}

fn play(histories: u64) {
    let first = super::number("SEED");
    let count = if first.is_some() { 1 } else { super::number("HISTORIES").unwrap_or(histories) };
    let mut figures = Figures::default();
    for seed in first.unwrap_or(0)..first.unwrap_or(0) + count {
        let runtime = super::runtime();
        // The output of a failed test shows it.
        println!("SEED={seed}");
        runtime.block_on(History::new(seed).play(&mut figures));
    }
    println!("{figures:?}");
}

#[test]
fn messages_are_sent_once_and_move_to_healthy_gateways() {
    play(6);
}

#[test]
#[ignore = "takes minutes"]
fn messages_are_sent_once_and_move_to_healthy_gateways_in_10000_histories() {
    play(10_000);
}

/// A trouble of a gateway.
#[derive(Clone, Debug)]
enum Trouble {
    Line(Condition),
    Refusals(Refusals),
    NoSim,
    Restart(Restart),
}

#[derive(Clone, Debug)]
struct Event {
    gateway: usize,
    at: Duration,
    lasts: Duration,
    trouble: Trouble,
}

impl Event {
    /// Whether the gateway is not to be relied on at a time.
    fn concerns(&self, gateway: usize, time: Duration) -> bool {
        self.gateway == gateway && self.at <= time && time < self.at + 2 * self.lasts + RECOVERY
    }
}

#[derive(Clone)]
struct Sending {
    at: Duration,
    text: String,
    number: String,
    valid_for: u64,
    cancelled_after: Option<Duration>,
}

struct History {
    seed: u64,
    gateways: Vec<Options>,
    events: Vec<Event>,
    sendings: Vec<Sending>,
    fates: Vec<(String, Fate)>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let count = 2 + chance.below(3);
        let options = |chance: &mut Chance| Options {
            ports: chance.pick(&[1, 1, 2]),
            seed: chance.below(1 << 32),
            ..Options::default()
        };
        let gateways: Vec<_> = (0..count).map(|_| options(&mut chance)).collect();
        let mut events = Vec::new();
        for gateway in 0..gateways.len() {
            events.extend(troubles(gateway, &mut chance.branch()));
        }
        let sendings = (0..6 + chance.below(10)).map(|index| sending(seed, index, &mut chance)).collect();
        let numbers: Vec<&Sending> = Vec::as_slice(&sendings).iter().filter(|_| chance.once_in(6)).collect();
        // More failures would quarantine a SIM card.
        let fates = numbers.iter().take(4).map(|sending| sending.number.clone());
        let fates: Vec<_> = fates.collect();
        let fates = fates.into_iter().map(|number| {
            (number, chance.pick(&[Fate::Fail, Fate::Undelivered(70), Fate::NoReport, Fate::Stuck]))
        });
        let fates = fates.collect();
        Self { seed, gateways, events, sendings, fates }
    }

    async fn play(self, figures: &mut Figures) {
        let mut world = World::new(self.seed, &self.gateways, Steps::default()).await;
        for (number, fate) in &self.fates {
            for line in &world.lines {
                line.emulator().set_fate(number, *fate);
            }
        }
        let server = Arc::new(world.start().await);
        let mut chance = Chance::new(self.seed);
        let began = Instant::now();
        for event in self.events.clone() {
            tokio::spawn(happen(world.lines[event.gateway].clone(), event));
        }
        for sending in self.sendings.clone() {
            tokio::spawn(send(Arc::clone(&server), sending));
        }
        let (mut waits, mut messages, mut seen) = (BTreeMap::new(), Vec::new(), None);
        loop {
            let steps = world.steps.taken();
            if seen != Some(steps) {
                messages = block_on(world.storage.list(Some(ACCOUNT), None, usize::MAX)).unwrap();
                seen = Some(steps);
                if chance.once_in(EXAMINED_EVERY) {
                    ledger::examine(&world);
                }
            }
            let roomy = self.roomy(&world, &messages, began.elapsed());
            for (id, message) in &messages {
                let since = *waits.entry(*id).or_insert_with(Instant::now);
                if roomy && is_waiting(message) {
                    figures.longest_wait = figures.longest_wait.max(since.elapsed());
                    assert!(since.elapsed() < PATIENCE, "{id} is stuck: {:#?}", self.told(&world, *id).await);
                } else {
                    waits.insert(*id, Instant::now());
                }
            }
            let is_over = messages.iter().all(|(_, message)| message.place == Place::Ended);
            if is_over && messages.len() == self.sendings.len() {
                break;
            }
            assert!(began.elapsed() < DEADLINE, "{messages:?} do not end");
            sleep(LOOK_EVERY).await;
        }
        ledger::examine(&world);
        self.judge(&world, figures).await;
    }

    /// Whether any healthy gateway has room.
    fn roomy(&self, world: &World, messages: &[(MessageId, Message)], now: Duration) -> bool {
        (0..self.gateways.len()).any(|gateway| {
            let bound = |(_, message): &&(MessageId, Message)| {
                let number = u32::try_from(gateway).unwrap();
                let is_bound = matches!(message.place, Place::Bound { gateway, .. } if gateway.0 == number);
                is_bound && message.state != State::Sent
            };
            let room = usize::from(self.gateways[gateway].ports) * PER_PORT;
            world.lines[gateway].condition() == Condition::Well
                && !self.events.iter().any(|event| event.concerns(gateway, now))
                && messages.iter().filter(bound).count() < room
        })
    }

    fn is_cancelled(&self, text: &str) -> bool {
        self.sendings.iter().any(|sending| sending.text == text && sending.cancelled_after.is_some())
    }

    /// Returns everything about a message, for the report of a failure.
    async fn told(&self, world: &World, id: MessageId) -> impl std::fmt::Debug + use<> {
        (self.events.clone(), world.storage.message(id).await, world.storage.history(id).await)
    }

    /// Compares the outcomes with what happened at the gateways.
    async fn judge(&self, world: &World, figures: &mut Figures) {
        figures.histories += 1;
        for (id, message) in world.storage.list(Some(ACCOUNT), None, usize::MAX).await.unwrap() {
            let truth = ledger::Truth::of(world, &message.text);
            *figures.outcomes.entry(format!("{:?}", message.state)).or_default() += 1;
            figures.bindings = figures.bindings.max(message.attempts);
            let is_wanted = match message.state {
                State::Cancelled => self.is_cancelled(&message.text),
                State::Expired => ledger::was_due(world, id, &message),
                _ => true,
            };
            assert!(
                is_wanted && truth.is_true(message.state),
                "{id} ended {:?}, but {truth:?}: {:#?}",
                message.state,
                self.told(world, id).await
            );
        }
    }
}

/// Whether a gateway is yet to be given the message.
fn is_waiting(message: &Message) -> bool {
    match message.place {
        Place::Queued => true,
        Place::Bound { .. } => message.state == State::Submitting,
        Place::Held | Place::Ended => false,
    }
}

fn sending(seed: u64, index: u64, chance: &mut Chance) -> Sending {
    Sending {
        at: Duration::from_millis(chance.below(1000 * TROUBLED / 2)),
        text: format!("message {index} of history {seed}"),
        number: format!("+49151000{index:04}"),
        valid_for: chance.pick(&[60, 300, 600, 800]),
        cancelled_after: chance.once_in(6).then(|| Duration::from_millis(chance.below(60_000))),
    }
}

/// Returns the troubles of a gateway, one after the other.
fn troubles(gateway: usize, chance: &mut Chance) -> Vec<Event> {
    let mut events = Vec::new();
    let mut at = chance.below(60);
    while at < TROUBLED {
        let trouble = trouble(chance);
        let lasts = match trouble {
            Trouble::Restart(_) => 0,
            _ if chance.once_in(12) => 1500,
            _ => 5 + chance.below(150),
        };
        let seconds = Duration::from_secs;
        events.push(Event { gateway, at: seconds(at), lasts: seconds(lasts), trouble });
        at += lasts + 10 + chance.below(120);
    }
    events
}

fn trouble(chance: &mut Chance) -> Trouble {
    let refusals = |refusals| Trouble::Refusals(refusals);
    match chance.below(18) {
        0 => Trouble::Line(Condition::Unreachable),
        1 => Trouble::Line(Condition::Deaf),
        2 => Trouble::Line(Condition::Silent),
        3 => Trouble::Line(Condition::Mute),
        4 => Trouble::Line(Condition::CutBefore),
        5 => Trouble::Line(Condition::CutWithin(1 + usize::try_from(chance.below(400)).unwrap())),
        6 => Trouble::Line(Condition::CutAfter),
        7 => refusals(Refusals { first_550: u32::MAX, ..Refusals::default() }),
        8 => refusals(Refusals { first_500: u32::MAX, ..Refusals::default() }),
        9 => refusals(Refusals { first_http_500: u32::MAX, ..Refusals::default() }),
        10 => refusals(Refusals { first_http_503: u32::MAX, ..Refusals::default() }),
        // Each number ends in nothing, each text has this word, and each request has more than no kilobyte.
        11 => refusals(Refusals { bad_number: Some(String::new()), ..Refusals::default() }),
        12 => refusals(Refusals { bad_text: Some("history".to_owned()), ..Refusals::default() }),
        13 => refusals(Refusals { max_recipients: 1, ..Refusals::default() }),
        14 | 15 => Trouble::NoSim,
        _ => Trouble::Restart(Restart { ids_restart: chance.once_in(2), inbox_lost: false }),
    }
}

async fn happen(line: Line, event: Event) {
    sleep(event.at).await;
    match event.trouble {
        Trouble::Line(condition) => line.set(condition),
        Trouble::Refusals(ref refusals) => {
            line.emulator().set_quirks(Quirks { refusals: refusals.clone(), ..Quirks::none() });
        }
        Trouble::NoSim => line.set_ports(Reg::NoSim),
        Trouble::Restart(how) => line.emulator().restart(how),
    }
    sleep(event.lasts).await;
    match event.trouble {
        Trouble::Line(_) => line.set(Condition::Well),
        Trouble::Refusals(_) => line.emulator().set_quirks(Quirks::none()),
        Trouble::NoSim => line.set_ports(Reg::RegisterOk),
        Trouble::Restart(_) => {}
    }
}

async fn send(server: Arc<Process>, sending: Sending) {
    sleep(sending.at).await;
    let body = json!({ "to": sending.number, "text": sending.text, "valid_for": sending.valid_for });
    let (status, accepted) = server.call(Method::POST, "/v1/messages", "", &body).await;
    assert_eq!(status, 202, "{accepted}");
    if let Some(after) = sending.cancelled_after {
        sleep(after).await;
        let path = format!("/v1/messages/{}", accepted["id"].as_str().unwrap());
        server.call(Method::DELETE, &path, "", &Value::Null).await;
    }
}
