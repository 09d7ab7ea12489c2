//! The random setup of a world.

use std::time::Duration;

use gateway_emulator::{Auth, NonceLife, Options};
use sms_gateway::core::track::{Limits, Timing};

use super::{
    chance::Chance,
    common::proxy::{Faults, Kind, Stage},
    following,
    mischief::Mischief,
    outgoing::{self, Outgoing},
    quirks,
    record::Known,
};

/// The caller's knowledge of other programs on the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Exclusive,
    Strict,
    Neither,
}

/// The state of a message that a sender waits for before it sends the next message.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    None,
    Accepted,
    Sent,
}

/// The end of a messenger's life before its work is done.
#[derive(Clone, Copy, Debug)]
pub struct Interruption {
    /// The number of requests before the interruption.
    pub after: u64,
    /// Whether the messenger is shut down; if not, it is killed.
    pub is_orderly: bool,
}

impl Patience {
    /// Whether a sender need not wait for this message any longer.
    pub fn is_over(self, known: &Known) -> bool {
        match self {
            Self::None => true,
            Self::Accepted => known.is_accepted(),
            Self::Sent => known.is_settled(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Setup {
    pub world: usize,
    pub quirks: Vec<String>,
    pub options: Options,
    pub faults: Faults,
    pub policy: Policy,
    pub has_strangers: bool,
    pub is_down_at_first: bool,
    pub interruptions: Vec<Interruption>,
    pub timing: Timing,
    pub limits: Limits,
    pub patience: Patience,
    pub senders: usize,
    pub outgoing: Vec<Outgoing>,
    pub mischief: Mischief,
}

impl Setup {
    pub fn new(seed: u64, world: usize, messages: usize) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(1000) + world as u64);
        let quirks = quirks::draw(&mut chance.branch());
        let policy = [Policy::Exclusive, Policy::Strict, Policy::Neither][world % 3];
        let is_down_at_first = chance.once_in(7);
        let mischief = Mischief::draw(messages, &quirks, chance.branch());
        Self {
            world,
            options: options(&quirks, mischief.has_restart(), &mut chance.branch()),
            faults: faults(&mut chance.branch()),
            policy,
            has_strangers: policy == Policy::Strict && chance.once_in(2),
            is_down_at_first,
            interruptions: interruptions(&mut chance.branch()),
            timing: timing(&mut chance.branch()),
            limits: limits(&mut chance.branch()),
            patience: chance.pick(&[Patience::None, Patience::Accepted, Patience::Sent]),
            senders: chance.pick(&[5, 20, 100, 500]),
            outgoing: outgoing::draw(messages, is_down_at_first, &mut chance.branch()),
            mischief,
            quirks,
        }
    }
}

fn options(quirks: &[String], restarts: bool, chance: &mut Chance) -> Options {
    // A restart takes no time here. A restart between a challenge and its first use would look like a wrong password.
    let logins: &[Auth] = if restarts {
        &[Auth::Basic, Auth::None]
    } else {
        &[Auth::Digest, Auth::Digest, Auth::Digest, Auth::Basic, Auth::None]
    };
    let ports = chance.pick(&[1, 4, 8, 16, 32]);
    let names = if quirks.is_empty() { "none".to_owned() } else { quirks.join(",") };
    Options {
        quirks: names.parse().unwrap(),
        ports,
        speed: chance.pick(if ports == 1 { &[1000.0] } else { &[200.0, 500.0, 1000.0] }),
        seed: chance.below(1 << 32),
        auth: chance.pick(logins),
        nonce: chance.pick(&[
            NonceLife::Forever,
            NonceLife::OneRequest,
            NonceLife::Lasting(Duration::from_secs(1)),
        ]),
        // In an inbox without an order, a truncated page hides messages that no other request shows.
        answer_limit: if quirks::has_order(quirks) { chance.pick(&[2000, 8192]) } else { 1 << 20 },
        random_fates: true,
        closing: chance.pick(&[0, 0, 2]),
        ..Options::default()
    }
}

fn faults(chance: &mut Chance) -> Faults {
    let mut faults = Faults::everywhere(chance.pick(&[4, 10, 20]));
    for stage in Stage::ALL {
        faults = faults.with(stage, Kind::Stall, 1);
    }
    for (kind, per_mille) in [(Kind::Close, 50), (Kind::Reset, 50), (Kind::Stall, 10)] {
        faults = faults.with(Stage::Connected, kind, per_mille);
    }
    let late = chance.pick(&[0, 10, 30]);
    faults.with(Stage::BeforeRequest, Kind::Late, late)
}

fn interruptions(chance: &mut Chance) -> Vec<Interruption> {
    let count = chance.pick(&[0, 0, 1, 3]);
    let one = |_| Interruption { after: 10 + chance.below(80), is_orderly: chance.once_in(3) };
    (0..count).map(one).collect()
}

/// The intervals of the other tests, but somewhat longer, so that worlds do not slow each other down.
fn timing(chance: &mut Chance) -> Timing {
    let millis = Duration::from_millis;
    let usual = following::timing();
    Timing {
        results_every: millis(10 + chance.below(20)),
        reports_every: millis(10 + chance.below(20)),
        slowest: millis(50 + chance.below(50)),
        incoming: millis(30 + chance.below(50)),
        // A report waits this long for its message's result, which may be late on a slow machine.
        unmatched: millis(5000),
        // Either the usual time, or one that is shortened because the gateway is faster.
        doubled: chance.pick(&[usual.doubled, usual.doubled / 200]),
        ..usual
    }
}

fn limits(chance: &mut Chance) -> Limits {
    Limits {
        request_gap: Duration::ZERO,
        recipients: chance.pick(&[1, 3, 8, 8, 20, 50, 128]),
        ids: chance.pick(&[20, 64]),
        under_way: chance.pick(&[20, 100, 4096]),
        ..Limits::default()
    }
}
