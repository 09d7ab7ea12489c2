//! A gateway and its nine calls.

use core::{fmt, time::Duration};

use embassy_time::Instant;
use sms_gateway_core::{
    Ports, TaskId,
    call::{
        AnyCall, Call, Commas, GetPortInfo, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue,
        QuerySmsResult, QueryUssdReply, SendSms, SendUssd, StopSms,
    },
    http::{
        Credentials, Head, LoginError, basic,
        login::{Denial, Login, Step},
        request,
    },
};

use crate::{
    Answer, Buffer, Buffers, Error, Limits, Transport,
    line::{Broken, Line},
};

/// How often a call is sent at most, each time with other credentials than were refused before.
const MAX_LOGINS: u32 = 3;
/// The least that an answer's own values need. Of a message that was sent it would not be known otherwise.
const MIN_RECORD: usize = 64;
/// The status of an answer with a login challenge.
const UNAUTHORIZED: u16 = 401;
/// What a request's head takes at most, beside its target, the host, and the login.
const HEAD: usize = 98;
/// What a Digest login takes at most, beside the target and what is kept of the challenge.
const DIGEST: usize = 86;
/// What stands before a login.
const AUTHORIZATION: usize = "\r\nAuthorization: ".len();

/// A gateway: an HTTP client that keeps one connection to it and stays logged in.
///
/// It makes one call at a time, and keeps nothing of a call in the call's future: a future that is dropped costs the connection, which
/// the next call opens anew, and nothing else. Whether the gateway has done what was asked is not known then; a message may have been sent.
///
/// ```no_run
/// use sms_gateway_embassy::{Error, Gateway, Memory, Transport, core::{Number, call::{Recipient, SendSms}}};
///
/// async fn send<T: Transport>(transport: T, entropy: &mut dyn FnMut() -> u64) -> Result<(), Error<T::Error>> {
///     let mut memory: Memory = Memory::new();
///     let mut gateway = Gateway::new(transport, "192.168.1.9", memory.buffers(), entropy).credentials("admin", "secret");
///     let recipients = [Recipient::new(Number::new("10086")?)];
///     let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients)?).await?;
///     assert!(accepted.task_id.is_some());
///     Ok(())
/// }
/// ```
pub struct Gateway<'m, T> {
    line: Line<'m, T>,
    login: Login<&'m mut [u8]>,
    credentials: Option<Credentials<'m>>,
    host: &'m str,
    commas: Commas,
    request: &'m mut [u8],
    record: &'m mut [u8],
    entropy: &'m mut dyn FnMut() -> u64,
    /// What the last login took, beside the target; 0: there was none.
    login_bytes: usize,
}

/// What the gateway said of an accepted send_sms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The number by which the request can be stopped.
    pub task_id: Option<TaskId>,
    /// How many messages wait to be sent.
    pub sms_in_queue: Option<u32>,
}

impl<'m, T> Gateway<'m, T> {
    /// A gateway to be reached by a transport that is not connected. Nothing is sent yet.
    ///
    /// `host` is its name or address, with the port unless it is 80, as it stands in requests. `entropy` gives a random number, another
    /// one each time, that nobody else can foretell: the login's client nonce.
    pub fn new(
        transport: T,
        host: &'m str,
        buffers: Buffers<'m>,
        entropy: &'m mut dyn FnMut() -> u64,
    ) -> Self {
        let Buffers { request, answer, record, login } = buffers;
        let middle = login.len() / 2;
        let (kept, values) = login.split_at_mut_checked(middle).unwrap_or_default();
        Self {
            line: Line::new(transport, answer, values, Limits::default()),
            login: Login::new(kept),
            credentials: None,
            host,
            commas: Commas::Encoded,
            request,
            record,
            entropy,
            login_bytes: 0,
        }
    }

    /// The user name and password. They answer a Digest login; see [`allow_basic`](Self::allow_basic).
    #[must_use]
    pub fn credentials(mut self, username: &'m str, password: &'m str) -> Self {
        self.set_credentials(username, password);
        self
    }

    /// Whether a Basic login is answered too, which shows the password to the network. Not by default.
    #[must_use]
    pub fn allow_basic(self, allowed: bool) -> Self {
        Self { login: self.login.allow_basic(allowed), ..self }
    }

    /// How commas in a query are written.
    #[must_use]
    pub fn commas(self, commas: Commas) -> Self {
        Self { commas, ..self }
    }

    /// The time limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        *self.line.limits_mut() = limits;
        self
    }

    /// Other credentials from now on. After [`Error::LoginRefused`] the gateway is asked again only then.
    pub fn set_credentials(&mut self, username: &'m str, password: &'m str) {
        self.credentials = Some(Credentials::new(username, password));
        self.login.reset();
        self.login_bytes = 0;
    }

    /// The same gateway by another transport, which is not connected, or an [`Opened`](crate::Opened) one. The login goes on.
    pub fn with_transport<U>(self, transport: U) -> (Gateway<'m, U>, T) {
        let Self { line, login, credentials, host, commas, request, record, entropy, login_bytes } = self;
        let (line, former) = line.with_transport(transport);
        let gateway =
            Gateway { line, login, credentials, host, commas, request, record, entropy, login_bytes };
        (gateway, former)
    }

    /// The transport, to be looked at.
    pub fn transport(&self) -> &T {
        self.line.transport()
    }

    /// The room for a request.
    pub(crate) const fn request_room(&self) -> usize {
        self.request.len()
    }

    /// What a request's head takes at most, whatever challenge comes. The credentials are those of now.
    pub(crate) fn head_bytes(&mut self, target: usize) -> usize {
        let digest = self.login.buffer_mut().len().saturating_add(DIGEST).saturating_add(target);
        let basic = match self.credentials.as_ref().map(|known| basic::authorization(known, &mut [])) {
            Some(Err(LoginError::TooSmall(error))) => error.needed,
            _ => 0,
        };
        HEAD.saturating_add(target).saturating_add(self.host.len()).saturating_add(digest.max(basic))
    }

    /// What a request takes with a login like the last one; without one if there was none.
    pub(crate) fn bytes_of(&self, call: AnyCall<'_>) -> usize {
        let head = Head { host: self.host, commas: self.commas, ..Head::default() };
        let plain = request(call, &head, &mut []).map_or_else(|error| error.needed, <[u8]>::len);
        let login = match self.login_bytes {
            0 => 0,
            login => login.saturating_add(self.target_length(call)),
        };
        plain.saturating_add(login)
    }

    fn target_length(&self, call: AnyCall<'_>) -> usize {
        call.target(self.commas, &mut []).map_or_else(|error| error.needed, str::len)
    }

    /// Where the last answer, if it was a redirect, sent to; `None` also if that found no room in half of [`Buffers::login`].
    pub fn location(&self) -> Option<&str> {
        self.line.location().ok().flatten()
    }
}

impl<'m, T: Transport> Gateway<'m, T> {
    /// Makes any of the nine calls: what the methods below are made of, for those who want the summary too.
    ///
    /// Dropping the future costs the connection; what was asked may have been done. This holds for all calls.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask<C: Call>(&mut self, request: &C) -> Result<Answer<'_, 'm, T, C>, Error<T::Error>> {
        self.call(request).await
    }

    /// Sends messages to up to 128 recipients (document §2).
    ///
    /// # Errors
    /// [`Error::Refused`] when the gateway does not accept them. When [`Error::may_have_arrived`] says so, they may be sent
    /// all the same: look them up by their user_ids before sending again.
    pub async fn send_sms(&mut self, request: &SendSms<'_>) -> Result<Accepted, Error<T::Error>> {
        let mut answer = self.call::<_, SendSms<'static>>(request).await?;
        let summary = answer.finish().await?;
        let task_id = summary.task_id.get().map(TaskId::new);
        Ok(Accepted { task_id, sms_in_queue: summary.sms_in_queue.get() })
    }

    /// Asks what became of messages (document §3).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_result(
        &mut self,
        request: &QuerySmsResult<'_>,
    ) -> Result<Answer<'_, 'm, T, QuerySmsResult<'static>>, Error<T::Error>> {
        self.call(request).await
    }

    /// Asks for status reports (document §4).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_deliver_status(
        &mut self,
        request: &QuerySmsDeliverStatus<'_>,
    ) -> Result<Answer<'_, 'm, T, QuerySmsDeliverStatus<'static>>, Error<T::Error>> {
        self.call(request).await
    }

    /// Asks how many messages wait to be sent (document §5); `None` when the answer does not tell.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_in_queue(&mut self) -> Result<Option<u32>, Error<T::Error>> {
        let mut answer = self.call::<_, QuerySmsInQueue>(&QuerySmsInQueue).await?;
        Ok(answer.finish().await?.in_queue.get())
    }

    /// Asks for incoming messages (document §6).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_incoming_sms(
        &mut self,
        request: &QueryIncomingSms,
    ) -> Result<Answer<'_, 'm, T, QueryIncomingSms>, Error<T::Error>> {
        self.call(request).await
    }

    /// Sends a USSD code or ends a session (document §7). See [`ussd`](Self::ussd) for sending and the reply in one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send_ussd(
        &mut self,
        request: &SendUssd<'_>,
    ) -> Result<Answer<'_, 'm, T, SendUssd<'static>>, Error<T::Error>> {
        self.call(request).await
    }

    /// Asks for USSD replies (document §8).
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Invalid`] without a port.
    pub async fn query_ussd_reply(
        &mut self,
        ports: Ports,
    ) -> Result<Answer<'_, 'm, T, QueryUssdReply>, Error<T::Error>> {
        self.call(&QueryUssdReply::new(ports)?).await
    }

    /// Stops a task: what of it waits is not sent (document §9).
    ///
    /// # Errors
    /// [`Error::Refused`] with code 404, from some gateways 486, when there is no such task.
    pub async fn stop_sms(&mut self, task: TaskId) -> Result<(), Error<T::Error>> {
        let mut answer = self.call::<_, StopSms>(&StopSms::new(task)).await?;
        answer.finish().await.map(|_| ())
    }

    /// Asks what ports are and hold (document §10).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_port_info(
        &mut self,
        request: &GetPortInfo,
    ) -> Result<Answer<'_, 'm, T, GetPortInfo>, Error<T::Error>> {
        self.call(request).await
    }

    /// Closes the connection, if one is kept; the next call opens another. The future may be dropped: the next call then closes it.
    pub async fn close(&mut self) {
        self.line.close().await;
    }

    /// Asks and logs in, as often as the login needs it; `C` is `R` without the lifetime of what the request borrows. The answer is a
    /// success.
    pub(crate) async fn call<R: Call, C: Call>(
        &mut self,
        request: &R,
    ) -> Result<Answer<'_, 'm, T, C>, Error<T::Error>> {
        self.send(AnyCall::from(request)).await?;
        Ok(Answer::new(&mut self.line, self.record))
    }

    /// Sends a request until it is let in, and sees to it that its answer is a success.
    async fn send(&mut self, request: AnyCall<'_>) -> Result<(), Error<T::Error>> {
        if self.record.len() < MIN_RECORD {
            return Err(Error::TooSmall { buffer: Buffer::Record, needed: MIN_RECORD });
        }
        for _ in 0..MAX_LOGINS {
            let (status, authorized) = self.authorized_exchange(request).await?;
            if status != UNAUTHORIZED {
                if authorized {
                    self.login.accepted();
                }
                return self.success(status).await;
            }
            self.unauthorized(authorized).await?;
        }
        Err(self.login.give_up().into())
    }

    /// Sends a request with the credentials that are due, and tells whether there were any. Once more, with credentials of its
    /// own, when the connection had gone stale and the request does no harm twice.
    async fn authorized_exchange(&mut self, call: AnyCall<'_>) -> Result<(u16, bool), Error<T::Error>> {
        let mut repeatable = call.is_repeatable();
        loop {
            let (length, authorized) = self.authorize_and_write(call).await?;
            match self.exchange(length).await {
                Ok(status) => return Ok((status, authorized)),
                Err(Broken::Stale(_)) if core::mem::take(&mut repeatable) => {}
                Err(Broken::Unsent(fault)) => return Err(Error::Unreachable(fault)),
                Err(broken) => return Err(Error::Lost(broken.into_fault())),
            }
        }
    }

    /// Writes a request with the credentials that are due, after a probe where one is due.
    async fn authorize_and_write(&mut self, call: AnyCall<'_>) -> Result<(usize, bool), Error<T::Error>> {
        if let Some(written) = self.write(call, true)? {
            return Ok(written);
        }
        self.probe().await?;
        // A probe is not due twice.
        match self.write(call, true)? {
            Some(written) => Ok(written),
            None => Err(self.login.give_up().into()),
        }
    }

    /// Writes a request, its length and whether it carries credentials; `None` when a probe comes first.
    fn write(
        &mut self,
        call: AnyCall<'_>,
        authorized: bool,
    ) -> Result<Option<(usize, bool)>, Error<T::Error>> {
        if self.host.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Error::Host);
        }
        let target = self.target_length(call);
        let authorization = if authorized {
            let credentials = self.credentials.as_ref();
            match authorization(&mut self.login, credentials, call, self.commas, self.line.scratch())? {
                Step::Probe => return Ok(None),
                Step::Plain => None,
                Step::Authorized(value) => {
                    self.login_bytes = AUTHORIZATION.saturating_add(value.len()).saturating_sub(target);
                    Some(value)
                }
            }
        } else {
            None
        };
        let head = Head { host: self.host, authorization, commas: self.commas, close: false };
        let written = request(call, &head, self.request);
        let length = written.map_err(|error| Error::too_small(Buffer::Request, error))?.len();
        Ok(Some((length, authorization.is_some())))
    }

    async fn exchange(&mut self, length: usize) -> Result<u16, Broken<T::Error>> {
        self.line.exchange(self.request.get(..length).unwrap_or_default()).await
    }

    /// Takes a 401 in: the next try is worth making, or it is an error.
    async fn unauthorized(&mut self, authorized: bool) -> Result<(), Error<T::Error>> {
        let result = self.learn(authorized);
        self.line.discard().await;
        result
    }

    fn learn(&mut self, authorized: bool) -> Result<(), Error<T::Error>> {
        // Both halves are as large as the larger challenge.
        let too_small =
            |needed: usize| Error::TooSmall { buffer: Buffer::Login, needed: needed.saturating_mul(2) };
        let challenges = self.line.challenges().map_err(|error| too_small(error.needed))?;
        let (entropy, now) = ((self.entropy)(), now());
        let credentials = self.credentials.as_ref();
        let result = if authorized {
            self.login.refused(challenges, credentials, entropy, now)
        } else {
            self.login.challenged(challenges, credentials, entropy, now)
        };
        result.map_err(|denial| match denial {
            Denial::TooSmall(error) => too_small(error.needed),
            other => other.into(),
        })
    }

    /// Fetches a challenge with a GET that changes nothing and carries no credentials.
    async fn probe(&mut self) -> Result<(), Error<T::Error>> {
        let Some((length, _)) = self.write(AnyCall::from(&QuerySmsInQueue), false)? else { return Ok(()) };
        let status = match self.exchange(length).await {
            Err(Broken::Stale(_)) => self.exchange(length).await,
            first => first,
        };
        let status = status.map_err(|broken| match broken {
            Broken::Unsent(fault) => Error::Unreachable(fault),
            Broken::Stale(fault) | Broken::Lost(fault) => Error::Login(fault),
        })?;
        if status == UNAUTHORIZED {
            return self.unauthorized(false).await;
        }
        self.success(status).await?;
        self.login.open();
        self.line.discard().await;
        Ok(())
    }

    /// Tells an answer from what stands in its place.
    async fn success(&mut self, status: u16) -> Result<(), Error<T::Error>> {
        if matches!(status, 200..300) {
            return Ok(());
        }
        self.line.discard().await;
        let is_redirect = matches!(status, 300..400) && !matches!(self.line.location(), Ok(None));
        Err(if is_redirect { Error::Redirect } else { Error::Http { status } })
    }
}

/// The login's next step for a request, written into `scratch` behind the request's target.
fn authorization<'s, E>(
    login: &mut Login<&mut [u8]>,
    credentials: Option<&Credentials<'_>>,
    call: AnyCall<'_>,
    commas: Commas,
    scratch: &'s mut [u8],
) -> Result<Step<'s>, Error<E>> {
    let target = call.target(commas, scratch).map_err(|error| Error::too_small(Buffer::Answer, error))?;
    let length = target.len();
    let (target, out) = scratch.split_at_mut_checked(length).unwrap_or_default();
    let target = core::str::from_utf8(target).unwrap_or_default();
    login.prepare(credentials, call.method().as_str(), target, now(), out).map_err(|denial| match denial {
        Denial::Unwritable(LoginError::TooSmall(error)) => {
            Error::TooSmall { buffer: Buffer::Answer, needed: error.needed.saturating_add(length) }
        }
        other => other.into(),
    })
}

/// The time since the start, for the login.
fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

/// Shows where the gateway is; nothing of the login.
impl<T> fmt::Debug for Gateway<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("host", &self.host).finish_non_exhaustive()
    }
}
