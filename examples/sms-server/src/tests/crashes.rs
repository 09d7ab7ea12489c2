//! Faults at every step: before and after each commit, and before and after each request to a gateway.
//!
//! After a crash, the server starts again with what was committed, and everything ends as it should. After a failure, it continues by
//! itself. At each look each message is in exactly one place.

use std::{sync::Arc, time::Duration};

use gateway_emulator::{Options, Reg, Restart};
use tokio::time::{Instant, sleep};

use super::{
    chance::Chance,
    ledger,
    line::Condition,
    peer::Peer,
    script::{Act, Script},
    steps::{Fault, Steps},
    storage::block_on,
    world::{ACCOUNT, World},
};
use crate::storage::{Place, State, Storage, Time};

/// The time within which everything has ended.
const DEADLINE: Duration = Duration::from_secs(2 * 3600);
const DAY: u64 = 86_400;

/// What happens in a world apart from faults.
struct Scenario {
    name: &'static str,
    gateways: usize,
    acts: &'static [Act],
    /// The number of events that their receiver does not accept. `None` if there is no receiver.
    refused_events: Option<usize>,
    /// Whether the gateways restart whenever the server crashes.
    forgets: bool,
}

const fn scenario(name: &'static str, gateways: usize, acts: &'static [Act]) -> Scenario {
    Scenario { name, gateways, acts, refused_events: None, forgets: false }
}

const SINGLE: Scenario = Scenario {
    refused_events: Some(0),
    ..scenario("single", 1, &[Act::Send { key: "a", names: &["one"], valid_for: DAY }])
};

const SCENARIOS: [Scenario; 11] = [
    SINGLE,
    Scenario { name: "events are repeated", refused_events: Some(2), ..SINGLE },
    Scenario { name: "the gateway restarts too", forgets: true, refused_events: None, ..SINGLE },
    scenario("batch", 1, &[Act::Send { key: "a", names: &["one", "two", "three"], valid_for: DAY }]),
    scenario(
        "repeated request",
        1,
        &[
            Act::Send { key: "a", names: &["one", "two"], valid_for: DAY },
            Act::Send { key: "b", names: &["three"], valid_for: DAY },
            Act::Send { key: "a", names: &["one", "two"], valid_for: DAY },
        ],
    ),
    scenario(
        "cancelled while queued, and expired",
        1,
        &[
            Act::Ports(0, Reg::NoSim),
            Act::Send { key: "a", names: &["one"], valid_for: DAY },
            Act::Send { key: "b", names: &["two"], valid_for: 3 },
            Act::At(2),
            Act::Cancel("one"),
        ],
    ),
    scenario(
        "cancelled before it is submitted",
        1,
        &[
            Act::At(2),
            Act::Line(0, Condition::Unreachable),
            Act::Send { key: "a", names: &["one", "two"], valid_for: DAY },
            Act::At(5),
            Act::Cancel("one"),
            Act::At(10),
            Act::Line(0, Condition::Well),
        ],
    ),
    scenario(
        "cancelled while it is bound and submitted",
        1,
        &[
            Act::At(2),
            Act::Send { key: "a", names: &["one"], valid_for: DAY },
            Act::Send { key: "b", names: &["two"], valid_for: DAY },
            Act::Cancel("two"),
        ],
    ),
    scenario(
        "failover",
        2,
        &[
            Act::Ports(1, Reg::NoSim),
            Act::At(2),
            Act::Line(0, Condition::Unreachable),
            Act::Send { key: "a", names: &["one", "two"], valid_for: DAY },
            Act::At(20),
            Act::Ports(1, Reg::RegisterOk),
            Act::At(90),
            Act::Line(0, Condition::Well),
        ],
    ),
    scenario(
        "no port is available",
        1,
        &[Act::NoPort(0, 3), Act::Send { key: "a", names: &["one", "two"], valid_for: DAY }],
    ),
    Scenario {
        refused_events: Some(1),
        ..scenario("incoming", 1, &[Act::Arrive(0, "hello"), Act::At(15), Act::Arrive(0, "world")])
    },
];

/// One run of a scenario.
struct Run<'r> {
    scenario: &'r Scenario,
    steps: Steps,
    peer: &'r Peer,
    world: Option<World>,
    script: Option<Arc<Script>>,
    /// The time of the last crash.
    crashed: Option<Instant>,
}

impl<'r> Run<'r> {
    fn new(scenario: &'r Scenario, faults: Vec<(u64, Fault)>, peer: &'r Peer) -> Self {
        peer.forget(scenario.refused_events.unwrap_or(0));
        Self { scenario, steps: Steps::new(faults), peer, world: None, script: None, crashed: None }
    }

    /// Plays to the end. Returns whether all faults have happened.
    fn play(mut self) -> bool {
        loop {
            // The end of a runtime ends all tasks of the server at once.
            let runtime = super::runtime();
            if runtime.block_on(self.live()) {
                break;
            }
        }
        self.steps.faults_left() == 0
    }

    /// Returns whether everything is over. Otherwise the server has crashed.
    async fn live(&mut self) -> bool {
        if let Some(crashed) = self.crashed {
            super::continue_at(crashed).await;
            self.steps.restart();
        }
        let scenario = self.scenario;
        if self.world.is_none() {
            let options = Options { ports: 1, ..Options::default() };
            let mut world = World::new(1, &vec![options; scenario.gateways], self.steps.clone()).await;
            world.has_incoming = scenario.acts.iter().any(|act| matches!(act, Act::Arrive(..)));
            world.webhook = scenario.refused_events.map(|_| self.peer.url());
            self.world = Some(world);
        }
        let world = self.world.as_mut().unwrap();
        if self.crashed.is_some() {
            ledger::examine(world);
            if scenario.forgets {
                world.lines[0].emulator().restart(Restart::default());
            }
        }
        let script = self.script.get_or_insert_with(|| Arc::new(Script::new(scenario.acts, Instant::now())));
        let steps = self.steps.clone();
        let is_over = tokio::select! {
            biased;
            () = steps.crash() => false,
            () = serve(world, script) => true,
        };
        self.crashed = Some(Instant::now());
        if is_over {
            self.judge();
        }
        is_over
    }

    /// Compares everything with what happened at the gateways and at the receiver of events.
    fn judge(&self) {
        let (world, script) = (self.world.as_ref().unwrap(), self.script.as_ref().unwrap());
        let messages = block_on(world.storage.list(Some(ACCOUNT), None, usize::MAX)).unwrap();
        assert_eq!(messages.len(), script.expected().0, "messages were accepted twice, or lost");
        for (id, message) in messages {
            let history = block_on(world.storage.history(id)).unwrap();
            let truth = ledger::Truth::of(world, &message.text);
            assert!(truth.is_true(message.state), "{id}: {message:?} {truth:?} {history:#?}");
            // Whether the request left is unknown, but a gateway that has the message shows it.
            let is_known = message.state != State::Unresolved || truth.is_unseen();
            assert!(is_known, "{id}: {truth:?} {history:#?}");
            let is_wanted = match message.state {
                State::Cancelled => script.cancels(&message.text),
                State::Expired => ledger::was_due(world, id, &message),
                _ => true,
            };
            assert!(is_wanted, "{id}: {message:?} {history:#?}");
            let outcomes = history.iter().filter(|entry| entry.state.is_final()).count();
            assert_eq!(outcomes, usize::from(message.state != State::Sent), "{id}: {history:#?}");
            let sent = history.iter().filter(|entry| entry.state == State::Sent).count();
            assert!(sent <= 1, "{id}: {history:#?}");
        }
        let incoming = block_on(world.storage.list_incoming(ACCOUNT, None, usize::MAX)).unwrap();
        assert_eq!(incoming.len(), script.expected().1, "{incoming:?}");
        let expected = ledger::events(world);
        if self.scenario.refused_events.is_some() {
            assert_eq!(self.peer.received(), expected);
        } else {
            let waiting = block_on(world.storage.due(ACCOUNT, Time::NEVER, usize::MAX)).unwrap();
            let waiting = waiting.into_iter().map(|waiting| waiting.subject.to_string());
            assert_eq!(waiting.collect::<std::collections::BTreeSet<_>>(), expected);
        }
    }
}

/// Runs a server until everything has ended.
async fn serve(world: &mut World, script: &Script) {
    let server = world.start().await;
    tokio::join!(script.play(world, &server), async {
        let began = Instant::now();
        let mut seen = None;
        while seen == Some(world.steps.taken()) || !is_over(world, script) {
            assert!(began.elapsed() < DEADLINE, "something does not end");
            seen = Some(world.steps.taken());
            sleep(Duration::from_secs(1)).await;
            if seen != Some(world.steps.taken()) {
                ledger::examine(world);
            }
        }
    });
}

fn is_over(world: &World, script: &Script) -> bool {
    let messages = block_on(world.storage.list(Some(ACCOUNT), None, usize::MAX)).unwrap();
    let incoming = block_on(world.storage.list_incoming(ACCOUNT, None, usize::MAX)).unwrap();
    let waiting = block_on(world.storage.due(ACCOUNT, Time::NEVER, 1)).unwrap();
    (messages.len(), incoming.len()) == script.expected()
        && messages.iter().all(|(_, message)| message.place == Place::Ended)
        && (world.webhook.is_none() || waiting.is_empty())
}

/// Plays a scenario with a fault at each step, until a step is not reached any more. Returns the number of steps.
fn each_step(scenario: &Scenario, fault: Fault, peer: &Peer) -> u64 {
    for step in 0.. {
        // The output of a failed test shows it.
        println!("{}: {fault:?} at step {step}", scenario.name);
        if !Run::new(scenario, vec![(step, fault)], peer).play() {
            return step;
        }
    }
    unreachable!()
}

#[test]
fn a_message_survives_a_crash_at_each_step() {
    let peer = Peer::start();
    println!("{} steps", each_step(&SINGLE, Fault::Crash, &peer));
}

#[test]
#[ignore = "takes minutes"]
fn everything_survives_a_crash_or_a_failure_at_each_step() {
    let peer = Peer::start();
    for scenario in &SCENARIOS {
        for fault in [Fault::Crash, Fault::Failure] {
            println!("{}: {} steps with {fault:?}", scenario.name, each_step(scenario, fault, &peer));
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn everything_survives_crashes_and_failures_at_any_two_steps() {
    let peer = Peer::start();
    let seed = super::number("SEED").unwrap_or(1);
    let mut chance = Chance::new(seed);
    for run in 0..super::number("RUNS").unwrap_or(500) {
        let scenario = &SCENARIOS[usize::try_from(chance.below(SCENARIOS.len() as u64)).unwrap()];
        let mut fault = || (chance.below(80), chance.pick(&[Fault::Crash, Fault::Crash, Fault::Failure]));
        let faults = vec![fault(), fault()];
        println!("SEED={seed}, run {run}: {} with {faults:?}", scenario.name);
        Run::new(scenario, faults, &peer).play();
    }
}
