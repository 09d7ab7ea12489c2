//! The rules of logging in: which request carries credentials for which challenge, and what a refused login means.
//!
//! Gateways count refused logins and lock out the client's address, so the client must not waste attempts. It fetches a challenge
//! with a request without credentials, keeps the challenge, and answers it with a growing nonce count.
//!
//! - If the gateway refuses a nonce that it accepted before, the nonce has expired. The request is retried once with the nonce that
//!   the gateway now offers. This may be the same nonce, because some gateways repeat their nonces after a restart.
//! - If the gateway refuses a fresh nonce, the password is wrong, and nothing is sent until the credentials change. There are two
//!   exceptions, because a nonce may expire between its challenge and its use:
//!   - The refusal offers a nonce, and a following request without credentials is offered the same one. This shows that the gateway
//!     changes its nonces by time, for example every second.
//!   - The gateway reports `stale`, and at least 1 s has passed since the challenge was requested. The client believes only one such
//!     report until a request is accepted.
//!
//!   So up to three consecutive requests with credentials may be refused, not counting requests that get no response.
//! - If the first request with a nonce gets no response, it may have used up the nonce. That nonce is no longer fresh, so the client
//!   fetches another one.
//!
//! The client learns the lifetime of nonces from the last one that expired: its age, and the number of its uses. When a later nonce
//! reaches that age or number, the client first fetches a new nonce with a request that changes nothing.

mod kept;
#[cfg(test)]
mod tests;

use core::{fmt, time::Duration};

use super::{Challenge, ChallengeError, Credentials, LoginError, Scheme, basic, digest::Form};
use crate::TooSmall;
use kept::{Kept, Lifetime, Moment, moment};

/// Number of consecutive refusals of fresh nonces after which the password counts as wrong, even if one of the exceptions above applies.
const MAX_REFUSALS: u8 = 3;

/// Minimum age of a fresh nonce at which the client believes the gateway's report that the nonce is `stale`.
const BRIEF: Duration = Duration::from_secs(1);

/// The login to one gateway: its state, and the credentials of the next request. It has no I/O, clock, or memory of its own.
///
/// Call [`prepare`](Self::prepare) before each request, and then report the request's outcome. For a request without credentials,
/// call [`challenged`](Self::challenged) if the status is 401, or [`open`](Self::open) if the request was accepted. For a request
/// with credentials, call [`refused`](Self::refused) if the status is 401, or [`accepted`](Self::accepted) if the credentials were
/// accepted. Do not report a lost response. Requests must not overlap.
///
/// `now` is the time since an arbitrary moment, in whole microseconds, and must not decrease. `entropy` is a random number that
/// others can't predict, a new one for each call. The credentials must not change until [`reset`](Self::reset).
/// The buffer holds the parts that all credentials for one challenge share, as in [`Prepared`](super::digest::Prepared). 256 bytes
/// are usually enough.
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
/// // … send GET /api/query_sms_in_queue, whose response is 401 with a challenge:
/// let best = challenge::best([r#"Digest realm="box", nonce="1f", qop="auth""#]);
/// login.challenged(best, Some(&me), 0x0a4f_113b, now)?;
///
/// let Step::Authorized(value) = login.prepare(Some(&me), "POST", uri, now, &mut out)? else { panic!() };
/// assert!(value.starts_with(r#"Digest username="admin", realm="box", nonce="1f", "#));
/// // … send the request with this `Authorization`, which the gateway accepts:
/// login.accepted();
/// # Ok::<(), sms_gateway_core::http::login::LoginDenied>(())
/// ```
pub struct Login<B> {
    basic_allowed: bool,
    state: State,
    lifetime: Lifetime,
    /// Whether the client has believed a report that a fresh nonce is `stale`. Until a request is accepted, it believes only one.
    doubted: bool,
    /// Number of fresh nonces that were refused since a request was last accepted.
    refusals: u8,
    /// The time of the last request.
    sent: Option<Moment>,
    /// The use of the last kept challenge's nonce so far. The field remains in states that do not use the challenge, for example while
    /// the gateway admits requests without a login. If the gateway later offers the same nonce, its nonce counts must not be reused.
    kept: Kept,
    /// The prepared credentials for the kept challenge.
    form: Option<Form>,
    /// The text of `form`.
    buffer: B,
}

/// The state of the login.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is known yet.
    Unknown,
    /// The gateway needs no login.
    Open,
    /// The gateway needs Basic.
    Basic,
    /// The gateway needs Digest.
    Digest,
    /// The gateway refused a fresh nonce, and offered the challenge that is now kept. The next challenge shows whether the refused
    /// nonce had merely expired.
    Doubtful,
    /// The gateway refused the kept nonce, and offered a challenge that did not fit the buffer. This state counts as `Refused` until the
    /// refusal is reported again.
    Unkept,
    /// The gateway refused the credentials.
    Refused,
}

/// The use of the login in the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<'a> {
    /// Send the request without `Authorization`.
    Plain,
    /// Send the request with this `Authorization`.
    Authorized(&'a str),
    /// First send a request without credentials that changes nothing ([`QuerySmsInQueue`](crate::call::QuerySmsInQueue)), to
    /// get a challenge.
    Probe,
}

/// The reason why nothing may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginDenied {
    /// The gateway refused the user name or password. Send nothing until the credentials change.
    Refused,
    /// The gateway needs a login, and there are no credentials.
    NoCredentials,
    /// The gateway offers only Basic login, which exposes the password to the network, and the caller has not allowed it.
    BasicNotAllowed,
    /// The gateway's challenge can't be answered.
    Challenge(ChallengeError),
    /// The credentials can't be written into a request, or the buffer for the `Authorization` is too small.
    Unwritable(LoginError),
    /// The buffer for the challenge is too small. The response can be reported again with a [larger buffer](Login::buffer_mut).
    /// Until a refusal is reported again, the password counts as wrong.
    TooSmall(TooSmall),
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Login<B> {
    /// Creates a login in its initial state over `buffer`: a lent `&mut [u8]`, or an owned array or vector.
    pub const fn new(buffer: B) -> Self {
        Self {
            basic_allowed: false,
            state: State::Unknown,
            lifetime: Lifetime::NEW,
            doubted: false,
            refusals: 0,
            sent: None,
            kept: Kept::new(0, 0, 0),
            form: None,
            buffer,
        }
    }

    /// Sets whether to answer a Basic challenge, which exposes the password to the network. The default is no.
    pub const fn allow_basic(&mut self, allowed: bool) {
        self.basic_allowed = allowed;
    }

    /// Starts over, because the credentials have changed.
    pub fn reset(&mut self) {
        (self.state, self.lifetime, self.sent) = (State::Unknown, Lifetime::NEW, None);
        (self.doubted, self.refusals) = (false, 0);
    }

    /// Returns the credentials for a request that is about to be sent. `method` and `uri` are those of its request line. An
    /// `Authorization` is written to `out`.
    ///
    /// # Errors
    /// [`LoginDenied::Refused`] or [`LoginDenied::Unwritable`].
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

    /// Returns whether the gateway refused the credentials. If it did, nothing more is sent until they change.
    pub const fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused | State::Unkept)
    }

    /// Reports that the request with [`Step::Authorized`] was accepted.
    pub fn accepted(&mut self) {
        if self.state == State::Digest {
            self.kept.accepted = self.kept.accepted.saturating_add(1);
            (self.doubted, self.refusals) = (false, 0);
            self.lifetime.lived(&self.kept);
        }
    }

    /// Reports that a request without credentials was accepted.
    pub fn open(&mut self) {
        self.state = State::Open;
    }

    /// Reports that the response to a request without credentials was 401. `best` is the [best](super::challenge::best) of its
    /// challenges, and `credentials` are those available.
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
            // The old nonce is still valid, so its count continues.
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

    /// Reports that the response to a request with credentials was 401. `best` is the [best](super::challenge::best) of its
    /// challenges, and `credentials` are those available. If this method succeeds, call [`prepare`](Self::prepare) to try again.
    ///
    /// # Errors
    /// Any [`LoginDenied`] except [`BasicNotAllowed`](LoginDenied::BasicNotAllowed).
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
            // The credentials were accepted before, so the gateway is at fault.
            Err(error) if self.kept.accepted > 0 => {
                self.state = State::Unknown;
                return Err(LoginDenied::Challenge(error));
            }
            _ => return Err(LoginDenied::Refused),
        };
        if self.keeps(&challenge) {
            if self.kept.accepted == 0 {
                return Err(LoginDenied::Refused);
            }
            // The gateway accepted this nonce before, and now offers it as a fresh one, as some gateways do after a restart.
            self.kept = self.kept.offered_anew();
            self.state = State::Digest;
            return Ok(());
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
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals >= MAX_REFUSALS {
                return Err(LoginDenied::Refused);
            }
            stale && !core::mem::replace(&mut self.doubted, true)
        };
        self.state = if is_expired { State::Digest } else { State::Doubtful };
        Ok(())
    }

    /// Marks the credentials as wrong, for example because one request was refused too often.
    pub fn give_up(&mut self) -> LoginDenied {
        self.state = State::Refused;
        LoginDenied::Refused
    }

    /// Returns the buffer.
    pub const fn buffer(&self) -> &B {
        &self.buffer
    }

    /// Returns the buffer, so that the caller can enlarge it. Its content must not change.
    pub const fn buffer_mut(&mut self) -> &mut B {
        &mut self.buffer
    }

    /// Returns the buffer.
    pub fn into_buffer(self) -> B {
        self.buffer
    }

    /// Returns whether the kept challenge has the same nonce as `other`.
    fn keeps(&self, other: &Challenge<'_>) -> bool {
        self.form.as_ref().is_some_and(|form| form.nonce(self.buffer.as_ref()) == other.nonce())
    }

    /// Prepares credentials for a challenge. If they do not fit the buffer, the previous ones are kept.
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

/// Shows no secrets.
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
