//! When to log in and how often: which request carries which answer to which challenge, and what a refusal means.
//!
//! Gateways count refused logins and lock the client's address out, so no try is wasted: a challenge is fetched by a request
//! without credentials, kept, and answered with a growing nonce count. A refusal of a nonce that was accepted before says that it
//! has expired, and is retried once. A refusal of a fresh nonce says that the password is wrong, and ends all tries until the
//! credentials change; unless the nonce has expired under way. That is so when a request without credentials is offered the same
//! nonce as the refused one was, as by gateways whose nonce changes every second; and when the gateway says `stale` of a nonce
//! that is not that new any more, counted from the request for it, which is believed once. A nonce whose first request got no
//! answer may have been used up by it: it is not fresh any more, and another one is fetched.
//!
//! How long nonces live is learned: one as old, or as often used, as the last one got is renewed by the request that changes nothing
//! before something is sent with it.

mod kept;
#[cfg(test)]
mod tests;

use core::{fmt, time::Duration};

use super::{Challenge, ChallengeError, Credentials, LoginError, Scheme, basic, digest::Form};
use crate::TooSmall;
use kept::{Kept, Lifetime, Moment, moment};

/// No nonce expires earlier, but with the tick of a clock.
const BRIEF: Duration = Duration::from_secs(1);

/// The login to one gateway: what is known of it, and what the next request is to carry. No I/O, no clock, no memory of its own.
///
/// Before each request: [`prepare`](Self::prepare). What came of it: of a request without credentials [`open`](Self::open) or, with
/// status 401, [`challenged`](Self::challenged); of one with credentials [`accepted`](Self::accepted) or, with 401,
/// [`refused`](Self::refused). A request whose answer is lost needs no word. One request at a time.
///
/// `now` is the time since any moment of the caller's choosing, in whole microseconds, and never goes back. `entropy` is any
/// random number: a new one each time, which nobody else can foretell. The credentials are the same until [`reset`](Self::reset).
/// The buffer keeps what the answers to one challenge have in common, as [`Prepared`](super::digest::Prepared) does: 256 bytes do as
/// a rule.
///
/// # Example
/// ```
/// use core::time::Duration;
/// use sms_gateway_core::http::{Credentials, challenge, login::{Login, Step}};
///
/// let mut login = Login::new([0; 128]);
/// let me = Credentials::new("admin", "secret");
/// let (uri, now) = ("/api/send_sms", Duration::ZERO);
/// let mut out = [0; 256];
///
/// assert_eq!(login.prepare(Some(&me), "POST", uri, now, &mut out)?, Step::Probe);
/// // … GET /api/query_sms_in_queue, which is answered with 401 and a challenge:
/// let best = challenge::best([r#"Digest realm="box", nonce="1f", qop="auth""#]);
/// login.challenged(best, Some(&me), 0x0a4f_113b, now)?;
///
/// let Step::Authorized(value) = login.prepare(Some(&me), "POST", uri, now, &mut out)? else { panic!() };
/// assert!(value.starts_with(r#"Digest username="admin", realm="box", nonce="1f", "#));
/// // … the request with this `Authorization` is let in:
/// login.accepted();
/// # Ok::<(), sms_gateway_core::http::login::LoginDenied>(())
/// ```
pub struct Login<B> {
    basic_allowed: bool,
    state: State,
    lifetime: Lifetime,
    /// A fresh nonce was called stale; it is believed once.
    doubted: bool,
    /// When the last request was sent.
    sent: Option<Moment>,
    /// The use of the challenge that was kept last, also while `state` has no use for it: its nonce count must not be used again,
    /// even if the gateway offers the nonce anew after it admitted requests without a login, or after a challenge that cannot be read.
    kept: Kept,
    /// The answers to that challenge.
    form: Option<Form>,
    /// Their text.
    buffer: B,
}

/// What is known of the gateway's login.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    Unknown,
    /// It wants none.
    Open,
    /// It wants Basic.
    Basic,
    /// It wants Digest.
    Digest,
    /// It refused a fresh nonce and offered the challenge that is kept: the next one tells whether the first merely expired.
    Doubtful,
    /// It refused the nonce that is kept, and there was no room for the challenge that it offered. No better than refused, until that is told again.
    Unkept,
    /// It refused the credentials.
    Refused,
}

/// What the next request is to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<'a> {
    /// No `Authorization`.
    Plain,
    /// This one.
    Authorized(&'a str),
    /// First send a request without credentials that changes nothing ([`QuerySmsInQueue`](crate::call::QuerySmsInQueue)), for a challenge.
    Probe,
}

/// Why nothing is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginDenied {
    /// The gateway refused the user name or password. It is not to be asked again until they change.
    Refused,
    /// The gateway wants a login and there are no credentials.
    NoCredentials,
    /// The gateway offers only Basic login, which shows the password to the network, and the caller has not allowed that.
    BasicNotAllowed,
    /// The gateway's challenge can't be answered.
    Challenge(ChallengeError),
    /// The credentials can't be written into a request, or the buffer for that is too small.
    Unwritable(LoginError),
    /// The buffer that was lent for the challenge is too small. Nothing was learnt from the gateway's answer: it can be told again with a
    /// [larger buffer](Login::buffer_mut). Without that, a refusal is taken for one of the password.
    TooSmall(TooSmall),
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Login<B> {
    /// A login of which nothing is known, over `buffer`: a lent `&mut [u8]`, or an array or vector of its own.
    pub const fn new(buffer: B) -> Self {
        Self {
            basic_allowed: false,
            state: State::Unknown,
            lifetime: Lifetime::NEW,
            doubted: false,
            sent: None,
            kept: Kept::new(0, 0, 0),
            form: None,
            buffer,
        }
    }

    /// Sets whether a Basic login is answered, which exposes the password to the network. By default it is not.
    pub const fn allow_basic(&mut self, allowed: bool) {
        self.basic_allowed = allowed;
    }

    /// The credentials have changed: all begins anew.
    pub fn reset(&mut self) {
        (self.state, self.lifetime, self.doubted, self.sent) = (State::Unknown, Lifetime::NEW, false, None);
    }

    /// What a request is to carry that is about to be sent. `method` and `uri` are those of its first line; an `Authorization` is
    /// written to `out`.
    ///
    /// # Errors
    /// [`LoginDenied::Refused`], and [`LoginDenied::Unwritable`].
    pub fn prepare<'o>(
        &mut self,
        credentials: Option<&Credentials<'_>>,
        method: &str,
        uri: &str,
        now: Duration,
        out: &'o mut [u8],
    ) -> Result<Step<'o>, LoginDenied> {
        let now = moment(now);
        self.sent = Some(now);
        let Some(credentials) = credentials else { return Ok(Step::Plain) };
        match self.state {
            State::Refused | State::Unkept => return Err(LoginDenied::Refused),
            State::Unknown | State::Doubtful => return Ok(Step::Probe),
            State::Open => return Ok(Step::Plain),
            State::Basic => return Ok(Step::Authorized(basic::authorization(credentials, out)?)),
            State::Digest if self.kept.is_in_doubt() || self.lifetime.is_over(&self.kept, now) => {
                return Ok(Step::Probe);
            }
            State::Digest => {}
        }
        let Some(form) = &self.form else {
            self.state = State::Unknown;
            return Ok(Step::Probe);
        };
        let count = self.kept.count.saturating_add(1);
        let value = form.authorization(self.buffer.as_ref(), method, uri, count, out)?;
        (self.kept.count, self.kept.sent) = (count, now);
        Ok(Step::Authorized(value))
    }

    /// The request with [`Step::Authorized`] was let in.
    pub fn accepted(&mut self) {
        if self.state == State::Digest {
            self.kept.accepted = self.kept.accepted.saturating_add(1);
            self.doubted = false;
            self.lifetime.lived(&self.kept);
        }
    }

    /// A request without credentials was let in.
    pub fn open(&mut self) {
        self.state = State::Open;
    }

    /// A request without credentials was answered with challenges, of which this is the [best](challenge::best). `credentials` are what is there to answer them.
    ///
    /// # Errors
    /// Any [`LoginDenied`].
    pub fn challenged(
        &mut self,
        best: Result<Scheme<'_>, ChallengeError>,
        credentials: Option<&Credentials<'_>>,
        entropy: u64,
        now: Duration,
    ) -> Result<(), LoginDenied> {
        let Some(credentials) = credentials else { return Err(LoginDenied::NoCredentials) };
        let challenge = match best.map_err(LoginDenied::Challenge)? {
            Scheme::Digest(challenge) => challenge,
            Scheme::Basic { .. } if self.basic_allowed => {
                self.state = State::Basic;
                return Ok(());
            }
            Scheme::Basic { .. } => return Err(LoginDenied::BasicNotAllowed),
        };
        let is_offered_again = self.keeps(&challenge);
        let now = moment(now);
        let mut new = Kept::new(entropy, self.sent.unwrap_or(now), now);
        match self.state {
            State::Doubtful if !is_offered_again => return Err(self.give_up()),
            // The old one is good still, and its count goes on.
            State::Digest if is_offered_again => {
                self.lifetime.is_longer(&self.kept, now);
                new = self.kept.settled();
            }
            _ if is_offered_again => (new.count, new.settled) = (self.kept.count, self.kept.count),
            _ => {}
        }
        self.keep(&challenge, credentials, new)?;
        self.state = State::Digest;
        Ok(())
    }

    /// A request with credentials was answered with 401 and challenges, of which this is the [best](challenge::best). `credentials` are
    /// what is there to answer it. Unless it is an error, what [`prepare`](Self::prepare) says next is worth a try.
    ///
    /// # Errors
    /// Any [`LoginDenied`] but [`BasicNotAllowed`](LoginDenied::BasicNotAllowed).
    pub fn refused(
        &mut self,
        best: Result<Scheme<'_>, ChallengeError>,
        credentials: Option<&Credentials<'_>>,
        entropy: u64,
        now: Duration,
    ) -> Result<(), LoginDenied> {
        let before = core::mem::replace(&mut self.state, State::Refused);
        if !matches!(before, State::Digest | State::Unkept) {
            return Err(LoginDenied::Refused);
        }
        let Some(credentials) = credentials else { return Err(LoginDenied::NoCredentials) };
        let challenge = match best {
            Ok(Scheme::Digest(challenge)) => challenge,
            // The credentials were good before: it is the gateway that is out of order.
            Err(error) if self.kept.accepted > 0 => {
                self.state = State::Unknown;
                return Err(LoginDenied::Challenge(error));
            }
            _ => return Err(LoginDenied::Refused),
        };
        if self.keeps(&challenge) {
            return Err(LoginDenied::Refused);
        }
        let (old, now) = (self.kept, moment(now));
        if let Err(denial) = self.keep(&challenge, credentials, Kept::new(entropy, old.sent, now)) {
            self.state = State::Unkept;
            return Err(denial);
        }
        let stale = challenge.stale() && now.saturating_sub(old.asked) >= moment(BRIEF);
        let is_expired = if old.accepted > 0 {
            self.lifetime.ended(&old);
            true
        } else {
            stale && !core::mem::replace(&mut self.doubted, true)
        };
        self.state = if is_expired { State::Digest } else { State::Doubtful };
        Ok(())
    }

    /// The credentials are wrong, as is known from elsewhere: from too many refusals of one request, for example.
    pub fn give_up(&mut self) -> LoginDenied {
        self.state = State::Refused;
        LoginDenied::Refused
    }

    /// The buffer.
    pub const fn buffer(&self) -> &B {
        &self.buffer
    }

    /// The buffer, to be made larger. What it holds is to stay where it is.
    pub const fn buffer_mut(&mut self) -> &mut B {
        &mut self.buffer
    }

    /// Gives the buffer back.
    pub fn into_buffer(self) -> B {
        self.buffer
    }

    /// Whether the challenge that is kept has the same nonce.
    fn keeps(&self, other: &Challenge<'_>) -> bool {
        self.form.as_ref().is_some_and(|form| form.nonce(self.buffer.as_ref()) == other.nonce())
    }

    /// Prepares the answers to a challenge. Without room for them, those to the last one stay.
    fn keep(
        &mut self,
        challenge: &Challenge<'_>,
        credentials: &Credentials<'_>,
        kept: Kept,
    ) -> Result<(), LoginDenied> {
        let mut cnonce = [0; 16];
        let cnonce = kept.write_cnonce(&mut cnonce);
        let buffer = self.buffer.as_mut();
        match Form::new(challenge, credentials, cnonce, &mut []) {
            Err(LoginError::TooSmall(error)) if error.needed > buffer.len() => {
                return Err(LoginDenied::TooSmall(error));
            }
            _ => self.form = Some(Form::new(challenge, credentials, cnonce, buffer)?),
        }
        self.kept = kept;
        Ok(())
    }
}

/// Shows nothing of the login.
impl<B> fmt::Debug for Login<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("basic_allowed", &self.basic_allowed).finish_non_exhaustive()
    }
}

impl From<LoginError> for LoginDenied {
    fn from(error: LoginError) -> Self {
        Self::Unwritable(error)
    }
}

impl fmt::Display for LoginDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the gateway refused the user name or password"),
            Self::NoCredentials => f.write_str("the gateway wants a user name and password"),
            Self::BasicNotAllowed => f.write_str(
                "the gateway offers only Basic login, which shows the password to the network; allow it explicitly",
            ),
            Self::Challenge(error) => write!(f, "the gateway's login can't be answered: {error}"),
            Self::Unwritable(error) => error.fmt(f),
            Self::TooSmall(error) => write!(f, "the login challenge can't be kept: {error}"),
        }
    }
}

impl core::error::Error for LoginDenied {}
