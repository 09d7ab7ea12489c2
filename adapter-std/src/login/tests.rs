use super::*;

fn login() -> Login {
    Login::new(Some(Account { username: "u".to_owned(), password: "p".to_owned() }), false)
}

fn digest(nonce: &str) -> [String; 1] {
    [format!(r#"Digest realm="r", nonce="{nonce}", qop="auth""#)]
}

fn challenged(login: &mut Login, nonce: &str, now: Instant) {
    login.challenged(digest(nonce).iter().map(String::as_str), now).unwrap();
}

fn refused(login: &mut Login, nonce: &str, now: Instant) -> Result<(), Error> {
    login.refused(digest(nonce).iter().map(String::as_str), now)
}

/// The nonce that the next request carries; `None`: a probe comes first.
fn sent(login: &mut Login, now: Instant) -> Option<String> {
    match login.prepare("GET", "/", now).unwrap() {
        Step::Authorized(header) => Some(header.to_str().unwrap().split('"').nth(5).unwrap().to_owned()),
        Step::Probe => None,
        Step::Plain => panic!("no login"),
    }
}

/// As [`sent`], and the request is let in.
fn used(login: &mut Login, now: Instant) -> Option<String> {
    let nonce = sent(login, now);
    login.accepted();
    nonce
}

#[test]
fn a_fresh_nonce_refused_is_a_wrong_password_when_the_gateway_keeps_it() {
    let now = Instant::now();
    let mut login = login();
    challenged(&mut login, "a", now);
    assert_eq!(sent(&mut login, now).as_deref(), Some("a"));
    assert!(matches!(refused(&mut login, "a", now), Err(Error::LoginRefused)));
    assert!(matches!(login.prepare("GET", "/", now), Err(Error::LoginRefused)));
}

#[test]
fn a_nonce_that_changed_under_way_is_told_by_a_probe() {
    let now = Instant::now();
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
    let now = Instant::now();
    let mut login = login();
    challenged(&mut login, "a", now);
    sent(&mut login, now);
    refused(&mut login, "b", now).unwrap();
    // Probes that are lost, or whose callers went away, change nothing.
    assert_eq!(sent(&mut login, now), None);
    assert_eq!(sent(&mut login, now), None);
    let other = digest("c");
    let told = login.challenged(other.iter().map(String::as_str), now);
    assert!(matches!(told, Err(Error::LoginRefused)));
    assert!(matches!(login.prepare("GET", "/", now), Err(Error::LoginRefused)));
}

#[test]
fn stale_is_believed_of_a_nonce_that_may_have_expired_and_only_once() {
    let start = Instant::now();
    let stale = |nonce: &str| [format!(r#"Digest realm="r", nonce="{nonce}", qop="auth", stale=TRUE"#)];
    let refused = |login: &mut Login, nonce: &str, now| {
        login.refused(stale(nonce).iter().map(String::as_str), now).unwrap();
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
    let now = Instant::now();
    let mut login = login();
    challenged(&mut login, "a", now);
    used(&mut login, now);
    sent(&mut login, now);
    assert!(matches!(login.refused([], now), Err(Error::Challenge(_))));
    assert_eq!(sent(&mut login, now), None);
}

#[test]
fn a_nonce_is_renewed_when_it_is_as_old_as_the_last_one_got_and_not_before() {
    let start = Instant::now();
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
    let now = Instant::now();
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
    let now = Instant::now();
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
    let now = Instant::now();
    let mut login = login();
    challenged(&mut login, "a", now);
    sent(&mut login, now);
    assert_eq!(sent(&mut login, now), None);
    challenged(&mut login, "a", now);
    let Step::Authorized(header) = login.prepare("GET", "/", now).unwrap() else { panic!("no login") };
    assert!(header.to_str().unwrap().contains("nc=00000002"), "{header:?}");
    assert!(matches!(refused(&mut login, "a", now), Err(Error::LoginRefused)), "it was good");
}

#[test]
fn a_nonce_that_is_offered_again_has_not_reached_its_limit() {
    let now = Instant::now();
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
