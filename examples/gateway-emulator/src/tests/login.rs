//! Logins, nonces and lock-outs.

use std::time::Duration;

use tokio::time::advance;

use crate::{
    Auth, Counted, Emulator, LockedOut, NonceCount, NonceLife, Options, Quirks, Restart, Stale,
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

fn stale(raw: &Raw) -> bool {
    raw.header("www-authenticate").unwrap().ends_with(", stale=true")
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

#[tokio::test]
async fn every_part_of_a_login_is_checked() {
    let (gateway, mut client) = start(Options::default()).await;
    let good = challenged(&mut client).await;
    let wrong = [
        Login { user: "root", ..good.clone() },
        Login { password: "Admin", ..good.clone() },
        Login { realm: "web server", ..good.clone() },
        Login { qop: "auth-int", ..good.clone() },
        Login { cnonce: "", ..good.clone() },
        Login { opaque: "0".into(), ..good.clone() },
    ];
    for login in &wrong {
        let answer = try_with(&mut client, login).await;
        assert_eq!((answer.status(), stale(&answer)), (401, false));
    }
    let elsewhere = client.request("GET", TARGET, &good.line("GET", "/api/stop_sms"), "").await.unwrap();
    let otherwise = client.request("GET", TARGET, &good.line("POST", TARGET), "").await.unwrap();
    let basic = client.request("GET", TARGET, "Authorization: Basic YWRtaW46YWRtaW4=\r\n", "").await.unwrap();
    assert_eq!([elsewhere.status(), otherwise.status(), basic.status()], [401; 3]);
    assert_eq!(gateway.counts().refused, 9);
    assert_eq!(try_with(&mut client, &good).await.status(), 200);
}

#[tokio::test]
async fn the_hash_covers_the_query_as_it_was_sent() {
    let (_gateway, mut client) = start(Options::default()).await;
    let mut login = challenged(&mut client).await;
    let target = "/api/query_ussd_reply?port=1,2%2C3";
    let line = login.line("GET", target);
    assert_eq!(client.request("GET", target, &line, "").await.unwrap().status(), 200);
    login.nc = 2;
    let line = login.line("GET", "/api/query_ussd_reply?port=1%2C2%2C3");
    assert_eq!(client.request("GET", target, &line, "").await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_nonce_count_grows() {
    for (counting, second) in [(NonceCount::Growing, 200), (NonceCount::InOrder, 401)] {
        let (_gateway, mut client) = start(Options { nonce_count: counting, ..Options::default() }).await;
        let mut login = challenged(&mut client).await;
        assert_eq!(try_with(&mut client, &login).await.status(), 200);
        let again = try_with(&mut client, &login).await;
        assert_eq!((again.status(), stale(&again)), (401, true));
        login.nc = 3;
        assert_eq!(try_with(&mut client, &login).await.status(), second);
    }
}

#[tokio::test(start_paused = true)]
async fn nonces_expire() {
    let life = NonceLife::Lasting(Duration::from_secs(1));
    for (says, truthful) in [(Stale::Truthful, true), (Stale::AlwaysFalse, false)] {
        let (gateway, mut client) = start(Options { nonce: life, stale: says, ..Options::default() }).await;
        let mut login = challenged(&mut client).await;
        advance(Duration::from_millis(999)).await;
        assert_eq!(try_with(&mut client, &login).await.status(), 200);
        advance(Duration::from_millis(1)).await;
        login.nc = 2;
        let refusal = try_with(&mut client, &login).await;
        assert_eq!((refusal.status(), stale(&refusal)), (401, truthful));
        assert_eq!((gateway.counts().expired, gateway.counts().expired_unused), (1, 0));
        let login = Login::new(&refusal);
        advance(Duration::from_secs(1)).await;
        let refusal = try_with(&mut client, &login).await;
        assert_eq!(refusal.status(), 401);
        assert_eq!((gateway.counts().expired, gateway.counts().expired_unused), (2, 1));
        assert_eq!(try_with(&mut client, &Login::new(&refusal)).await.status(), 200);
    }
}

#[tokio::test]
async fn a_nonce_for_one_request() {
    let options = Options { nonce: NonceLife::OneRequest, ..Options::default() };
    let (_gateway, mut client) = start(options).await;
    let mut login = challenged(&mut client).await;
    assert_eq!(try_with(&mut client, &login).await.status(), 200);
    login.nc = 2;
    let refusal = try_with(&mut client, &login).await;
    assert_eq!((refusal.status(), stale(&refusal)), (401, true));
}

#[tokio::test]
async fn the_stale_of_a_challenge_follows_the_option() {
    let ragged = Quirks { ragged_challenge: true, ..Quirks::none() };
    for (says, shows) in [
        (Stale::Truthful, "stale=\"FALSE\""),
        (Stale::AlwaysFalse, "stale=\"FALSE\""),
        (Stale::AlwaysTrue, "stale=\"TRUE\""),
        (Stale::Absent, "algorithm=\"MD5\""),
    ] {
        let options = Options { stale: says, quirks: ragged.clone(), ..Options::default() };
        let (_gateway, mut client) = start(options).await;
        let refusal = client.request("GET", TARGET, "", "").await.unwrap();
        assert!(refusal.header("www-authenticate").unwrap().ends_with(shows));
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_in_a_row_lock_out() {
    let options =
        Options { lock_out_after: Some(3), lock_out_for: Duration::from_secs(60), ..Options::default() };
    let (gateway, mut client) = start(options).await;
    let good = challenged(&mut client).await;
    let bad = Login { password: "guess", ..good.clone() };
    for login in [&bad, &bad, &good, &bad, &bad, &bad] {
        assert_eq!(
            try_with(&mut client, login).await.status(),
            if login.password == "guess" { 401 } else { 200 }
        );
    }
    let good = Login { nc: 2, ..good };
    advance(Duration::from_millis(59_999)).await;
    let refusal = try_with(&mut client, &good).await;
    assert_eq!((refusal.status(), refusal.body.as_str()), (403, "forbid to try again"));
    advance(Duration::from_millis(1)).await;
    assert_eq!(try_with(&mut client, &good).await.status(), 200);
    let counts = gateway.counts();
    assert_eq!((counts.refused, counts.lock_outs, counts.turned_away), (5, 1, 1));
}

#[tokio::test]
async fn a_lock_out_can_have_a_page() {
    let options = Options {
        lock_out_after: Some(1),
        counted: Counted::EveryRefusal,
        locked_out: LockedOut::ForbiddenPage,
        ..Options::default()
    };
    let (_gateway, mut client) = start(options).await;
    challenged(&mut client).await;
    let refusal = client.request("GET", TARGET, "", "").await.unwrap();
    assert_eq!((refusal.status(), refusal.header("content-type")), (403, Some("text/html")));
    assert!(refusal.body.contains("<h1>Forbidden</h1>"), "{}", refusal.body);
}

#[tokio::test]
async fn which_refusals_count() {
    // For each rule: whether a request with no login, with an old nonce, and with a wrong password locks out the address.
    for (counted, locked) in [
        (Counted::WrongLogin, [false, false, true]),
        (Counted::AnyLogin, [false, true, true]),
        (Counted::EveryRefusal, [true, true, true]),
    ] {
        for (kind, locked) in locked.into_iter().enumerate() {
            let options = Options {
                lock_out_after: Some(1),
                counted,
                locked_out: LockedOut::Dropped,
                ..Options::default()
            };
            let (gateway, mut client) = start(Options { lock_out_after: None, ..options.clone() }).await;
            let login = challenged(&mut client).await;
            drop(gateway);
            let (gateway, mut client) = start(options).await;
            // The same seed gives the same opaque value, but this gateway has never issued the nonce.
            let line = match kind {
                0 => String::new(),
                1 => login.line("GET", TARGET),
                _ => Login { password: "guess", ..login }.line("GET", TARGET),
            };
            assert_eq!(client.request("GET", TARGET, &line, "").await.unwrap().status(), 401);
            assert_eq!(gateway.counts().lock_outs, u64::from(locked), "{counted:?} {kind}");
            assert_eq!(client.request("GET", TARGET, "", "").await.is_err(), locked);
        }
    }
}

#[tokio::test]
async fn basic_and_none() {
    let (_gateway, mut client) = start(Options { auth: Auth::Basic, ..Options::default() }).await;
    let refusal = client.request("GET", TARGET, "", "").await.unwrap();
    assert_eq!(refusal.header("www-authenticate"), Some("Basic realm=\"Web Server\""));
    for (token, status) in [("YWRtaW46YWRtaW4=", 200), ("YWRtaW46YWRtaW4", 401)] {
        let line = format!("Authorization: Basic {token}\r\n");
        assert_eq!(client.request("GET", TARGET, &line, "").await.unwrap().status(), status);
    }
    let (_gateway, mut client) = start(Options { auth: Auth::None, ..Options::default() }).await;
    assert_eq!(client.request("GET", TARGET, "", "").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_restart_forgets_nonces_and_a_password_can_change() {
    let (gateway, mut client) = start(Options::default()).await;
    let login = challenged(&mut client).await;
    gateway.restart(Restart::default());
    assert_eq!(client.remaining().await, "");
    let mut client = Client::connect(&gateway).await;
    let refusal = try_with(&mut client, &login).await;
    assert_eq!((refusal.status(), stale(&refusal)), (401, true));
    gateway.set_password("new");
    let login = Login { password: "new", ..Login::new(&refusal) };
    assert_eq!(try_with(&mut client, &login).await.status(), 200);
}
