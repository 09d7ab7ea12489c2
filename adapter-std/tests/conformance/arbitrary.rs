//! Exchanges with a peer that does anything, by seed: it is late, drips, floods, stalls, answers early, cuts or resets at any byte.
//!
//! Each seed leaves a line with the ends of its calls and a hash of all bytes and times. `SEED=17 cargo test -p sms-gateway --test
//! conformance -- --nocapture arbitrary` shows all of one seed.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    check_recorded,
    harness::Harness,
    on_paused_clock,
    peer::{Opening, Plan, Request},
    reply::{Reply, Step},
    scenarios::printed,
    subject::{Adapter, ApiCall},
};

const SEEDS: u64 = 1000;
/// The time after which a call is dropped.
const PATIENCE_MS: u64 = 300_000;

/// Random numbers from a seed (splitmix64).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn milliseconds(&mut self, end: usize) -> Duration {
        Duration::from_millis(self.below(end) as u64)
    }

    fn plan(&mut self) -> Plan {
        let mut plan = Plan::default();
        match self.below(16) {
            0 => plan.opening = Opening::Refused,
            1 => plan.opening = Opening::Never,
            2 => plan.opening = Opening::Delayed(self.milliseconds(20_000)),
            3 => plan.write_limit = self.below(1000),
            4 => plan.window = self.below(1000),
            5 => (plan.is_early, plan.window) = (true, 60 + self.below(500)),
            6 => plan.is_early = true,
            7 => plan.piece = 1 + self.below(50),
            _ => {}
        }
        plan
    }

    /// A reply, and whether the gateway does as the request asks.
    fn reply(&mut self, request: &Request) -> (Reply, bool) {
        let nonce = format!("n{}", request.connection % 2);
        let (reply, is_done) = match self.below(12) {
            0 => (Reply::digest(&nonce), false),
            1 => (Reply::status(404, "<html>nothing</html>"), false),
            2 => (Reply::status(500, "<html>broken</html>"), true),
            3 => (Reply::json(r#"{"error_code":500}"#), false),
            4 => {
                (Reply::raw("HTTP/1.1 302 X\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n"), false)
            }
            5 => (Reply::json("{\"error_code\": <html>"), true),
            _ if request.authorization().is_none_or(|login| login.starts_with("Digest")) => {
                let is_let_in = request.has_nonce("n0") || request.has_nonce("n1");
                if is_let_in { (printed(request), true) } else { (Reply::digest(&nonce), false) }
            }
            _ => (printed(request), true),
        };
        (self.spoil(reply), is_done)
    }

    /// Does something to a reply.
    fn spoil(&mut self, reply: Reply) -> Reply {
        let length = reply.bytes().len();
        let place = self.below(length + 1);
        let every = Duration::from_millis(1 + self.below(2000) as u64);
        let reply = match self.below(14) {
            0 => reply.cut(place).close(),
            1 => reply.cut(place).reset(),
            2 => reply.cut(place),
            3 => reply.cut(place).endless(" ", every),
            4 => reply.cut(place).endless("1\r\n \r\n", every),
            5 => reply.drip(1 + self.below(100), every),
            6 => reply.close(),
            7 => reply.reset(),
            8 => reply.then(Step::Wait(every)).close(),
            _ => reply,
        };
        if self.is_one_in(4) { reply.after(self.milliseconds(35_000)) } else { reply }
    }
}

/// Runs a seed: the line about it, and all that happened.
async fn exchange(adapter: Adapter, seed: u64) -> (String, String) {
    let mut random = Random(seed);
    let mut harness = Harness::new(adapter);
    // How often the gateway has done what a submission asked.
    let done = Arc::new(AtomicU32::new(0));
    let (mut replies, mut plans, counted) = (random.clone(), random.clone(), Arc::clone(&done));
    harness.peer.plan(move |_| plans.plan());
    harness.peer.script(move |request| {
        let (reply, is_done) = replies.reply(request);
        if is_done && request.call() == "send_sms" && !request.body.is_empty() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        reply
    });
    let mut line = format!("{seed}:");
    for _ in 0..4 {
        let call = [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms][random.below(3)];
        let before = done.load(Ordering::Relaxed);
        let end = harness.call_silently_for(call, PATIENCE_MS).await;
        let times = done.load(Ordering::Relaxed) - before;
        assert!(times <= 1, "seed {seed}: a message is sent {times} times");
        let is_admitted = end.starts_with("ok") || end.contains("may have arrived") || end == "it is dropped";
        assert!(times == 0 || is_admitted, "seed {seed}: {end:?} denies what was sent");
        let _ = write!(line, " {call:?} {end};");
        if random.is_one_in(3) {
            harness.wait(1000).await;
        }
    }
    let text = harness.end().await;
    let _ = writeln!(line, " {:016x}", hash(&text));
    (line, text)
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn check(adapter: Adapter) {
    if let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        let (line, text) = on_paused_clock("one seed", move || exchange(adapter, seed));
        println!("adapter-{}: {line}{text}", adapter.name());
        return;
    }
    let mut lines = String::new();
    for seed in 0..SEEDS {
        let (line, _) = on_paused_clock(&format!("seed {seed}"), move || exchange(adapter, seed));
        lines.push_str(&line);
    }
    check_recorded(&format!("{}-arbitrary.txt", adapter.name()), &lines, "\n");
}

#[test]
fn arbitrary_peers_meet_adapter_std_as_recorded() {
    check(Adapter::Std);
}

#[test]
fn arbitrary_peers_meet_adapter_embassy_as_recorded() {
    check(Adapter::Embassy);
}
