//! The login: which request carries which answer to which challenge, and what a refusal means. No I/O here.
//!
//! Gateways count refused logins and lock the client's address out, so no try is wasted: a challenge is fetched by a
//! request without credentials, kept, and answered with a growing nonce count. A refusal of a nonce that was accepted
//! before says that it has expired, and is retried once. A refusal of a fresh nonce says that the password is wrong,
//! and ends all tries until the credentials change; unless the nonce has expired under way. That is so when a request without
//! credentials is offered the same nonce as the refused one was, as by gateways whose nonce changes every second; and
//! when the gateway says `stale` of a nonce that is not that new any more, counted from the request for it, which is
//! believed once. A nonce whose first request got no answer may have been used up by it: it is not fresh any more, and
//! another one is fetched.

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
    /// The nonce count up to which the gateway has told that the nonce is good.
    settled: u32,
    accepted: u32,
    /// When the request was sent that the challenge answered: the nonce may be as old as that.
    asked: Instant,
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
    /// When the last request was sent.
    sent: Option<Instant>,
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
            sent: None,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn set_account(&mut self, account: Option<Account>) {
        *self = Self { buffer: std::mem::take(&mut self.buffer), ..Self::new(account, self.basic_allowed) };
    }

    /// What a request is to carry.
    pub(crate) fn prepare(&mut self, method: &str, uri: &str, now: Instant) -> Result<Step, Error> {
        self.sent = Some(now);
        let Some(account) = &self.account else { return Ok(Step::Plain) };
        let credentials = Credentials::new(&account.username, &account.password);
        match &mut self.state {
            State::Refused => Err(Error::LoginRefused),
            State::Unknown | State::Doubtful { .. } => Ok(Step::Probe),
            State::Open => Ok(Step::Plain),
            State::Basic => authorized(&mut self.buffer, |out| basic::authorization(&credentials, out)),
            State::Digest(kept) if kept.is_in_doubt() || self.lifetime.is_over(kept, now) => Ok(Step::Probe),
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
            Scheme::Digest(challenge) => {
                let new = Kept::new(&challenge, self.sent.unwrap_or(now), now)?;
                State::Digest(self.renewed(new, now))
            }
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

    /// The challenge to keep when a request without credentials was offered this one.
    fn renewed(&mut self, new: Kept, now: Instant) -> Kept {
        match &self.state {
            // The old one is good still, and its count goes on.
            State::Digest(old) if old.nonce == new.nonce => {
                self.lifetime.is_longer(old, now);
                Kept {
                    cnonce: old.cnonce.clone(),
                    count: old.count,
                    settled: old.count,
                    accepted: old.accepted,
                    asked: old.asked,
                    since: old.since,
                    ..new
                }
            }
            _ => new,
        }
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
        let new = Kept::new(&challenge, old.sent, now)?;
        if new.nonce == old.nonce {
            return Err(Error::LoginRefused);
        }
        let stale = challenge.stale() && now - old.asked >= BRIEF;
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
    fn new(challenge: &Challenge<'_>, asked: Instant, now: Instant) -> Result<Self, Error> {
        let text = written(&mut Vec::new(), |out| challenge.write(out).map_err(Into::into), str::to_owned)?;
        let nonce = challenge.nonce().chars().collect();
        // The keys of the standard library's hash maps are random.
        let cnonce = format!("{:016x}", RandomState::new().hash_one(0));
        let (count, settled, accepted, since, sent) = (0, 0, 0, now, now);
        Ok(Self { challenge: text, nonce, cnonce, count, settled, accepted, asked, since, sent })
    }

    /// Whether the only requests with this nonce got no answer. The gateway may have taken one, and the nonce be used up: a
    /// refusal would no longer say that the password is wrong.
    fn is_in_doubt(&self) -> bool {
        self.accepted == 0 && self.count > self.settled
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

    /// A nonce was offered again: it is not over yet.
    fn is_longer(&mut self, kept: &Kept, now: Instant) {
        self.uses = self.uses.filter(|uses| kept.accepted < *uses);
        self.age = self.age.filter(|age| now - kept.since < *age);
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
mod tests;
