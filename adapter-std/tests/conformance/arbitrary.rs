//! Exchanges with a peer that behaves at random, by seed. It is late, drips, floods, stalls, answers early, or cuts or resets the
//! connection at any byte.
//!
//! Each seed leaves a line with the outcomes of its calls and a hash of all bytes and times. `SEED=17 cargo test -p sms-gateway
//! --test conformance -- --nocapture arbitrary` shows everything that happens with one seed.

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
    peer::{Plan, Request},
    random::Random,
    reply::{Reply, Step},
    scenarios::{GatewayModel, printed},
    subject::{Adapter, ApiCall, MessengerSetup},
};

const CALL_SEEDS: u64 = 1000;
const MESSENGER_SEEDS: u64 = 200;
const HALF_AN_HOUR: Duration = Duration::from_secs(1800);
/// The maximum time of a call: the default limit of an exchange, and the time for draining a response.
const CALL_LIMIT: Duration = Duration::from_millis(300_000 + 500);
/// The maximum time of a shutdown: its default limit, and the time for closing a connection.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(30_000 + 500);
/// The maximum time until a messenger has accepted a message, whatever happens to its requests.
const TAKING_LIMIT: Duration = Duration::from_secs(1);

impl Random {
    /// Returns a reply to a request. The gateway may carry out the request.
    fn reply(&mut self, request: &Request, mut serve: impl FnMut(&Request) -> Reply) -> Reply {
        let reply = match self.below(12) {
            0 => Reply::digest(&format!("n{}", request.connection % 2)),
            1 => Reply::status(404, "<html>nothing</html>"),
            2 => {
                serve(request);
                Reply::status(500, "<html>broken</html>")
            }
            3 => Reply::json(r#"{"error_code":500}"#),
            4 => Reply::with(302, "Location: http://other/\r\n", ""),
            5 => {
                serve(request);
                Reply::json("{\"error_code\": <html>")
            }
            _ if request.has_nonce("n0") || request.has_nonce("n1") => serve(request),
            _ => Reply::digest(&format!("n{}", request.connection % 2)),
        };
        self.spoil(reply)
    }

    /// Spoils or delays a reply at random.
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

/// Runs a seed. Returns the line about it, and the log of the scenario.
async fn exchange(adapter: Adapter, seed: u64) -> (String, String) {
    let mut random = Random(seed);
    let mut harness = Harness::new(adapter);
    // The number of submissions that the gateway has carried out.
    let done = Arc::new(AtomicU32::new(0));
    let (mut replies, mut plans, counted) = (random.clone(), random.clone(), Arc::clone(&done));
    harness.peer.plan(move |_| plans.plan(16, 20_000));
    harness.peer.script(move |request| {
        replies.reply(request, |request| {
            let is_sent = request.call() == "send_sms" && !request.body.is_empty();
            counted.fetch_add(is_sent.into(), Ordering::Relaxed);
            printed(request)
        })
    });
    let mut line = format!("{seed}:");
    for _ in 0..4 {
        let call = [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms][random.below(3)];
        let before = done.load(Ordering::Relaxed);
        let milliseconds = u64::try_from(CALL_LIMIT.as_millis()).unwrap();
        let end = harness.call_silently_for(call, milliseconds).await;
        assert_ne!(end, "it is dropped", "seed {seed}: a call does not end");
        let times = done.load(Ordering::Relaxed) - before;
        assert!(times <= 1, "seed {seed}: a message is sent {times} times");
        let is_admitted = end.starts_with("ok") || end.contains("may have arrived");
        assert!(times == 0 || is_admitted, "seed {seed}: {end:?} denies what was sent");
        let _ = write!(line, " {call:?} {end};");
        if random.is_one_in(3) {
            harness.wait(1000).await;
        }
    }
    let text = harness.end().await;
    assert_nothing_left(seed, &text);
    let _ = writeln!(line, " {:016x}", hash(&text));
    (line, text)
}

/// Sends messages through a peer that behaves at random for its first requests, and properly for all later ones.
async fn live(adapter: Adapter, seed: u64) -> (String, String) {
    let mut random = Random(seed);
    let harness = Harness::new(adapter);
    let model = GatewayModel::new();
    model.fill_inbox(&["one", "two"]);
    let (bad_requests, bad_connections) = (random.below(25), random.below(8));
    let (mut replies, mut plans, served) = (random.clone(), random.clone(), model.clone());
    harness
        .peer
        .plan(move |number| if number <= bad_connections { plans.plan(16, 20_000) } else { Plan::default() });
    harness.peer.script(move |request| {
        // A request that is answered before its body arrives is not carried out.
        let is_whole = request.call() != "send_sms" || !request.body.is_empty();
        if request.index > bad_requests && is_whole {
            return served.answer(request);
        }
        replies.reply(request, |request| if is_whole { served.serve(request) } else { Reply::never() })
    });
    let mut messenger = harness.messenger(MessengerSetup::INBOX).await;
    let mut line = format!("{seed}:");
    for number in ["1", "2", "3"] {
        within(TAKING_LIMIT, seed, messenger.send(number, "Hello")).await;
        let time = random.milliseconds(60_000);
        within(time + CALL_LIMIT, seed, messenger.run(time)).await;
    }
    within(HALF_AN_HOUR + CALL_LIMIT, seed, messenger.run(HALF_AN_HOUR)).await;
    within(SHUTDOWN_LIMIT, seed, Box::pin(messenger.shut_down())).await;
    let mut sent: Vec<_> = model.messages().into_iter().map(|(id, _)| id).collect();
    sent.sort();
    assert!(sent.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}: messages are sent twice: {sent:?}");
    let text = harness.end().await;
    assert_nothing_left(seed, &text);
    let ends = text.lines().filter_map(|line| line.strip_suffix(", the end")?.rsplit("message ").next());
    for end in ends {
        let is_sent = sent.iter().any(|id| end.starts_with(id));
        assert_eq!(end.contains("Delivered"), is_sent, "seed {seed}: {end}, of {sent:?}");
        let _ = write!(line, " {end};");
    }
    let _ = writeln!(line, " {:016x}", hash(&text));
    (line, text)
}

/// Awaits a future that must be ready within this time.
async fn within<T>(limit: Duration, seed: u64, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(limit, future).await;
    ended.unwrap_or_else(|_| panic!("seed {seed}: it takes longer than {limit:?}"))
}

/// Checks that no task runs and no connection is open at the end of a scenario.
fn assert_nothing_left(seed: u64, text: &str) {
    let left = text.lines().find(|line| line.ends_with(" tasks are left") || line.ends_with(" left open"));
    assert_eq!(left, None, "seed {seed}");
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn check<F: Future<Output = (String, String)>>(
    adapter: Adapter,
    name: &str,
    seeds: u64,
    run: impl Fn(Adapter, u64) -> F + Copy + Send + 'static,
) {
    if let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        let (line, text) = on_paused_clock("one seed", move || run(adapter, seed));
        println!("adapter-{}, {name}: {line}{text}", adapter.name());
        return;
    }
    let mut lines = String::new();
    for seed in 0..seeds {
        let (line, _) = on_paused_clock(&format!("seed {seed}"), move || run(adapter, seed));
        lines.push_str(&line);
    }
    check_recorded(&format!("{}-{name}.txt", adapter.name()), &lines, "\n");
}

#[test]
fn arbitrary_peers_meet_calls_of_adapter_std_as_recorded() {
    check(Adapter::Std, "arbitrary", CALL_SEEDS, exchange);
}

#[test]
fn arbitrary_peers_meet_calls_of_adapter_embassy_as_recorded() {
    check(Adapter::Embassy, "arbitrary", CALL_SEEDS, exchange);
}

#[test]
fn arbitrary_peers_meet_messengers_of_adapter_std_as_recorded() {
    check(Adapter::Std, "messengers", MESSENGER_SEEDS, live);
}

#[test]
fn arbitrary_peers_meet_messengers_of_adapter_embassy_as_recorded() {
    check(Adapter::Embassy, "messengers", MESSENGER_SEEDS, live);
}
