use super::{kept::RENEWALS_BEFORE_A_TRIAL, *};
use crate::http::challenge;
use std::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

const ME: Credentials<'_> = Credentials::new("u", "p");

/// A login and its time.
struct Client {
    login: Login<Vec<u8>>,
    now: Duration,
}

fn digest(nonce: &str) -> String {
    format!(r#"Digest realm="r", nonce="{nonce}", qop="auth""#)
}

fn stale(nonce: &str) -> String {
    digest(nonce) + ", stale=TRUE"
}

impl Client {
    fn new() -> Self {
        Self { login: Login::new([0; 96].to_vec()), now: Duration::ZERO }
    }

    /// One that was challenged with this nonce.
    fn with(nonce: &str) -> Self {
        let mut client = Self::new();
        client.challenged(nonce);
        client
    }

    /// One whose nonce `a` was refused, and `b` offered: after this many requests that were let in.
    fn refused_after(accepted: u32) -> Self {
        let mut client = Self::with("a");
        for _ in 0..accepted {
            client.used();
        }
        client.sent();
        client.refused(&digest("b")).unwrap();
        client
    }

    fn at(&mut self, millis: u64) -> &mut Self {
        self.now = Duration::from_millis(millis);
        self
    }

    fn told(&mut self, challenge: &str) -> Result<(), LoginDenied> {
        self.login.challenged(challenge::best([challenge]), Some(&ME), 1, self.now)
    }

    fn challenged(&mut self, nonce: &str) {
        self.told(&digest(nonce)).unwrap();
    }

    fn refused(&mut self, challenge: &str) -> Result<(), LoginDenied> {
        self.login.refused(challenge::best([challenge]), Some(&ME), 2, self.now)
    }

    fn prepared(&mut self) -> Result<Option<String>, LoginDenied> {
        let mut out = [0; 300];
        match self.login.prepare(Some(&ME), "GET", "/", self.now, &mut out)? {
            Step::Authorized(header) => Ok(Some(header.to_owned())),
            Step::Probe => Ok(None),
            Step::Plain => panic!("no login"),
        }
    }

    /// The nonce that the next request carries; `None`: a probe comes first.
    fn sent(&mut self) -> Option<String> {
        Some(self.prepared().unwrap()?.split('"').nth(5).unwrap().to_owned())
    }

    /// As [`sent`](Self::sent), and the request is let in.
    fn used(&mut self) -> Option<String> {
        let nonce = self.sent();
        self.login.accepted();
        nonce
    }
}

#[test]
fn a_fresh_nonce_refused_is_a_wrong_password_when_the_gateway_keeps_it() {
    let mut client = Client::with("a");
    assert_eq!(client.sent().as_deref(), Some("a"));
    assert_eq!(client.refused(&digest("a")), Err(LoginDenied::Refused));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn a_nonce_that_changed_under_way_is_told_by_a_probe() {
    let mut client = Client::refused_after(0);
    assert_eq!(client.sent(), None);
    client.challenged("b");
    assert_eq!(client.sent().as_deref(), Some("b"));
}

#[test]
fn nothing_is_tried_until_the_probe_has_told() {
    let mut client = Client::refused_after(0);
    // Probes that are lost, or whose callers went away, change nothing.
    assert_eq!(client.sent(), None);
    assert_eq!(client.sent(), None);
    assert_eq!(client.told(&digest("c")), Err(LoginDenied::Refused));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn stale_is_believed_of_a_nonce_that_may_have_expired_and_only_once() {
    for (after, believed) in [(999, false), (1000, true)] {
        let mut client = Client::with("a");
        client.sent();
        client.at(after).refused(&stale("b")).unwrap();
        assert_eq!(client.sent().is_some(), believed);
    }
    // The nonce may be as old as the question for it, however late the answer came.
    for (asked, believed) in [(1, false), (0, true)] {
        let mut client = Client::new();
        assert_eq!(client.at(asked).sent(), None);
        client.at(1000).challenged("a");
        client.sent();
        client.refused(&stale("b")).unwrap();
        assert_eq!(client.sent().is_some(), believed);
    }
    let mut client = Client::with("a");
    client.sent();
    client.at(1000).refused(&stale("b")).unwrap();
    client.sent();
    client.at(2000).refused(&stale("c")).unwrap();
    assert_eq!(client.sent(), None);
}

#[test]
fn a_gateway_without_its_wits_does_not_make_the_password_wrong() {
    let mut client = Client::with("a");
    client.used();
    client.sent();
    assert!(matches!(
        client.login.refused(Err(ChallengeError::NONE), Some(&ME), 2, client.now),
        Err(LoginDenied::Challenge(_))
    ));
    assert_eq!(client.sent(), None);
}

#[test]
fn a_nonce_is_renewed_when_it_is_as_old_as_the_last_one_got_and_not_before() {
    let mut client = Client::with("a");
    for use_at in [0, 400, 800] {
        client.at(use_at).used();
    }
    client.at(1200).sent();
    client.refused(&digest("b")).unwrap();
    assert_eq!(client.used().as_deref(), Some("b"));
    assert_eq!(client.at(2300).used().as_deref(), Some("b"));
    assert_eq!(client.at(2400).sent(), None, "1.2 s old");
}

#[test]
fn a_limit_that_was_mistaken_is_tried_again() {
    let mut client = Client::refused_after(1);
    let mut probes = 0;
    for number in 0..1000 {
        if client.sent().is_none() {
            probes += 1;
            client.challenged(&format!("c{number}"));
            client.sent();
        }
        client.login.accepted();
    }
    assert_eq!(probes, u32::from(RENEWALS_BEFORE_A_TRIAL) - 1, "from then on the nonce is kept");
}

#[test]
fn a_fresh_nonce_whose_request_was_not_answered_is_not_used_again() {
    let mut client = Client::with("a");
    client.sent();
    assert_eq!(client.sent(), None, "it may be used up");
    client.challenged("b");
    assert_eq!(client.used().as_deref(), Some("b"));
    // Refused, this one is merely over.
    client.sent();
    assert_eq!(client.sent().as_deref(), Some("b"));
}

#[test]
fn a_nonce_that_is_offered_again_counts_on() {
    let mut client = Client::with("a");
    client.sent();
    assert_eq!(client.sent(), None);
    client.challenged("a");
    let header = client.prepared().unwrap().expect("a login");
    assert!(header.contains("nc=00000002"), "{header:?}");
    assert_eq!(client.refused(&digest("a")), Err(LoginDenied::Refused), "it was good");
}

#[test]
fn new_credentials_continue_the_count_of_a_nonce_that_is_offered_again() {
    let mut client = Client::with("a");
    client.sent();
    client.login.reset();
    assert_eq!(client.sent(), None);
    client.challenged("a");
    let header = client.prepared().unwrap().expect("a login");
    assert!(header.contains("nc=00000002"), "{header:?}");
}

#[test]
fn a_nonce_that_is_offered_again_has_not_reached_its_limit() {
    let mut client = Client::refused_after(1);
    client.used();
    assert_eq!(client.sent(), None, "used once, as the last one was");
    client.challenged("b");
    for _ in 0..5 {
        assert_eq!(client.used().as_deref(), Some("b"));
    }
}

#[test]
fn without_credentials_nothing_is_tried_and_basic_only_if_allowed() {
    let mut client = Client::new();
    let now = client.now;
    assert_eq!(client.login.prepare(None, "GET", "/", now, &mut []), Ok(Step::Plain));
    assert_eq!(
        client.login.challenged(challenge::best(["Basic realm=r"]), None, 0, now),
        Err(LoginDenied::NoCredentials)
    );
    assert_eq!(client.told("Basic realm=r"), Err(LoginDenied::BasicNotAllowed));
    client.login.allow_basic(true);
    client.told("Basic realm=r").unwrap();
    assert_eq!(client.prepared().unwrap().as_deref(), Some("Basic dTpw"));
    assert_eq!(client.refused("Basic realm=r"), Err(LoginDenied::Refused));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
    client.login.reset();
    assert_eq!(client.prepared(), Ok(None));
    client.login.open();
    assert_eq!(client.login.prepare(Some(&ME), "GET", "/", now, &mut []), Ok(Step::Plain));
}

#[test]
fn a_refusal_is_not_answered_without_credentials() {
    let mut client = Client::with("a");
    client.used();
    let told = client.login.refused(challenge::best([digest("b").as_str()]), None, 2, client.now);
    assert_eq!(told, Err(LoginDenied::NoCredentials));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn each_challenge_has_a_client_nonce_of_its_own() {
    let mut client = Client::new();
    for entropy in [0, 0x0123_4567_89ab_cdef, u64::MAX] {
        client.login.reset();
        client
            .login
            .challenged(challenge::best([digest("a").as_str()]), Some(&ME), entropy, client.now)
            .unwrap();
        for _ in 0..2 {
            let header = client.prepared().unwrap().unwrap();
            assert!(header.contains(&format!(r#"cnonce="{entropy:016x}""#)), "{header}");
            client.login.accepted();
        }
    }
}

#[test]
fn the_answers_are_those_of_the_standard() {
    let value = r#"Digest realm="testrealm@host.com", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", algorithm=MD5-sess"#;
    let credentials = Credentials::new("Mufasa", "Circle Of Life");
    let mut login = Login::new([0; 256]);
    let (uri, now) = ("/dir/index.html", Duration::ZERO);
    login.challenged(challenge::best([value]), Some(&credentials), 7, now).unwrap();
    let Scheme::Digest(challenge) = challenge::best([value]).unwrap() else { panic!("Basic") };
    for nc in 1..4 {
        let (mut one, mut two) = ([0; 400], [0; 400]);
        let step = login.prepare(Some(&credentials), "GET", uri, now, &mut one);
        let cnonce = "0000000000000007";
        let expected =
            crate::http::digest::authorization(&challenge, &credentials, "GET", uri, nc, cnonce, &mut two);
        assert_eq!(step, Ok(Step::Authorized(expected.unwrap())));
        login.accepted();
    }
}

#[test]
fn a_header_that_does_not_fit_costs_no_nonce_count() {
    let mut client = Client::with("a");
    let small = client.login.prepare(Some(&ME), "GET", "/", client.now, &mut [0; 20]).map(|_| ());
    let Err(LoginDenied::Unwritable(LoginError::TooSmall(error))) = small else { panic!("{small:?}") };
    let header = client.prepared().unwrap().unwrap();
    assert_eq!(error.needed, header.len());
    assert!(header.contains("nc=00000001"), "{header}");
}

/// Told again with the buffer that it takes, a challenge is as good as one that fitted at once.
fn fits_at_second(client: &mut Client, told: impl Fn(&mut Client) -> Result<(), LoginDenied>) {
    let Err(LoginDenied::TooSmall(TooSmall { needed })) = told(client) else { panic!("too long") };
    client.login.buffer_mut().resize(needed - 1, 0);
    assert_eq!(told(client), Err(LoginDenied::TooSmall(TooSmall { needed })));
    client.login.buffer_mut().resize(needed, 0);
    assert_eq!(told(client), Ok(()));
}

#[test]
fn a_challenge_that_does_not_fit_can_be_told_again() {
    let realm = format!(r#"realm="{}""#, "r".repeat(100));
    let long = |nonce: &str| digest(nonce).replace(r#"realm="r""#, &realm);
    let mut unanswered = Client::with("a");
    unanswered.sent();
    // The first, one that is offered again, and the one that decides about a doubt.
    for (mut client, nonce, count) in
        [(Client::new(), "a", 1), (unanswered, "a", 2), (Client::refused_after(0), "b", 1)]
    {
        fits_at_second(&mut client, |client| client.told(&long(nonce)));
        let header = client.prepared().unwrap().expect("a login");
        for part in [&realm, &format!(r#" nonce="{nonce}""#), &format!("nc={count:08}")] {
            assert!(header.contains(part), "{header}");
        }
    }
    // The successor of one that is over.
    let mut client = Client::with("a");
    client.used();
    client.sent();
    fits_at_second(&mut client, |client| client.refused(&long("b")));
    assert_eq!(client.used().as_deref(), Some("b"));
    assert_eq!(client.sent(), None, "used once, as the last one was");
    // What comes of a fresh one that is refused.
    let mut client = Client::with("a");
    client.sent();
    fits_at_second(&mut client, |client| client.refused(&long("b")));
    assert_eq!(client.sent(), None);
    assert_eq!(client.told(&digest("c")), Err(LoginDenied::Refused));
}

#[test]
fn a_refusal_that_does_not_fit_is_taken_for_a_wrong_password() {
    let mut client = Client::with("a");
    client.used();
    let tried = client.refused(&digest(&"n".repeat(60)));
    assert!(matches!(tried, Err(LoginDenied::TooSmall(_))));
    // Nothing is tried on a guess.
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
    client.login.reset();
    assert_eq!(client.prepared(), Ok(None));
}

#[test]
fn a_name_that_no_header_can_carry_is_told_before_it_is_sent() {
    let mut client = Client::new();
    let me = Credentials::new("u\r\n", "p");
    let told = client.login.challenged(challenge::best([digest("a").as_str()]), Some(&me), 1, client.now);
    assert_eq!(told, Err(LoginDenied::Unwritable(LoginError::Control { field: "username" })));
    assert_eq!(client.prepared(), Ok(None));
}

#[test]
fn nothing_shows_the_password_and_errors_speak() {
    let client = Client::with("a");
    assert_eq!(format!("{:?}", client.login), "Login { basic_allowed: false, .. }");
    assert_eq!(LoginDenied::Refused.to_string(), "the gateway refused the user name or password");
    let error = LoginDenied::TooSmall(TooSmall { needed: 9 });
    assert_eq!(
        error.to_string(),
        "the login challenge can't be kept: the lent buffer is too small: 9 bytes are needed"
    );
}

#[test]
fn a_nonce_offered_again_after_an_open_time_keeps_its_count() {
    let count = |header: Option<String>| header.unwrap().split("nc=").nth(1).unwrap()[..8].to_owned();
    let mut client = Client::with("a");
    assert_eq!(count(client.prepared().unwrap()), "00000001");
    // The response is lost, the gateway admits requests without a login for a while, and then wants one again.
    client.login.open();
    client.challenged("a");
    assert_eq!(count(client.prepared().unwrap()), "00000002");
    client.login.open();
    client.challenged("b");
    assert_eq!(count(client.prepared().unwrap()), "00000001");
}
