//! Logins, nonces and lock-outs.

use std::time::Duration;

use tokio::time::advance;

use crate::{
    Auth, Counted, Emulator, LockedOut, NonceCount, NonceLife, Options, Quirks, Stale,
    test_client::{Client, Login, Raw},
};

const TARGET: &str = "/api/query_sms_in_queue";

async fn start(options: Options) -> (Emulator, Client) {
    let gateway = Emulator::start(options).await.unwrap();
    let client = Client::connect(&gateway).await;
    (gateway, client)
}

async fn challenged(client: &mut Client) -> Login {
    let refusal = client.request("GET", TARGET, "", "").await.unwrap();
    assert_eq!(refusal.status(), 401);
    Login::new(&refusal)
}

async fn try_with(client: &mut Client, login: &Login) -> Raw {
    client.request("GET", TARGET, &login.line("GET", TARGET), "").await.unwrap()
}

#[tokio::test]
async fn a_challenge_is_answered_on_the_same_connection() {
    let (gateway, mut client) = start(Options::default()).await;
    let mut login = challenged(&mut client).await;
    for nc in [1, 2, 3, 9] {
        login.nc = nc;
        assert_eq!(try_with(&mut client, &login).await.body, r#"{"error_code":200,"in_queue":0}"#);
    }
    let counts = gateway.counts();
    assert_eq!((counts.connections, counts.requests, counts.challenged, counts.refused), (1, 5, 1, 0));
    assert_eq!(counts.calls.get("query_sms_in_queue"), Some(&4));
}
