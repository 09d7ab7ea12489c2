//! Login and one call at a time: which request is sent next, and what its response means.

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

/// The time for which a kept connection counts as open after it carried a response.
const PROVEN_SECONDS: u64 = 2;
/// The time after which not even a harmless request goes out on a kept connection. If the connection is dead, the request is noticed to be
/// lost 30 s later, by the default timeout. Both together are at most 70 s, after which calls use new connections.
const KEPT_SECONDS: u64 = 40;

/// The status of a response that carries a login challenge.
const UNAUTHORIZED: u16 = 401;

/// Drives the calls to one gateway: the login, one exchange after the other, and the reading of the response.
///
/// It performs no I/O. The adapter owns the connection and reports what happened to it. `B` is the memory for the login
/// challenge and for one record: a lent `&mut [u8]`, or an array or vector of its own.
///
/// # Order of calls
/// 1. [`begin`](Self::begin) starts a call.
/// 2. [`write`](Self::write), or [`authorize`](Self::authorize) for an HTTP library, yields the request to send:
///    the call's own, or the harmless GET that fetches a login challenge (a probe).
/// 3. The adapter sends it. It reports the head of the response with [`responded`](Self::responded), or a broken
///    connection with [`lost`](Self::lost). Either one says what comes [`Next`].
/// 4. Once that is [`Next::Read`], the pieces of the body go to [`read`](Self::read).
///
/// Each wait for the gateway lasts at most as long as [`wait_limit`](Self::wait_limit) allows; the adapter reports it with
/// [`waited`](Self::waited).
pub struct Session<B> {
    login: Login<B>,
    attempt: Attempt,
    reading: Reading<B>,
    budget: Budget,
    /// The length of the last `Authorization` field without the target that it contains; 0 if there was none.
    authorization_bytes: usize,
    /// The status code of the latest response.
    status: u16,
    /// Whether the gateway may not respond, although it can be connected to.
    is_doubtful: bool,
}

/// The request to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due<'a> {
    /// The call itself, with this `Authorization`, if any.
    Call(Option<&'a str>),
    /// A [`QuerySmsInQueue`] without credentials, whose response carries the login challenge.
    Probe,
}

/// The gateway as it stands in requests.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The `Host` field: the gateway's name or address, with the port unless it is 80.
    pub host: &'a str,
    /// How commas in a query are written.
    pub commas: CommaEncoding,
    /// The user name and password, if any.
    pub credentials: Option<Credentials<'a>>,
}

/// The head of a response, as far as the session needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// Whether it names another address (`Location`).
    pub has_location: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Session<B> {
    /// A session that knows nothing of the gateway yet.
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

    /// Sets whether a Basic login is answered, which exposes the password to the network. By default it is not.
    pub const fn allow_basic(&mut self, allowed: bool) {
        self.login.allow_basic(allowed);
    }

    /// Forgets the login, because the credentials have changed, and the excerpt, which may contain the old ones.
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

    /// Doubts that the gateway responds on the connection that is opened next, until it does. A call that must not be repeated is then
    /// sent only after a response to a probe. The session doubts by itself after a wait for a response has timed out.
    pub const fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Limits the bytes of the body that this call reads. Without a limit a response may have any length.
    pub const fn limit_bytes(&mut self, limit: u32) {
        self.reading.limit_bytes(limit);
    }

    /// Decides which request is sent, for adapters whose HTTP library writes requests. An `Authorization` is written to
    /// `out`; `method` and `target` are those of the call's request line. `now` is the time since any moment of the caller's
    /// choice and never decreases.
    ///
    /// # Errors
    /// Those of the login; nothing is sent then. An `out` that is too small is [`Failure::Credentials`] with
    /// [`LoginError::TooSmall`].
    pub fn authorize<'o>(
        &mut self,
        credentials: Option<&Credentials<'_>>,
        method: &str,
        target: &str,
        now: Duration,
        out: &'o mut [u8],
    ) -> Result<Due<'o>, Failure> {
        // A raw call without credentials returns the 401 that would end a probe.
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
            // A challenge that has just been fetched can be answered, or the login is at fault.
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

    /// Writes the request to send, and returns its length in `out`. The call's target and `Authorization` are
    /// written to `scratch` first. The call must be the one that [`begin`](Self::begin) was given.
    ///
    /// # Errors
    /// [`Failure::TooSmall`] for `out` ([`Buffer::Request`]) or `scratch` ([`Buffer::Response`]), [`Failure::Host`], and
    /// the login's. Nothing is sent then.
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

    /// Takes the head of a response, and decides what comes next. `challenges` are the values of `WWW-Authenticate`;
    /// `entropy` returns a random number that no one else can predict, a new one each time.
    ///
    /// Unless the next step is [`Next::Read`], the body has no use: the adapter reads and drops what is left of it if
    /// that is cheaper than a new connection, after an error too. After [`Failure::Http`] it hands each piece to
    /// [`keep`](Self::keep) before.
    ///
    /// # Errors
    /// [`Failure`]: the call is over.
    // Out of line: it grows where it is inlined into a large future.
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
            // A challenge that does not fit counts as missing: after a refusal the login must not be repeated blindly.
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

    /// Takes note of a piece of a body that has no use, also of one that is drained: messages after the end of the document make the
    /// response malformed. After [`Failure::Http`] its beginning is kept for [`excerpt`](Self::excerpt), in
    /// the buffer for records.
    pub fn keep(&mut self, piece: &[u8]) {
        self.reading.keep(piece);
    }

    /// The beginning of the body after [`Failure::Http`], as far as it was [kept](Self::keep): at most 1,024 bytes, and what the
    /// buffer for records holds. It is empty after any other outcome. `credentials` are those of the login, which it does not show.
    pub fn excerpt<'a>(&'a self, credentials: Option<Credentials<'a>>) -> Excerpt<'a> {
        let (bytes, is_cut) = self.reading.kept();
        Excerpt::new(bytes, is_cut, credentials)
    }

    /// Whether the request that is due may go out on a connection that was kept from an earlier exchange, and has been idle for this
    /// time. A gateway that lost power does not close its connections. A request that changes something would be lost in one, and
    /// whether it arrived would remain unknown, so it gets a new connection after 2 s. A request that changes nothing would only be
    /// waited for in vain, and gets a new connection after 40 s.
    pub fn may_reuse(&self, idle: Duration) -> bool {
        idle.as_secs() < if self.attempt.is_harmless() { KEPT_SECONDS } else { PROVEN_SECONDS }
    }

    /// Takes the news that the connection broke before the head of the response was complete, and decides what comes next.
    ///
    /// # Errors
    /// [`Failure`]: the call is over.
    pub fn lost(&mut self, broken: Broken) -> Result<Next, Failure> {
        self.is_doubtful |= matches!(broken, Broken { loss: Loss::Lost, cause: Cause::TimedOut { .. } });
        self.attempt.lost(broken)
    }

    /// Reads on in the body, advancing `input` past what was read.
    ///
    /// # Errors
    /// [`Failure`]: the call is over, and the connection must be closed. Records before it stand.
    // Out of line, as `responded`.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Read, Failure> {
        match (self.reading.read(input)?, self.budget.expired()) {
            // Bytes that are always there at once would outrun every time limit on waits.
            (Read::More, Some(cause)) => Err(self.body_lost(cause)),
            (read, _) => Ok(read),
        }
    }

    /// Takes note of a piece of the body of a [raw call](crate::call::RawCall), which the caller reads itself.
    ///
    /// # Errors
    /// [`Failure`]: a limit on the bytes or the time of the call is exceeded, and the connection must be closed.
    pub fn piece(&mut self, bytes: usize) -> Result<(), Failure> {
        self.reading.piece(bytes)?;
        match self.budget.expired() {
            Some(cause) => Err(self.body_lost(cause)),
            None => Ok(()),
        }
    }

    /// Takes the news that the body has ended.
    ///
    /// # Errors
    /// [`Failure::Malformed`] if the document is incomplete.
    pub fn body_ended(&mut self) -> Result<(), Failure> {
        self.reading.body_ended()
    }

    /// Takes the news that the connection broke while the body was read, and returns the call's failure.
    pub fn body_lost(&mut self, cause: Cause) -> Failure {
        self.reading.fail(Failure::Lost(cause))
    }

    /// The record read last; `None` unless [`read`](Self::read) just returned [`Read::Record`].
    ///
    /// `C` is the call that [began](Self::begin). The adapters' typed responses see to that; with another call the values
    /// are meaningless.
    pub fn record<C: Call>(&self) -> Option<C::Record<'_>> {
        self.reading.record::<C>()
    }

    /// The place at which the response became malformed. `None` unless the call is a [`QueryIncomingSms`](crate::call::QueryIncomingSms),
    /// and its response became malformed after the messages had begun.
    pub fn page_break(&self) -> Option<PageBreak> {
        self.reading.page_break()
    }

    /// Returns what the response has said so far besides its records, also after an error. `C` is the call that began, as for
    /// [`record`](Self::record).
    pub fn summary<C: Call>(&self) -> C::Summary<'_> {
        self.reading.summary::<C>()
    }

    /// Returns the serial number of the gateway, if the response has contained it so far (documents from version 1.0).
    pub fn serial_number(&self) -> Text<'_> {
        self.reading.serial_number()
    }

    /// Moves the response that was read last to another session, so that it outlives the next call of this one. The next response is
    /// read into the other session's memory.
    pub const fn detach_response(&mut self, to: &mut Self) {
        core::mem::swap(&mut self.reading, &mut to.reading);
        (to.budget, to.status) = (self.budget, self.status);
    }

    /// The limit of the next wait for the gateway: its own, or what is left of the time of the whole call.
    pub fn wait_limit(&self, wait: Wait) -> WaitLimit {
        self.budget.limit(wait)
    }

    /// Takes note of a wait for the gateway.
    pub const fn waited(&mut self, duration: Duration) {
        self.budget.spend(duration);
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Session<B> {
    /// The size of the buffer for the login challenge, in bytes.
    pub fn challenge_len(&self) -> usize {
        self.login.buffer().as_ref().len()
    }

    /// The size of the buffer for a record, in bytes.
    pub fn record_len(&self) -> usize {
        self.reading.buffer().as_ref().len()
    }
}

impl<B> Session<B> {
    /// The status code of the latest response.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The bytes that an `Authorization` like the last one takes in a request, without the target that it contains.
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
