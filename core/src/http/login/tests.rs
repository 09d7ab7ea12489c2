use super::{kept::RENEWALS_BEFORE_A_TRIAL, *};
use crate::http::challenge;
use std::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

const ME: Credentials<'_> = Credentials::new("u", "p");

/// A login together with its clock.
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

    /// Creates a client that was challenged with this nonce.
    fn with(nonce: &str) -> Self {
        let mut client = Self::new();
        client.challenged(nonce);
        client
    }

    /// Creates a client whose nonce `a` was accepted this many times, and then refused with the challenge `b`.
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

    fn challenged_with(&mut self, challenge: &str) -> Result<(), LoginDenied> {
        self.login.challenged(challenge::best([challenge]), Some(&ME), 1, self.now)
    }

    fn challenged(&mut self, nonce: &str) {
        self.challenged_with(&digest(nonce)).unwrap();
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

    /// Returns the nonce of the next request, or `None` if a probe is needed first.
    fn sent(&mut self) -> Option<String> {
        Some(self.prepared().unwrap()?.split('"').nth(5).unwrap().to_owned())
    }

    /// Like [`sent`](Self::sent), but the request is accepted.
    fn used(&mut self) -> Option<String> {
        let nonce = self.sent();
        self.login.accepted();
        nonce
    }
}

#[test]
fn refusal_of_a_fresh_nonce_that_is_offered_again_means_a_wrong_password() {
    let mut client = Client::with("a");
    assert_eq!(client.sent().as_deref(), Some("a"));
    assert_eq!(client.refused(&digest("a")), Err(LoginDenied::Refused));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn probe_detects_a_nonce_that_changed_before_its_use() {
    let mut client = Client::refused_after(0);
    assert_eq!(client.sent(), None);
    client.challenged("b");
    assert_eq!(client.sent().as_deref(), Some("b"));
}

#[test]
fn nothing_is_sent_until_the_probe_gets_a_response() {
    let mut client = Client::refused_after(0);
    // Probes that get no response, for example because their caller was dropped, change nothing.
    assert_eq!(client.sent(), None);
    assert_eq!(client.sent(), None);
    assert_eq!(client.challenged_with(&digest("c")), Err(LoginDenied::Refused));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn stale_is_believed_once_and_only_if_the_nonce_can_have_expired() {
    for (after, believed) in [(999, false), (1000, true)] {
        let mut client = Client::with("a");
        client.sent();
        client.at(after).refused(&stale("b")).unwrap();
        assert_eq!(client.sent().is_some(), believed);
    }
    // The age of the nonce counts from the request for it, not from the response.
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
fn refusal_without_a_challenge_does_not_invalidate_a_proven_password() {
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
fn nonce_is_renewed_at_the_age_at_which_the_last_one_expired() {
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
fn learned_limit_is_tested_after_some_renewals() {
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
    assert_eq!(probes, u32::from(RENEWALS_BEFORE_A_TRIAL) - 1, "after that the nonce is kept");
}

#[test]
fn fresh_nonce_is_not_reused_after_a_lost_response() {
    let mut client = Client::with("a");
    client.sent();
    assert_eq!(client.sent(), None, "the nonce may be used up");
    client.challenged("b");
    assert_eq!(client.used().as_deref(), Some("b"));
    // This nonce was accepted before, so it is used again after a lost response: a refusal would only show that it has expired.
    client.sent();
    assert_eq!(client.sent().as_deref(), Some("b"));
}

#[test]
fn count_continues_for_a_nonce_that_is_offered_again() {
    let mut client = Client::with("a");
    client.sent();
    assert_eq!(client.sent(), None);
    client.challenged("a");
    let header = client.prepared().unwrap().expect("a login");
    assert!(header.contains("nc=00000002"), "{header:?}");
    assert_eq!(client.refused(&digest("a")), Err(LoginDenied::Refused), "the nonce was valid");
}

#[test]
fn count_continues_after_new_credentials_for_a_nonce_that_is_offered_again() {
    let mut client = Client::with("a");
    client.sent();
    client.login.reset();
    assert_eq!(client.sent(), None);
    client.challenged("a");
    let header = client.prepared().unwrap().expect("a login");
    assert!(header.contains("nc=00000002"), "{header:?}");
}

#[test]
fn nonce_that_is_repeated_after_a_restart_of_the_gateway_is_used_once_more() {
    let mut client = Client::with("a");
    client.used();
    client.used();
    client.sent();
    client.refused(&digest("a")).unwrap();
    let header = client.prepared().unwrap().expect("a login");
    assert!(header.contains("nonce=\"a\"") && header.contains("nc=00000004"), "{header:?}");
    assert_eq!(client.refused(&digest("a")), Err(LoginDenied::Refused), "now the password is wrong");
}

#[test]
fn nonce_that_is_offered_again_is_not_over() {
    let mut client = Client::refused_after(1);
    client.used();
    assert_eq!(client.sent(), None, "used as often as the last nonce");
    client.challenged("b");
    for _ in 0..5 {
        assert_eq!(client.used().as_deref(), Some("b"));
    }
}

#[test]
fn missing_credentials_and_disallowed_basic_are_denied() {
    let mut client = Client::new();
    let now = client.now;
    assert_eq!(client.login.prepare(None, "GET", "/", now, &mut []), Ok(Step::Plain));
    assert_eq!(
        client.login.challenged(challenge::best(["Basic realm=r"]), None, 0, now),
        Err(LoginDenied::NoCredentials)
    );
    assert_eq!(client.challenged_with("Basic realm=r"), Err(LoginDenied::BasicNotAllowed));
    client.login.allow_basic(true);
    client.challenged_with("Basic realm=r").unwrap();
    assert_eq!(client.prepared().unwrap().as_deref(), Some("Basic dTpw"));
    assert_eq!(client.refused("Basic realm=r"), Err(LoginDenied::Refused));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
    client.login.reset();
    assert_eq!(client.prepared(), Ok(None));
    client.login.open();
    assert_eq!(client.login.prepare(Some(&ME), "GET", "/", now, &mut []), Ok(Step::Plain));
}

#[test]
fn refusal_without_credentials_is_denied() {
    let mut client = Client::with("a");
    client.used();
    let denied = client.login.refused(challenge::best([digest("b").as_str()]), None, 2, client.now);
    assert_eq!(denied, Err(LoginDenied::NoCredentials));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn each_challenge_gets_its_own_client_nonce() {
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
fn headers_equal_the_test_vectors_of_rfc_2617() {
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
fn header_that_does_not_fit_uses_no_nonce_count() {
    let mut client = Client::with("a");
    let small = client.login.prepare(Some(&ME), "GET", "/", client.now, &mut [0; 20]).map(|_| ());
    let Err(LoginDenied::Unwritable(LoginError::TooSmall(error))) = small else { panic!("{small:?}") };
    let header = client.prepared().unwrap().unwrap();
    assert_eq!(error.needed, header.len());
    assert!(header.contains("nc=00000001"), "{header}");
}

/// Reports a challenge until the buffer has the size needed. The last report must succeed as if the challenge had fitted at once.
fn fits_the_second_time(client: &mut Client, report: impl Fn(&mut Client) -> Result<(), LoginDenied>) {
    let Err(LoginDenied::TooSmall(TooSmall { needed })) = report(client) else { panic!("too long") };
    client.login.buffer_mut().resize(needed - 1, 0);
    assert_eq!(report(client), Err(LoginDenied::TooSmall(TooSmall { needed })));
    client.login.buffer_mut().resize(needed, 0);
    assert_eq!(report(client), Ok(()));
}

#[test]
fn challenge_that_does_not_fit_can_be_reported_again() {
    let realm = format!(r#"realm="{}""#, "r".repeat(100));
    let long = |nonce: &str| digest(nonce).replace(r#"realm="r""#, &realm);
    let mut unanswered = Client::with("a");
    unanswered.sent();
    // The first challenge, a nonce that is offered again, and the challenge that decides whether the password is wrong.
    for (mut client, nonce, count) in
        [(Client::new(), "a", 1), (unanswered, "a", 2), (Client::refused_after(0), "b", 1)]
    {
        fits_the_second_time(&mut client, |client| client.challenged_with(&long(nonce)));
        let header = client.prepared().unwrap().expect("a login");
        for part in [&realm, &format!(r#" nonce="{nonce}""#), &format!("nc={count:08}")] {
            assert!(header.contains(part), "{header}");
        }
    }
    // The successor of an expired nonce.
    let mut client = Client::with("a");
    client.used();
    client.sent();
    fits_the_second_time(&mut client, |client| client.refused(&long("b")));
    assert_eq!(client.used().as_deref(), Some("b"));
    assert_eq!(client.sent(), None, "used as often as the last nonce");
    // The challenge after the refusal of a fresh nonce.
    let mut client = Client::with("a");
    client.sent();
    fits_the_second_time(&mut client, |client| client.refused(&long("b")));
    assert_eq!(client.sent(), None);
    assert_eq!(client.challenged_with(&digest("c")), Err(LoginDenied::Refused));
}

#[test]
fn refusal_that_does_not_fit_counts_as_a_wrong_password() {
    let mut client = Client::with("a");
    client.used();
    let tried = client.refused(&digest(&"n".repeat(60)));
    assert!(matches!(tried, Err(LoginDenied::TooSmall(_))));
    // While the challenge is unknown, nothing is sent.
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
    client.login.reset();
    assert_eq!(client.prepared(), Ok(None));
}

#[test]
fn user_name_with_a_control_character_is_rejected_before_sending() {
    let mut client = Client::new();
    let me = Credentials::new("u\r\n", "p");
    let denied = client.login.challenged(challenge::best([digest("a").as_str()]), Some(&me), 1, client.now);
    assert_eq!(denied, Err(LoginDenied::Unwritable(LoginError::Control { field: "username" })));
    assert_eq!(client.prepared(), Ok(None));
}

#[test]
fn debug_hides_the_password_and_errors_have_texts() {
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
fn nonce_offered_again_after_an_open_period_keeps_its_count() {
    let count = |header: Option<String>| header.unwrap().split("nc=").nth(1).unwrap()[..8].to_owned();
    let mut client = Client::with("a");
    assert_eq!(count(client.prepared().unwrap()), "00000001");
    // The response is lost, the gateway admits requests without a login for a while, and then requires one again.
    client.login.open();
    client.challenged("a");
    assert_eq!(count(client.prepared().unwrap()), "00000002");
    client.login.open();
    client.challenged("b");
    assert_eq!(count(client.prepared().unwrap()), "00000001");
}

#[test]
fn refusals_in_a_row_mean_a_wrong_password_although_responses_are_lost_between_them() {
    let mut client = Client::with("0");
    let mut nonce = 0;
    // Each refusal offers a new nonce. The first probe after it gets no response. The response to the second probe offers the same nonce.
    let refusals = (1..=9).find(|_| {
        assert!(client.sent().is_some());
        nonce += 1;
        client.refused(&digest(&nonce.to_string())).is_err() || {
            assert_eq!((client.sent(), client.sent()), (None, None));
            client.challenged(&nonce.to_string());
            false
        }
    });
    assert_eq!(refusals, Some(3));
    assert_eq!(client.prepared(), Err(LoginDenied::Refused));
}

#[test]
fn another_nonce_after_lost_probes_still_means_a_wrong_password() {
    let mut client = Client::with("0");
    client.sent();
    client.refused(&digest("1")).unwrap();
    client.sent();
    assert!(client.login.challenged(Err(ChallengeError::NONE), Some(&ME), 1, client.now).is_err());
    client.sent();
    assert_eq!(client.challenged_with(&digest("2")), Err(LoginDenied::Refused));
}
