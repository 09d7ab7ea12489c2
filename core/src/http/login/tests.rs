use super::{kept::RENEWALS_BEFORE_A_TRIAL, *};
use std::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
};

const ME: Credentials<'_> = Credentials::new("u", "p");

fn login() -> Login<[u8; 64]> {
    Login::new([0; 64])
}

fn digest(nonce: &str) -> [String; 1] {
    [format!(r#"Digest realm="r", nonce="{nonce}", qop="auth""#)]
}

fn told(login: &mut Login<[u8; 64]>, challenges: &[String], now: Duration) -> Result<(), Denial> {
    login.challenged(challenges.iter().map(String::as_str), Some(&ME), 1, now)
}

fn challenged(login: &mut Login<[u8; 64]>, nonce: &str, now: Duration) {
    told(login, &digest(nonce), now).unwrap();
}

fn refused(login: &mut Login<[u8; 64]>, nonce: &str, now: Duration) -> Result<(), Denial> {
    login.refused(digest(nonce).iter().map(String::as_str), 2, now)
}

fn prepared(login: &mut Login<[u8; 64]>, now: Duration) -> Result<Option<String>, Denial> {
    let mut out = [0; 200];
    match login.prepare(Some(&ME), "GET", "/", now, &mut out)? {
        Step::Authorized(header) => Ok(Some(header.to_owned())),
        Step::Probe => Ok(None),
        Step::Plain => panic!("no login"),
    }
}

/// The nonce that the next request carries; `None`: a probe comes first.
fn sent(login: &mut Login<[u8; 64]>, now: Duration) -> Option<String> {
    Some(prepared(login, now).unwrap()?.split('"').nth(5).unwrap().to_owned())
}

/// As [`sent`], and the request is let in.
fn used(login: &mut Login<[u8; 64]>, now: Duration) -> Option<String> {
    let nonce = sent(login, now);
    login.accepted();
    nonce
}

#[test]
fn a_fresh_nonce_refused_is_a_wrong_password_when_the_gateway_keeps_it() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    assert_eq!(sent(&mut login, now).as_deref(), Some("a"));
    assert_eq!(refused(&mut login, "a", now), Err(Denial::Refused));
    assert_eq!(prepared(&mut login, now), Err(Denial::Refused));
}

#[test]
fn a_nonce_that_changed_under_way_is_told_by_a_probe() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    sent(&mut login, now);
    refused(&mut login, "b", now).unwrap();
    assert_eq!(sent(&mut login, now), None);
    challenged(&mut login, "b", now);
    assert_eq!(sent(&mut login, now).as_deref(), Some("b"));
}

#[test]
fn nothing_is_tried_until_the_probe_has_told() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    sent(&mut login, now);
    refused(&mut login, "b", now).unwrap();
    // Probes that are lost, or whose callers went away, change nothing.
    assert_eq!(sent(&mut login, now), None);
    assert_eq!(sent(&mut login, now), None);
    assert_eq!(told(&mut login, &digest("c"), now), Err(Denial::Refused));
    assert_eq!(prepared(&mut login, now), Err(Denial::Refused));
}

#[test]
fn stale_is_believed_of_a_nonce_that_may_have_expired_and_only_once() {
    let start = Duration::ZERO;
    let stale = |nonce: &str| [format!(r#"Digest realm="r", nonce="{nonce}", qop="auth", stale=TRUE"#)];
    let refused = |login: &mut Login<_>, nonce: &str, now| {
        login.refused(stale(nonce).iter().map(String::as_str), 3, now).unwrap();
    };
    for (after, believed) in [(Duration::from_millis(999), false), (BRIEF, true)] {
        let mut login = login();
        challenged(&mut login, "a", start);
        sent(&mut login, start);
        refused(&mut login, "b", start + after);
        assert_eq!(sent(&mut login, start + after).is_some(), believed);
    }
    // The nonce may be as old as the question for it, however late the answer came.
    for (asked, believed) in [(Duration::from_millis(1), false), (Duration::ZERO, true)] {
        let mut login = login();
        assert_eq!(sent(&mut login, start + asked), None);
        challenged(&mut login, "a", start + BRIEF);
        sent(&mut login, start + BRIEF);
        refused(&mut login, "b", start + BRIEF);
        assert_eq!(sent(&mut login, start + BRIEF).is_some(), believed);
    }
    let mut login = login();
    challenged(&mut login, "a", start);
    sent(&mut login, start);
    refused(&mut login, "b", start + BRIEF);
    sent(&mut login, start + BRIEF);
    refused(&mut login, "c", start + 2 * BRIEF);
    assert_eq!(sent(&mut login, start + 2 * BRIEF), None);
}

#[test]
fn a_gateway_without_its_wits_does_not_make_the_password_wrong() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    used(&mut login, now);
    sent(&mut login, now);
    assert!(matches!(login.refused([], 2, now), Err(Denial::Challenge(_))));
    assert_eq!(sent(&mut login, now), None);
}

#[test]
fn a_nonce_is_renewed_when_it_is_as_old_as_the_last_one_got_and_not_before() {
    let start = Duration::ZERO;
    let at = |millis| start + Duration::from_millis(millis);
    let mut login = login();
    challenged(&mut login, "a", at(0));
    for use_at in [0, 400, 800] {
        used(&mut login, at(use_at));
    }
    sent(&mut login, at(1200));
    refused(&mut login, "b", at(1200)).unwrap();
    assert_eq!(used(&mut login, at(1200)).as_deref(), Some("b"));
    assert_eq!(used(&mut login, at(2300)).as_deref(), Some("b"));
    assert_eq!(sent(&mut login, at(2400)), None, "1.2 s old");
}

#[test]
fn a_limit_that_was_mistaken_is_tried_again() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    used(&mut login, now);
    sent(&mut login, now);
    refused(&mut login, "b", now).unwrap();
    let mut probes = 0;
    for number in 0..1000 {
        if sent(&mut login, now).is_none() {
            probes += 1;
            challenged(&mut login, &format!("c{number}"), now);
            sent(&mut login, now);
        }
        login.accepted();
    }
    assert_eq!(probes, u32::from(RENEWALS_BEFORE_A_TRIAL) - 1, "from then on the nonce is kept");
}

#[test]
fn a_fresh_nonce_whose_request_was_not_answered_is_not_used_again() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    sent(&mut login, now);
    assert_eq!(sent(&mut login, now), None, "it may be used up");
    challenged(&mut login, "b", now);
    assert_eq!(used(&mut login, now).as_deref(), Some("b"));
    // Refused, this one is merely over.
    sent(&mut login, now);
    assert_eq!(sent(&mut login, now).as_deref(), Some("b"));
}

#[test]
fn a_nonce_that_is_offered_again_counts_on() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    sent(&mut login, now);
    assert_eq!(sent(&mut login, now), None);
    challenged(&mut login, "a", now);
    let header = prepared(&mut login, now).unwrap().expect("a login");
    assert!(header.contains("nc=00000002"), "{header:?}");
    assert_eq!(refused(&mut login, "a", now), Err(Denial::Refused), "it was good");
}

#[test]
fn a_nonce_that_is_offered_again_has_not_reached_its_limit() {
    let now = Duration::ZERO;
    let mut login = login();
    challenged(&mut login, "a", now);
    used(&mut login, now);
    sent(&mut login, now);
    refused(&mut login, "b", now).unwrap();
    used(&mut login, now);
    assert_eq!(sent(&mut login, now), None, "used once, as the last one was");
    challenged(&mut login, "b", now);
    for _ in 0..5 {
        assert_eq!(used(&mut login, now).as_deref(), Some("b"));
    }
}

#[test]
fn without_credentials_nothing_is_tried_and_basic_only_if_allowed() {
    let now = Duration::ZERO;
    let mut login = login();
    assert_eq!(login.prepare(None, "GET", "/", now, &mut []), Ok(Step::Plain));
    assert_eq!(login.challenged(["Basic realm=r"], None, 0, now), Err(Denial::NoCredentials));
    assert_eq!(login.challenged(["Basic realm=r"], Some(&ME), 0, now), Err(Denial::BasicNotAllowed));
    let mut login = login.allow_basic(true);
    login.challenged(["Basic realm=r"], Some(&ME), 0, now).unwrap();
    assert_eq!(prepared(&mut login, now).unwrap().as_deref(), Some("Basic dTpw"));
    assert_eq!(login.refused(["Basic realm=r"], 0, now), Err(Denial::Refused));
    assert_eq!(prepared(&mut login, now), Err(Denial::Refused));
    login.reset();
    assert_eq!(prepared(&mut login, now), Ok(None));
    login.open();
    assert_eq!(login.prepare(Some(&ME), "GET", "/", now, &mut []), Ok(Step::Plain));
}

#[test]
fn each_challenge_has_a_client_nonce_of_its_own() {
    let now = Duration::ZERO;
    let mut login = login();
    for entropy in [0, 0x0123_4567_89ab_cdef, u64::MAX] {
        login.reset();
        login.challenged(digest("a").iter().map(String::as_str), Some(&ME), entropy, now).unwrap();
        for _ in 0..2 {
            let header = prepared(&mut login, now).unwrap().unwrap();
            assert!(header.contains(&format!(r#"cnonce="{entropy:016x}""#)), "{header}");
            login.accepted();
        }
    }
}

#[test]
fn small_buffers_are_told_the_size_needed_and_cost_no_nonce_count() {
    let now = Duration::ZERO;
    let long = digest(&"n".repeat(60));
    let mut login = login();
    let Err(Denial::TooSmall(error)) = told(&mut login, &long, now) else { panic!("too long") };
    assert_eq!(error.needed, long[0].len());
    assert_eq!(prepared(&mut login, now), Ok(None));
    challenged(&mut login, "a", now);
    let mut out = [0; 20];
    let small = login.prepare(Some(&ME), "GET", "/", now, &mut out);
    let Err(Denial::Unwritable(LoginError::TooSmall(error))) = small else { panic!("{small:?}") };
    let header = prepared(&mut login, now).unwrap().unwrap();
    assert_eq!(error.needed, header.len());
    assert!(header.contains("nc=00000001"), "{header}");
    // A refused nonce whose successor can't be kept is taken for a wrong password: nothing is tried on a guess.
    let tried = login.refused(long.iter().map(String::as_str), 2, now);
    assert!(matches!(tried, Err(Denial::TooSmall(_))));
    assert_eq!(prepared(&mut login, now), Err(Denial::Refused));
}

#[test]
fn nothing_shows_the_password_and_errors_speak() {
    assert_eq!(format!("{:?}", login()), "Login { basic_allowed: false, .. }");
    assert_eq!(Denial::Refused.to_string(), "the gateway refused the user name or password");
    let error = Denial::TooSmall(TooSmall { needed: 9 });
    assert_eq!(
        error.to_string(),
        "the login challenge can't be kept: the lent buffer is too small: 9 bytes are needed"
    );
}
