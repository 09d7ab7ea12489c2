//! Login to a gateway that admits clients strictly by the standard, and that counts refusals.
//!
//! The fuzz target `login` plays the same scripts.

mod client;
#[path = "../simulation/rng.rs"]
// Indexes are small.
#[allow(dead_code, clippy::cast_possible_truncation)]
mod rng;
mod script;
mod server;

use std::time::Duration;

use client::{Client, Fate};
use server::{Policy, Reply, Request, Server};

#[test]
fn one_nonce_carries_many_requests() {
    let (mut client, mut server) = (Client::new("secret"), Server::new("secret", Policy::ENDLESS));
    for _ in 0..300 {
        assert_eq!(client.call(&mut server, || Fate::Complete).0, Ok(()));
    }
    assert_eq!((server.offered(), server.highest_count()), (1, 300));
}

#[test]
fn a_nonce_is_renewed_before_the_request_that_would_outlive_it() {
    let policy = Policy { uses: Some(120), ..Policy::ENDLESS };
    let (mut client, mut server) = (Client::new("secret"), Server::new("secret", policy));
    let mut exchanges = 0;
    for _ in 0..1200 {
        client.now += Duration::from_secs(1);
        let (outcome, count) = client.call(&mut server, || Fate::Complete);
        assert_eq!(outcome, Ok(()));
        exchanges += count;
    }
    assert_eq!((server.offered(), server.highest_count()), (10, 121));
    // One challenge for each nonce. From the first nonce, the client learns how long nonces live.
    assert_eq!(exchanges, 1200 + 10);
}

#[test]
fn scripts_keep_the_rules_of_a_login() {
    let mut rng = rng::Rng::new(1);
    for _ in 0..20_000 {
        let length = 1 + rng.below(60);
        let script: Vec<u8> = (0..length).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
        let played = std::panic::catch_unwind(|| script::play(&script));
        assert!(played.is_ok(), "the script {script:?} fails");
    }
}

/// Returns a request of an honest client.
fn request<'a>(method: &'a str, authorization: Option<&'a str>) -> Request<'a> {
    Request { method, target: "/a", authorization, client_password: "secret" }
}

/// Fetches a challenge, and returns the `Authorization` that another implementation computes for it.
fn first_authorization(server: &mut Server) -> String {
    let reply = server.receive(request("POST", None), Duration::ZERO);
    let Reply::Unauthorized(challenge) = reply else { panic!("admitted") };
    let mut prompt = digest_auth::parse(&challenge).unwrap();
    let context = digest_auth::AuthContext::new_post("admin", "secret", "/a", Option::<&[u8]>::None);
    prompt.respond(&context).unwrap().to_string()
}

#[test]
#[should_panic(expected = "nonce count 1 after 1")]
fn the_gateway_notices_a_nonce_count_that_is_used_twice() {
    let mut server = Server::new("secret", Policy::ENDLESS);
    let authorization = first_authorization(&mut server);
    let request = request("POST", Some(&authorization));
    assert_eq!(server.receive(request, Duration::ZERO), Reply::Admitted);
    let _ = server.receive(request, Duration::ZERO);
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn the_gateway_notices_a_wrong_response() {
    let mut server = Server::new("secret", Policy::ENDLESS);
    let authorization = first_authorization(&mut server);
    let _ = server.receive(request("GET", Some(&authorization)), Duration::ZERO);
}
