//! Nonces that expire.

use std::time::Duration;

use crate::{harness::Harness, list, peer::Request, reply::Reply, subject::ApiCall};

use super::calls::printed;

list![
    a_nonce_expires_and_is_called_stale,
    a_nonce_expires_and_is_not_called_stale,
    a_nonce_is_stale_twice,
    a_nonce_is_always_stale,
    the_number_of_uses_is_learnt,
    the_age_is_learnt,
    each_request_needs_a_nonce,
    a_nonce_may_be_used_up_by_a_lost_response,
    each_connection_has_a_nonce,
    a_nonce_is_repeated_after_a_restart,
    a_repeated_nonce_is_refused,
];

fn challenge(nonce: u32, is_stale: bool) -> Reply {
    Reply::challenge(&format!(r#"Digest realm="box", nonce="n{nonce}", qop="auth", stale={is_stale}"#))
}

/// A gateway with nonces that are valid for a number of uses.
struct Nonces {
    current: u32,
    used: u32,
    uses: u32,
    is_told: bool,
}

impl Nonces {
    const fn new(uses: u32, is_told: bool) -> Self {
        Self { current: 1, used: 0, uses, is_told }
    }

    fn serve(&mut self, request: &Request) -> Reply {
        if !request.has_nonce(&format!("n{}", self.current)) {
            return challenge(self.current, self.is_told && request.authorization().is_some());
        }
        self.used += 1;
        if self.used == self.uses {
            (self.current, self.used) = (self.current + 1, 0);
        }
        printed(request)
    }
}

async fn expire(harness: &mut Harness, is_told: bool) {
    let mut nonces = Nonces::new(2, is_told);
    harness.peer.script(move |request| nonces.serve(request));
    for call in [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms, ApiCall::StopSms] {
        harness.call(call).await;
    }
}

async fn a_nonce_expires_and_is_called_stale(harness: &mut Harness) {
    expire(harness, true).await;
}

async fn a_nonce_expires_and_is_not_called_stale(harness: &mut Harness) {
    expire(harness, false).await;
}

async fn a_nonce_is_stale_twice(harness: &mut Harness) {
    // The third request and its repetition are refused.
    harness.peer.script(|request| match request.index {
        1 => challenge(1, false),
        2 => printed(request),
        3 => challenge(2, true),
        4 => challenge(3, true).after(Duration::from_millis(1500)),
        _ if request.has_nonce("n3") => printed(request),
        _ => challenge(3, false),
    });
    for call in [ApiCall::Queue, ApiCall::SendSms, ApiCall::Queue] {
        harness.call(call).await;
    }
}

async fn a_nonce_is_always_stale(harness: &mut Harness) {
    harness.peer.script(|request| {
        challenge(u32::try_from(request.index).unwrap(), true).after(Duration::from_millis(1500))
    });
    for call in [ApiCall::Queue, ApiCall::SendSms] {
        harness.call(call).await;
    }
}

async fn the_number_of_uses_is_learnt(harness: &mut Harness) {
    let mut nonces = Nonces::new(3, true);
    harness.peer.script(move |request| nonces.serve(request));
    for _ in 0..4 {
        for call in [ApiCall::Queue, ApiCall::SendSms, ApiCall::StopSms] {
            harness.call(call).await;
        }
    }
}

async fn the_age_is_learnt(harness: &mut Harness) {
    let peer = harness.peer.clone();
    let mut born = (1, 0);
    let clock = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let now = clock.clone();
    harness.peer.script(move |request| {
        let now = now.load(std::sync::atomic::Ordering::Relaxed);
        if now >= born.1 + 60 {
            born = (born.0 + 1, now);
        }
        if request.has_nonce(&format!("n{}", born.0)) {
            return printed(request);
        }
        challenge(born.0, request.authorization().is_some())
    });
    for call in [ApiCall::Queue, ApiCall::SendSms].into_iter().cycle().take(12) {
        clock.store(peer.elapsed().as_secs(), std::sync::atomic::Ordering::Relaxed);
        harness.call(call).await;
        harness.wait(25_000).await;
    }
}

async fn each_request_needs_a_nonce(harness: &mut Harness) {
    let mut nonces = Nonces::new(1, true);
    harness.peer.script(move |request| nonces.serve(request));
    for call in [ApiCall::Queue, ApiCall::SendSms, ApiCall::Queue, ApiCall::StopSms] {
        harness.call(call).await;
    }
}

async fn a_nonce_may_be_used_up_by_a_lost_response(harness: &mut Harness) {
    let mut nonces = Nonces::new(1, false);
    harness.peer.script(move |request| {
        let reply = nonces.serve(request);
        if request.index == 2 { Reply::never().close() } else { reply }
    });
    for call in [ApiCall::SendSms, ApiCall::SendSms, ApiCall::Queue] {
        harness.call(call).await;
    }
}

async fn each_connection_has_a_nonce(harness: &mut Harness) {
    harness.peer.script(|request| {
        let nonce = u32::try_from(request.connection).unwrap();
        let reply =
            if request.has_nonce(&format!("n{nonce}")) { printed(request) } else { challenge(nonce, false) };
        if request.call() == "query_ussd_reply" { reply.close() } else { reply }
    });
    for call in [ApiCall::Queue, ApiCall::UssdReply, ApiCall::SendSms, ApiCall::UssdReply, ApiCall::Queue] {
        harness.call(call).await;
        harness.wait(100).await;
    }
}

async fn a_nonce_is_repeated_after_a_restart(harness: &mut Harness) {
    // The gateway forgets its nonce with the fourth request, and then offers the same nonce again.
    harness.peer.script(|request| match request.index {
        1 | 4 => challenge(1, false),
        _ => printed(request),
    });
    for call in [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms, ApiCall::Queue] {
        harness.call(call).await;
    }
}

async fn a_repeated_nonce_is_refused(harness: &mut Harness) {
    // From the fourth request on, the gateway has another password.
    harness.peer.script(|request| match request.index {
        2 | 3 => printed(request),
        _ => challenge(1, false),
    });
    for call in [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms, ApiCall::Queue] {
        harness.call(call).await;
    }
}
