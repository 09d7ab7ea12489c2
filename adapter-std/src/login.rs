//! The login: which request carries which answer to which challenge, and what a refusal means. No I/O here.
//!
//! Gateways count refused logins and lock the client's address out, so no try is wasted: a challenge is fetched by a
//! request without credentials, kept, and answered with a growing nonce count. A refusal of a nonce that was accepted
//! before says that it has expired, and is retried once. A refusal of a fresh nonce says that the password is wrong,
//! and ends all tries until the credentials change; unless the nonce has expired under way. That is so when a request without
//! credentials is offered the same nonce as the refused one was, as by gateways whose nonce changes every second; and
//! when the gateway says `stale` of a nonce that is not that new any more, which is believed once.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use hyper::header::HeaderValue;
use sms_gateway_core::http::{Challenge, Credentials, LoginError, Scheme, basic, challenge, digest};
use tokio::time::Instant;

use crate::Error;

/// No nonce expires earlier, but with the tick of a clock.
const BRIEF: Duration = Duration::from_secs(1);
/// After so many renewals ahead of time an old nonce is tried again: it may live longer by now.
const RENEWALS_BEFORE_A_TRIAL: u8 = 64;

/// A user name and a password.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// What is known of the gateway's login.
enum State {
    /// Nothing yet.
    Unknown,
    /// It wants none.
    Open,
    /// It wants Basic.
    Basic,
    /// It wants Digest.
    Digest(Kept),
    /// It refused a fresh nonce and offered this one: the next challenge tells whether the first merely expired.
    Doubtful { offered: String },
    /// It refused the credentials.
    Refused,
}

/// A challenge to be answered, and how often it was.
struct Kept {
    /// The challenge alone, as a header value.
    challenge: String,
    nonce: String,
    /// The client's nonce; servers of the `-sess` algorithms may keep the first one.
    cnonce: String,
    /// The nonce count of the last request that carried it; 0: none did.
    count: u32,
    accepted: u32,
    since: Instant,
    /// When the last request with it was sent.
    sent: Instant,
}

/// How long nonces lived before they were refused.
#[derive(Default)]
struct Lifetime {
    uses: Option<u32>,
    age: Option<Duration>,
    renewals: u8,
}

/// What the next request is to carry.
pub(crate) enum Step {
    /// No `Authorization`.
    Plain,
    /// This one.
    Authorized(HeaderValue),
    /// First a request without credentials that changes nothing, for a challenge.
    Probe,
}

pub(crate) struct Login {
    account: Option<Account>,
    basic_allowed: bool,
    state: State,
    lifetime: Lifetime,
    /// A fresh nonce was called stale; it is believed once.
    doubted: bool,
    /// Where an `Authorization` is written.
    buffer: Vec<u8>,
}

impl Login {
    pub(crate) fn new(account: Option<Account>, basic_allowed: bool) -> Self {
        Self {
            account,
            basic_allowed,
            state: State::Unknown,
            lifetime: Lifetime::default(),
            doubted: false,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn set_account(&mut self, account: Option<Account>) {
        *self = Self { buffer: std::mem::take(&mut self.buffer), ..Self::new(account, self.basic_allowed) };
    }

    /// What a request is to carry.
    pub(crate) fn prepare(&mut self, method: &str, uri: &str, now: Instant) -> Result<Step, Error> {
        let Some(account) = &self.account else { return Ok(Step::Plain) };
        let credentials = Credentials::new(&account.username, &account.password);
        match &mut self.state {
            State::Refused => Err(Error::LoginRefused),
            State::Unknown | State::Doubtful { .. } => Ok(Step::Probe),
            State::Open => Ok(Step::Plain),
            State::Basic => authorized(&mut self.buffer, |out| basic::authorization(&credentials, out)),
            State::Digest(kept) if self.lifetime.is_over(kept, now) => Ok(Step::Probe),
            State::Digest(kept) => {
                kept.count = kept.count.saturating_add(1);
                kept.sent = now;
                let Ok(Scheme::Digest(challenge)) = challenge::best([kept.challenge.as_str()]) else {
                    self.state = State::Unknown;
                    return Ok(Step::Probe);
                };
                let Kept { count, cnonce, .. } = kept;
                authorized(&mut self.buffer, |out| {
                    digest::authorization(&challenge, &credentials, method, uri, *count, cnonce, out)
                })
            }
        }
    }

    /// The request with [`Step::Authorized`] was let in.
    pub(crate) fn accepted(&mut self) {
        if let State::Digest(kept) = &mut self.state {
            kept.accepted = kept.accepted.saturating_add(1);
            self.doubted = false;
            self.lifetime.lived(kept);
        }
    }

    /// A request without credentials was let in.
    pub(crate) fn open(&mut self) {
        self.state = State::Open;
    }

    /// A request without credentials was answered with these challenges.
    pub(crate) fn challenged<'a>(
        &mut self,
        challenges: impl IntoIterator<Item = &'a str>,
        now: Instant,
    ) -> Result<(), Error> {
        if self.account.is_none() {
            return Err(Error::NoCredentials);
        }
        let new = match challenge::best(challenges).map_err(Error::Challenge)? {
            Scheme::Digest(challenge) => State::Digest(Kept::new(&challenge, now)?),
            Scheme::Basic { .. } if self.basic_allowed => State::Basic,
            Scheme::Basic { .. } => return Err(Error::BasicNotAllowed),
        };
        if let (State::Doubtful { offered }, State::Digest(Kept { nonce, .. })) = (&self.state, &new)
            && offered != nonce
        {
            return Err(self.give_up());
        }
        self.state = new;
        Ok(())
    }

    /// A request with credentials was answered with 401 and these challenges. Unless it is an error, what
    /// [`prepare`](Self::prepare) says next is worth a try.
    pub(crate) fn refused<'a>(
        &mut self,
        challenges: impl IntoIterator<Item = &'a str>,
        now: Instant,
    ) -> Result<(), Error> {
        let State::Digest(old) = std::mem::replace(&mut self.state, State::Refused) else {
            return Err(Error::LoginRefused);
        };
        let challenge = match challenge::best(challenges) {
            Ok(Scheme::Digest(challenge)) => challenge,
            // The credentials were good before: it is the gateway that is out of order.
            Err(error) if old.accepted > 0 => {
                self.state = State::Unknown;
                return Err(Error::Challenge(error));
            }
            _ => return Err(Error::LoginRefused),
        };
        let new = Kept::new(&challenge, now)?;
        if new.nonce == old.nonce {
            return Err(Error::LoginRefused);
        }
        let stale = challenge.stale() && now - old.since >= BRIEF;
        self.state = if old.accepted > 0 {
            self.lifetime.ended(&old);
            State::Digest(new)
        } else if stale && !std::mem::replace(&mut self.doubted, true) {
            State::Digest(new)
        } else {
            State::Doubtful { offered: new.nonce }
        };
        Ok(())
    }

    /// The credentials are wrong.
    pub(crate) fn give_up(&mut self) -> Error {
        self.state = State::Refused;
        Error::LoginRefused
    }
}

impl Kept {
    fn new(challenge: &Challenge<'_>, now: Instant) -> Result<Self, Error> {
        let text = written(&mut Vec::new(), |out| challenge.write(out).map_err(Into::into), str::to_owned)?;
        let nonce = challenge.nonce().chars().collect();
        // The keys of the standard library's hash maps are random.
        let cnonce = format!("{:016x}", RandomState::new().hash_one(0));
        Ok(Self { challenge: text, nonce, cnonce, count: 0, accepted: 0, since: now, sent: now })
    }
}

impl Lifetime {
    /// Whether a nonce that was accepted before is likely to be refused now.
    fn is_over(&mut self, kept: &Kept, now: Instant) -> bool {
        let over = kept.accepted > 0
            && (self.uses.is_some_and(|uses| kept.accepted >= uses)
                || self.age.is_some_and(|age| now - kept.since >= age));
        if over {
            self.renewals += 1;
            if self.renewals >= RENEWALS_BEFORE_A_TRIAL {
                *self = Self::default();
                return false;
            }
        }
        over
    }

    /// A nonce was refused that had been accepted before.
    fn ended(&mut self, kept: &Kept) {
        *self = Self { uses: Some(kept.accepted), age: Some(kept.sent - kept.since), renewals: 0 };
    }

    /// A nonce was accepted once more: what it has outlived is no limit.
    fn lived(&mut self, kept: &Kept) {
        self.uses = self.uses.filter(|uses| kept.accepted <= *uses);
        self.age = self.age.filter(|age| kept.sent - kept.since <= *age);
    }
}

/// The step with a header value, which `write` writes.
fn authorized(
    buffer: &mut Vec<u8>,
    write: impl Fn(&mut [u8]) -> Result<&str, LoginError>,
) -> Result<Step, Error> {
    let value = written(buffer, write, HeaderValue::from_str)?;
    let mut value = value.map_err(|error| Error::Unwritable(Box::new(error)))?;
    value.set_sensitive(true);
    Ok(Step::Authorized(value))
}

/// What `make` makes of what is written, into a buffer that gets the size that it turns out to need.
fn written<T>(
    buffer: &mut Vec<u8>,
    write: impl Fn(&mut [u8]) -> Result<&str, LoginError>,
    make: impl FnOnce(&str) -> T,
) -> Result<T, Error> {
    loop {
        match write(buffer) {
            Ok(text) => return Ok(make(text)),
            Err(LoginError::TooSmall(error)) => buffer.resize(error.needed, 0),
            Err(error) => return Err(Error::Credentials(error)),
        }
    }
}

#[cfg(test)]
mod tests {
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
        for _ in 0..1000 {
            if sent(&mut login, now).is_none() {
                probes += 1;
                challenged(&mut login, "c", now);
                sent(&mut login, now);
            }
            login.accepted();
        }
        assert_eq!(probes, u32::from(RENEWALS_BEFORE_A_TRIAL) - 1, "from then on the nonce is kept");
    }
}
