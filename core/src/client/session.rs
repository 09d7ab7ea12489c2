//! One call at a time, with its login: which request is sent next, and what its response means.

use core::{fmt, time::Duration};

use super::{
    Buffer, Cause, Excerpt, Failure, Wait,
    reading::{Read, Reading},
    repeat::{Attempt, Broken, Loss, Next},
    timeouts::{Budget, Timeouts, WaitLimit},
};
use crate::{
    TooSmall,
    call::{AnyCall, Call, CommaEncoding, QuerySmsInQueue, Spec},
    http::{
        ChallengeError, Credentials, Head, LoginError, challenge,
        login::{Login, Step},
        request,
    },
    json::Text,
    track::PageBreak,
};

/// The idle time, in seconds, after which a request that changes something is not sent on a kept connection.
const PROVEN_SECONDS: u64 = 2;
/// The idle time, in seconds, after which no request at all is sent on a kept connection. If the connection is dead, a request sent just
/// before that time fails 30 s later, by the default response timeout. So calls use new connections at most 70 s after the last response.
const KEPT_SECONDS: u64 = 40;

/// The status of a response that carries a login challenge.
const UNAUTHORIZED: u16 = 401;

/// Drives the calls to one gateway: logs in, performs one exchange after the other, and reads the response.
///
/// A session performs no I/O. The adapter owns the connection and reports its events. `B` is the memory for the login
/// challenge and for one record: a lent `&mut [u8]`, or an owned array or vector.
///
/// # Order of calls
/// 1. [`begin`](Self::begin) starts a call.
/// 2. [`write`](Self::write), or [`authorize`](Self::authorize) for an HTTP library, yields the request to send:
///    the call's own, or a probe: the harmless GET that fetches a login challenge, or shows that the gateway responds.
/// 3. The adapter sends this request. It reports the head of the response with [`responded`](Self::responded), or a broken
///    connection with [`lost`](Self::lost). Both return the [`Next`] step.
/// 4. After [`Next::Read`], the adapter passes the pieces of the body to [`read`](Self::read).
///
/// Each wait for the gateway lasts at most as long as [`wait_limit`](Self::wait_limit) allows. The adapter reports its duration
/// with [`waited`](Self::waited).
pub struct Session<B> {
    login: Login<B>,
    attempt: Attempt,
    reading: Reading<B>,
    budget: Budget,
    /// The length of the last `Authorization` value, without the target that it contains. 0 if there was no `Authorization`.
    authorization_bytes: usize,
    /// The status code of the latest response.
    status: u16,
    /// Whether the gateway is suspected of accepting connections without responding. See [`doubt`](Self::doubt).
    is_doubtful: bool,
}

/// The request to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due<'a> {
    /// The call itself, with this `Authorization`, if any.
    Call(Option<&'a str>),
    /// A [`QuerySmsInQueue`] without credentials. Its response carries the login challenge, or shows that the gateway responds.
    Probe,
}

/// The parts of a request that are specific to the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The `Host` field: the gateway's name or address, with the port unless it is 80.
    pub host: &'a str,
    /// The encoding of commas in a query.
    pub commas: CommaEncoding,
    /// The user name and password, if any.
    pub credentials: Option<Credentials<'a>>,
}

/// The parts of a response's head that the session needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// Whether the head has a `Location` field, which names another address.
    pub has_location: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Session<B> {
    /// Creates a session that knows nothing of the gateway yet.
    ///
    /// `challenge` keeps the login challenge: 256 bytes usually suffice. `record` holds one record of a response.
    pub const fn new(challenge: B, record: B) -> Self {
        Self {
            login: Login::new(challenge),
            attempt: Attempt::new(),
            reading: Reading::new(record),
            budget: Budget::new(Timeouts::new()),
            authorization_bytes: 0,
            status: 0,
            is_doubtful: false,
        }
    }

    /// Sets whether a Basic login is allowed, which exposes the password to the network. By default it is not.
    pub const fn allow_basic(&mut self, allowed: bool) {
        self.login.allow_basic(allowed);
    }

    /// Forgets the login, because the credentials have changed. Also drops the excerpt, which may contain the old credentials.
    pub fn reset_login(&mut self) {
        self.login.reset();
        self.reading.drop_kept();
        self.authorization_bytes = 0;
    }

    /// Sets the time limits of the calls that begin from now on.
    pub const fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.budget.set_timeouts(timeouts);
    }

    /// Begins a call. `is_repeatable` is [`Call::is_repeatable`].
    pub fn begin(&mut self, spec: &'static Spec, is_repeatable: bool) {
        self.attempt.begin(is_repeatable);
        self.reading.begin(spec);
        self.budget.begin();
    }

    /// Reports that the gateway may accept the next connection without responding on it. Until the gateway responds, a call that must
    /// not be repeated is sent only after a response to a probe. A timeout while waiting for a response has the same effect.
    pub const fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Limits the length of the body of this call's response, in bytes. Without a limit, a response may have any length.
    pub const fn limit_bytes(&mut self, limit: u32) {
        self.reading.limit_bytes(limit);
    }

    /// Decides which request is sent, for adapters whose HTTP library writes requests. An `Authorization` is written to
    /// `out`. `method` and `target` are those of the call's request line. `now` is the time since an arbitrary moment, and must
    /// not decrease.
    ///
    /// # Errors
    /// The failures of the login. In these cases nothing is sent. If `out` is too small, [`Failure::Credentials`] with
    /// [`LoginError::TooSmall`].
    pub fn authorize<'o>(
        &mut self,
        credentials: Option<&Credentials<'_>>,
        method: &str,
        target: &str,
        now: Duration,
        out: &'o mut [u8],
    ) -> Result<Due<'o>, Failure> {
        // A raw call without credentials passes a 401 response to its caller. A probe would end the call with an error instead.
        let is_raw = self.reading.is_raw() && credentials.is_none();
        let must_prove = self.is_doubtful && !is_raw && self.attempt.may_prove() && !self.login.is_refused();
        let credentials = credentials.filter(|_| !must_prove);
        match self.login.prepare(credentials, method, target, now, out)? {
            Step::Plain if must_prove => {
                self.attempt.probe();
                Ok(Due::Probe)
            }
            Step::Probe if self.attempt.may_probe() => {
                self.attempt.probe();
                Ok(Due::Probe)
            }
            // A challenge has just been fetched. If it still cannot be used, the login is at fault.
            Step::Probe => Err(self.login.give_up().into()),
            Step::Plain => {
                self.attempt.call(false);
                Ok(Due::Call(None))
            }
            Step::Authorized(value) => {
                self.attempt.call(true);
                self.authorization_bytes = value.len().saturating_sub(target.len());
                Ok(Due::Call(Some(value)))
            }
        }
    }

    /// Writes the request to send into `out`, and returns its length. The call's target and `Authorization` are first
    /// written to `scratch`. `call` must be the call that [`begin`](Self::begin) started.
    ///
    /// # Errors
    /// [`Failure::TooSmall`] for `out` ([`Buffer::Request`]) or `scratch` ([`Buffer::Response`]), [`Failure::Host`], and
    /// the failures of the login. In each case nothing is sent.
    pub fn write(
        &mut self,
        call: AnyCall<'_>,
        site: &Site<'_>,
        now: Duration,
        scratch: &mut [u8],
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        if site.host.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Failure::Host);
        }
        let target = call.target(site.commas, scratch).map_err(|error| too_small(Buffer::Response, error))?;
        let length = target.len();
        let (target, authorization) = scratch.split_at_mut_checked(length).unwrap_or_default();
        let target = core::str::from_utf8(target).unwrap_or_default();
        let method = call.method().as_str();
        let due = match self.authorize(site.credentials.as_ref(), method, target, now, authorization) {
            Err(Failure::Credentials(LoginError::TooSmall(error))) => {
                let needed = error.needed.saturating_add(length);
                return Err(Failure::TooSmall { buffer: Buffer::Response, needed });
            }
            due => due?,
        };
        let (call, authorization) = match due {
            Due::Probe => (AnyCall::from(&QuerySmsInQueue), None),
            Due::Call(authorization) => (call, authorization),
        };
        let head = Head { host: site.host, authorization, commas: site.commas, close: false };
        let written = request(call, &head, out).map_err(|error| too_small(Buffer::Request, error))?;
        Ok(written.len())
    }

    /// Handles the head of a response, and returns the next step. `challenges` are the values of `WWW-Authenticate`.
    /// `entropy` returns a random number that others can't predict, a new one each time.
    ///
    /// The body is needed only if the next step is [`Next::Read`]. In all other cases, also after an error, the adapter reads and
    /// discards the body if that is cheaper than a new connection. After [`Failure::Http`], it first passes each piece to
    /// [`keep`](Self::keep).
    ///
    /// # Errors
    /// [`Failure`]: the call is over.
    // Out of line, because the code is larger when it is inlined into a large future.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn responded<'a>(
        &mut self,
        head: ResponseHead,
        challenges: Result<impl Iterator<Item = &'a str>, TooSmall>,
        credentials: Option<&Credentials<'_>>,
        entropy: impl FnOnce() -> u64,
        now: Duration,
    ) -> Result<Next, Failure> {
        let ResponseHead { status, has_location } = head;
        (self.status, self.is_doubtful) = (status, false);
        let is_authorized = self.attempt.is_authorized();
        let is_raw = self.reading.is_raw() && !self.attempt.is_probing();
        if status == UNAUTHORIZED && !(is_raw && credentials.is_none()) {
            // A challenge that does not fit counts as missing, because a refused login must not be repeated blindly.
            let (best, too_small) = match challenges {
                Ok(challenges) => (challenge::best(challenges), None),
                Err(error) => (Err(ChallengeError::NONE), Some(too_small(Buffer::Challenge, error))),
            };
            let learnt = if is_authorized {
                self.login.refused(best, credentials, entropy(), now)
            } else {
                self.login.challenged(best, credentials, entropy(), now)
            };
            too_small.map_or(Ok(()), Err)?;
            learnt?;
            return self.attempt.unauthorized(&mut self.login);
        }
        if is_authorized {
            self.login.accepted();
        }
        match status {
            200..300 if self.attempt.is_probing() => {
                self.login.open();
                Ok(Next::Send)
            }
            200..300 => Ok(Next::Read),
            _ if is_raw => Ok(Next::Read),
            300..400 if has_location => Err(Failure::Redirect),
            status => {
                self.reading.refuse();
                Err(Failure::Http { status, request_sent: !self.attempt.is_probing() })
            }
        }
    }

    /// Looks at a piece of a body that is otherwise discarded. After [`Failure::Http`], the beginning of the body is kept for
    /// [`excerpt`](Self::excerpt), in the buffer for records. After the end of a query_incoming_sms document, anything that looks like
    /// further JSON (`"` or `}`) makes the response malformed.
    pub fn keep(&mut self, piece: &[u8]) {
        self.reading.keep(piece);
    }

    /// Returns the [kept](Self::keep) beginning of the body after [`Failure::Http`]: at most 1,024 bytes, or less if the buffer for
    /// records is smaller. After any other outcome it is empty. `credentials` are those of the login, which the excerpt must not show.
    pub fn excerpt<'a>(&'a self, credentials: Option<Credentials<'a>>) -> Excerpt<'a> {
        let (bytes, is_cut) = self.reading.kept();
        Excerpt::new(bytes, is_cut, credentials)
    }

    /// Returns whether the request that is due may use a connection that was kept from an earlier exchange and has been idle for this
    /// time. A gateway that lost power does not close its connections, so requests on them are lost. The client cannot know whether a lost
    /// request arrived, so a request that changes something needs a new connection after 2 s. The loss of a request that changes nothing
    /// costs only time, so such a request needs a new connection only after 40 s.
    pub fn may_reuse(&self, idle: Duration) -> bool {
        idle.as_secs() < if self.attempt.is_harmless() { KEPT_SECONDS } else { PROVEN_SECONDS }
    }

    /// Reports that the connection broke before the head of the response was complete. Returns the next step.
    ///
    /// # Errors
    /// [`Failure`]: the call is over.
    pub fn lost(&mut self, broken: Broken) -> Result<Next, Failure> {
        self.is_doubtful |= matches!(broken, Broken { loss: Loss::Lost, cause: Cause::TimedOut { .. } });
        self.attempt.lost(broken)
    }

    /// Continues reading the body, and advances `input` past the bytes that were read.
    ///
    /// # Errors
    /// [`Failure`]: the call is over, and the connection must be closed. Records read before remain valid.
    // Out of line, like `responded`.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Read, Failure> {
        match (self.reading.read(input)?, self.budget.expired()) {
            // If bytes are always available at once, no single wait times out. So the time of the whole call is checked here.
            (Read::More, Some(cause)) => Err(self.body_lost(cause)),
            (read, _) => Ok(read),
        }
    }

    /// Reports the length of a piece of the body of a [raw call](crate::call::RawCall). The caller reads such a body itself.
    ///
    /// # Errors
    /// [`Failure`]: the call has exceeded its limit on bytes or time, and the connection must be closed.
    pub fn piece(&mut self, bytes: usize) -> Result<(), Failure> {
        self.reading.piece(bytes)?;
        match self.budget.expired() {
            Some(cause) => Err(self.body_lost(cause)),
            None => Ok(()),
        }
    }

    /// Reports that the body has ended.
    ///
    /// # Errors
    /// [`Failure::Malformed`] if the document is incomplete, or if [`keep`](Self::keep) found it malformed. [`Failure::Ended`] after an
    /// earlier error.
    pub fn body_ended(&mut self) -> Result<(), Failure> {
        self.reading.body_ended()
    }

    /// Reports that the connection broke while the body was read. Returns the failure of the call.
    pub fn body_lost(&mut self, cause: Cause) -> Failure {
        self.reading.fail(Failure::Lost(cause))
    }

    /// Returns the record read last, or `None` if the last [`read`](Self::read) did not return [`Read::Record`].
    ///
    /// `C` must be the call that [`begin`](Self::begin) started. The adapters' typed responses ensure that it is. With another call,
    /// the values are meaningless.
    pub fn record<C: Call>(&self) -> Option<C::Record<'_>> {
        self.reading.record::<C>()
    }

    /// Returns the position at which a response to [`QueryIncomingSms`](crate::call::QueryIncomingSms) became malformed. `None` for
    /// other calls, and for errors before the list of messages.
    pub fn page_break(&self) -> Option<PageBreak> {
        self.reading.page_break()
    }

    /// Returns the values outside the response's records. Values that have not been read yet are missing. After an error, the values
    /// read before it are available. `C` must be the call that [`begin`](Self::begin) started, as for [`record`](Self::record).
    pub fn summary<C: Call>(&self) -> C::Summary<'_> {
        self.reading.summary::<C>()
    }

    /// Returns the serial number of the gateway, if the response has contained it so far (documents from version 1.0).
    pub fn serial_number(&self) -> Text<'_> {
        self.reading.serial_number()
    }

    /// Moves the response that was read last to another session, so that the response outlives the next call of this session. The
    /// sessions swap their memory for responses: this session reads its next response into the memory of the other session.
    pub const fn detach_response(&mut self, to: &mut Self) {
        core::mem::swap(&mut self.reading, &mut to.reading);
        (to.budget, to.status) = (self.budget, self.status);
    }

    /// Returns the limit of the next wait for the gateway: the limit for this kind of wait, or the time that the call has left if that
    /// is shorter.
    pub fn wait_limit(&self, wait: Wait) -> WaitLimit {
        self.budget.limit(wait)
    }

    /// Reports the duration of a wait for the gateway.
    pub const fn waited(&mut self, duration: Duration) {
        self.budget.spend(duration);
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Session<B> {
    /// Returns the size of the buffer for the login challenge, in bytes.
    pub fn challenge_len(&self) -> usize {
        self.login.buffer().as_ref().len()
    }

    /// Returns the size of the buffer for a record, in bytes.
    pub fn record_len(&self) -> usize {
        self.reading.buffer().as_ref().len()
    }
}

impl<B> Session<B> {
    /// Returns the status code of the latest response.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the length of the last `Authorization` value in bytes, without the target that it contains. 0 if there was no
    /// `Authorization`.
    pub const fn authorization_bytes(&self) -> usize {
        self.authorization_bytes
    }
}

const fn too_small(buffer: Buffer, error: TooSmall) -> Failure {
    Failure::TooSmall { buffer, needed: error.needed }
}

/// Shows nothing of the login.
impl<B> fmt::Debug for Session<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("budget", &self.budget).finish_non_exhaustive()
    }
}
