//! Peers that violate the client's assumptions about HTTP and logins, by seed. Nothing is recorded: only rules are checked.
//!
//! `SEEDS=5000 cargo test -p sms-gateway --test conformance -- hostile` runs more seeds.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    harness::Harness,
    on_paused_clock,
    peer::{Plan, Request},
    random::Random,
    reply::{Reply, Step},
    scenarios::{GatewayModel, printed},
    subject::{Adapter, ApiCall, MessengerSetup},
};

/// The maximum time of a call: the default limit of an exchange, and the time for draining a response.
const CALL_LIMIT: Duration = Duration::from_millis(300_000 + 500);
/// The maximum number of exchanges of a call.
const MAX_EXCHANGES: usize = 24;

impl Random {
    /// Returns a 401 with a random challenge.
    fn refusal(&mut self, nonces: &mut usize) -> Reply {
        if self.below(2) == 0 {
            *nonces += 1;
        }
        let nonce = *nonces;
        match self.below(12) {
            0 => Reply::challenge("Basic realm=\"x\""),
            1 => Reply::challenge("Digest"),
            2 => Reply::with(401, "", "Nope"),
            3 | 4 => {
                Reply::challenge(&format!(r#"Digest realm="r", qop="auth", nonce="{nonce}", stale=true"#))
            }
            5 => Reply::challenge(&format!(
                r#"Digest realm="r", nonce="{nonce}", algorithm=MD5-sess, qop=auth"#
            )),
            6 => Reply::challenge(&format!(r#"Digest realm="r", nonce="{}""#, "n".repeat(300))),
            _ => Reply::digest(&nonce.to_string()),
        }
    }

    /// Returns a reply to a request that the gateway carries out.
    fn carried_out(&mut self, reply: &Reply) -> Reply {
        let bytes = reply.bytes();
        let body = String::from_utf8(bytes[reply.head_length()..].to_vec()).unwrap();
        match self.below(16) {
            0 => Reply::raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
            1 => Reply::raw("HTTP/1.1 204 None\r\n\r\n"),
            2 => Reply::with(299, "", &body),
            3 => Reply::with([599, 999][self.below(2)], "", "x"),
            4 => Reply::raw(
                ["HTTP/1.1 100 Continue\r\n\r\n".repeat(self.below(900)).into_bytes(), bytes].concat(),
            ),
            5 => Reply::raw([bytes.clone(), bytes].concat()),
            6 => {
                let mut chunks = String::new();
                for chunk in body.as_bytes().chunks(7) {
                    let (size, text) = (chunk.len(), String::from_utf8_lossy(chunk));
                    let _ = write!(chunks, "{size:x};{}\r\n{text}\r\n", "e".repeat(50));
                }
                Reply::raw(format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\nX: y\r\n\r\n"
                ))
            }
            7 => Reply::raw(format!("HTTP/1.0 200 OK\r\n\r\n{body}")).close(),
            8 => Reply::raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}")),
            9 => Reply::with(200, &"X-Long: y\r\n".repeat(self.below(200)), &body),
            10 => Reply::raw([b"\r\n\r\n".to_vec(), bytes].concat()),
            11 => Reply::with(502, "", &body),
            _ => reply.clone(),
        }
    }

    /// Distorts or delays a reply at random.
    fn distort(&mut self, reply: Reply) -> Reply {
        let length = reply.bytes().len();
        let place = self.below(length + 1);
        let every = Duration::from_millis(1 + self.below(3000) as u64);
        let reply = match self.below(24) {
            0 => reply.cut(place).close(),
            1 => reply.cut(place).reset(),
            2 => reply.cut(place),
            3 => reply.cut(place).endless(" ", every),
            4 => reply.cut(place).endless("1;x\r\n \r\n", every),
            5 => reply.cut(place).endless("X: y\r\n", every),
            6 => reply.cut(place).endless("HTTP/1.1 100 Continue\r\n\r\n", every),
            7 => reply.drip(1 + self.below(100), every),
            8 => reply.close(),
            9 => reply.reset(),
            10 => reply.then(Step::Wait(every)).close(),
            11 => {
                Reply::raw([reply.bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()].concat())
            }
            _ => reply,
        };
        if self.below(5) == 0 { reply.after(self.milliseconds(35_000)) } else { reply }
    }
}

/// The requests that the peer has seen.
#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    /// The number of submissions that were carried out.
    done: AtomicUsize,
    /// The number of requests with a login that were refused after the password was set.
    refused: AtomicUsize,
    log: Mutex<Vec<String>>,
}

fn peer(mut random: Random, noted: Arc<Seen>, is_wrong: bool) -> impl FnMut(&Request) -> Reply {
    let mut nonces = 0;
    move |request| {
        noted.requests.fetch_add(1, Ordering::Relaxed);
        let has_login = request.authorization().is_some();
        // A peer with another password accepts no login.
        let kind = if is_wrong && has_login { 13 } else { random.below(14) };
        let reply = match kind {
            0 => Reply::status(404, "<html>nothing</html>"),
            1 => Reply::with(302, "Location: http://other/\r\n", ""),
            2 => Reply::raw("HTTP/1.1 307 X\r\n\r\n"),
            3..8 if has_login && !is_wrong => {
                let is_sent = request.call() == "send_sms" && !request.body.is_empty();
                noted.done.fetch_add(is_sent.into(), Ordering::Relaxed);
                let reply = printed(request);
                random.carried_out(&reply)
            }
            _ if has_login && !is_wrong && random.below(2) == 0 => {
                let is_sent = request.call() == "send_sms" && !request.body.is_empty();
                noted.done.fetch_add(is_sent.into(), Ordering::Relaxed);
                printed(request)
            }
            _ => {
                noted.refused.fetch_add(has_login.into(), Ordering::Relaxed);
                random.refusal(&mut nonces)
            }
        };
        let reply = match random.below(3) {
            _ if !is_wrong => random.distort(reply),
            // Refusals of a login are not distorted, because the client can only count refusals that reach it.
            0 if !has_login => reply.cut(12).close(),
            _ => reply,
        };
        noted.log.lock().unwrap().push(format!(
            "{} {:?} -> {}",
            request.target,
            request.authorization(),
            String::from_utf8_lossy(&reply.bytes()).lines().take(2).collect::<Vec<_>>().join(" | ")
        ));
        reply
    }
}

async fn calls(adapter: Adapter, seed: u64) {
    let mut random = Random(seed);
    let is_wrong = random.below(4) == 0;
    let mut harness = Harness::new(adapter);
    let noted = Arc::new(Seen::default());
    let mut plans = random.clone();
    harness.peer.plan(move |_| if is_wrong { Plan::default() } else { plans.plan(20, 10_000) });
    harness.peer.script(peer(random.clone(), Arc::clone(&noted), is_wrong));
    let mut is_refused = false;
    for _ in 0..8 {
        let calls = [
            ApiCall::Queue,
            ApiCall::Results,
            ApiCall::SendSms,
            ApiCall::SendSms,
            ApiCall::Incoming,
            ApiCall::StopSms,
        ];
        let call = calls[random.below(calls.len())];
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let before = (count(&noted.requests), count(&noted.done));
        let is_dropped = !is_wrong && random.below(6) == 0;
        let limit = if is_dropped { random.milliseconds(60_000) } else { CALL_LIMIT };
        let end = harness.call_silently_for(call, u64::try_from(limit.as_millis()).unwrap()).await;
        let log = || format!("seed {seed} {call:?} {end}\n{}", noted.log.lock().unwrap().join("\n"));
        assert!(is_dropped || end != "it is dropped", "a call does not end: {}", log());
        let (requests, done) = (count(&noted.requests) - before.0, count(&noted.done) - before.1);
        assert!(requests <= MAX_EXCHANGES, "{requests} exchanges: {}", log());
        assert!(done <= 1, "sent {done} times: {}", log());
        let is_admitted = end.starts_with("ok") || end.contains("may have arrived") || end == "it is dropped";
        assert!(done == 0 || is_admitted, "denies what was sent: {}", log());
        assert!(!is_refused || requests == 0, "asks after a refused login: {}", log());
        assert!(!is_wrong || count(&noted.refused) <= 3, "{} refusals: {}", count(&noted.refused), log());
        noted.log.lock().unwrap().push(format!("{call:?}: {end}"));
        is_refused = end == "login refused";
        if random.below(8) == 0 {
            harness.set_password("other");
            is_refused = false;
            noted.log.lock().unwrap().push("other password".to_owned());
            noted.refused.store(0, Ordering::Relaxed);
        }
        if random.below(3) == 0 {
            harness.wait(random.below(20_000) as u64).await;
        }
    }
    let text = harness.end().await;
    assert_nothing_left(seed, &text);
}

/// Checks that no task runs and no connection is open at the end of a scenario.
fn assert_nothing_left(seed: u64, text: &str) {
    let left = text.lines().find(|line| line.ends_with(" tasks are left") || line.ends_with(" left open"));
    assert_eq!(left, None, "seed {seed}");
}

/// Awaits a future that must be ready within this time.
async fn within<T>(limit: Duration, seed: u64, what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(limit, future).await;
    ended.unwrap_or_else(|_| panic!("seed {seed}: {what} takes longer than {limit:?}"))
}

/// Checks that each message that was sent is delivered, and that health shows no error at the end.
fn assert_outcomes(seed: u64, sent: &[String], text: &str) {
    for id in sent {
        let end = text
            .lines()
            .find(|line| line.contains(&format!("message {id}: ")) && line.ends_with(", the end"));
        assert!(end.is_some_and(|end| end.contains("Delivered")), "seed {seed}: {id}: {end:?}\n{text}");
    }
    let health = text.lines().rfind(|line| line.contains(" error: "));
    assert!(health.is_some_and(|line| line.ends_with("none")), "seed {seed}: {health:?}\n{text}");
}

/// Sends messages through a hostile peer, and restarts the messenger once. At the end, the peer behaves well.
async fn messengers(adapter: Adapter, seed: u64) {
    let mut random = Random(seed);
    let harness = Harness::new(adapter);
    let model = GatewayModel::new();
    model.fill_inbox(&["one", "two", "three"]);
    let (bad_requests, bad_connections) = (random.below(40), random.below(12));
    let (mut replies, mut plans, served) = (random.clone(), random.clone(), model.clone());
    harness
        .peer
        .plan(move |number| if number <= bad_connections { plans.plan(20, 10_000) } else { Plan::default() });
    let mut nonces = 10;
    harness.peer.script(move |request| {
        // A request that is answered before all of its body has arrived is not carried out.
        let head = request.head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let is_whole = length.is_none_or(|length| length == request.body.len().to_string());
        if request.index > bad_requests && is_whole {
            return served.answer(request);
        }
        let reply = match replies.below(8) {
            0 => Reply::status(404, "nothing"),
            1 => Reply::with(302, "Location: http://other/\r\n", ""),
            // The right password is never refused twice in a row.
            2 if !request.has_nonce("n1") => replies.refusal(&mut nonces),
            3.. if is_whole && request.has_nonce("n1") => {
                let reply = served.serve(request);
                replies.carried_out(&reply)
            }
            _ => Reply::digest("n1"),
        };
        replies.distort(reply)
    });
    let setup = MessengerSetup::INBOX;
    let mut messenger = harness.messenger(setup).await;
    for number in ["1", "2", "3", "4"] {
        within(Duration::from_secs(1), seed, "sending", messenger.send(number, "Hello")).await;
        let time = random.milliseconds(90_000);
        within(time + CALL_LIMIT, seed, "running", messenger.run(time)).await;
        if random.below(4) == 0 {
            within(Duration::from_millis(30_500), seed, "a shutdown", Box::pin(messenger.shut_down())).await;
            messenger = harness.messenger(MessengerSetup::INBOX).await;
        }
    }
    let rest = Duration::from_secs(6 * 3600);
    within(rest + CALL_LIMIT, seed, "running", messenger.run(rest)).await;
    within(Duration::from_millis(30_500), seed, "a shutdown", Box::pin(messenger.shut_down())).await;
    let mut sent: Vec<_> = model.messages().into_iter().map(|(id, _)| id).collect();
    sent.sort();
    let text = harness.end().await;
    assert!(sent.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}: sent twice: {sent:?}\n{text}");
    assert_nothing_left(seed, &text);
    if text.contains("login refused") || text.contains("Basic not allowed") {
        return;
    }
    assert_outcomes(seed, &sent, &text);
}

fn check<F: Future<Output = ()>>(
    adapter: Adapter,
    seeds: u64,
    run: impl Fn(Adapter, u64) -> F + Copy + Send + 'static,
) {
    let number =
        |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first: u64 = number("FIRST", 0);
    for seed in first..first + number("SEEDS", seeds) {
        on_paused_clock(&format!("seed {seed}"), move || run(adapter, seed));
    }
}

#[test]
fn hostile_peers_meet_the_rules_of_calls_in_adapter_std() {
    check(Adapter::Std, 200, calls);
}

#[test]
fn hostile_peers_meet_the_rules_of_calls_in_adapter_embassy() {
    check(Adapter::Embassy, 200, calls);
}

#[test]
fn hostile_peers_meet_the_rules_of_messengers_in_adapter_std() {
    check(Adapter::Std, 10, messengers);
}

#[test]
fn hostile_peers_meet_the_rules_of_messengers_in_adapter_embassy() {
    check(Adapter::Embassy, 10, messengers);
}
