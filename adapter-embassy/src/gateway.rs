//! A gateway and its nine calls.

use core::fmt;

use sms_gateway_core::{
    Ports, TaskId,
    call::{
        AnyCall, Call, CommaEncoding, GetPortInfo, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue,
        QuerySmsResult, QueryUssdReply, RawCall, SendSms, SendUssd, Spec, StopSms,
    },
    client::{Accepted, Buffer, Excerpt, Failure, Next, ResponseHead, Session, Site, Sms, Timeouts},
    http::Credentials,
    track::Limits,
};

use crate::{
    Buffers, Error, RawResponse, Response, Transport,
    clock::now,
    connection::{Connection, Fault, GatewaySession},
};

/// The minimum size of the buffer for a record, in bytes. The summary of a response needs this much. Without the summary, the outcome of a
/// send_sms would be unknown.
const MIN_RECORD: usize = 64;
/// An HTTP client for one gateway. It keeps one connection open and stays logged in.
///
/// It makes one call at a time, and keeps no state in the call's future. Dropping a future only costs the connection: the next call opens a
/// new one. It is then unknown whether the gateway has executed the request: a message may have been sent.
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
    connection: Connection<'m, T>,
    session: GatewaySession<'m>,
    site: Site<'m>,
    request: &'m mut [u8],
    entropy: &'m mut dyn FnMut() -> u64,
}

impl<'m, T> Gateway<'m, T> {
    /// Creates a client over a transport that is not connected. Nothing is sent yet.
    ///
    /// `host` is the gateway's name or address as it appears in requests, with the port unless that is 80. `entropy` returns a random
    /// number that is unpredictable and new each time. The login uses it as the client nonce.
    pub fn new(
        transport: T,
        host: &'m str,
        buffers: Buffers<'m>,
        entropy: &'m mut dyn FnMut() -> u64,
    ) -> Self {
        let Buffers { request, response, record, challenge } = buffers;
        let middle = challenge.len() / 2;
        let (kept, values) = challenge.split_at_mut_checked(middle).unwrap_or_default();
        Self {
            connection: Connection::new(transport, values, response),
            session: Session::new(kept, record),
            site: Site { host, commas: CommaEncoding::Encoded, credentials: None },
            request,
            entropy,
        }
    }

    /// Sets the user name and password for a Digest login. For a Basic login, see [`allow_basic`](Self::allow_basic).
    #[must_use]
    pub fn credentials(mut self, username: &'m str, password: &'m str) -> Self {
        self.set_credentials(username, password);
        self
    }

    /// Sets whether a Basic login is allowed, which exposes the password to the network. It is not allowed by default.
    #[must_use]
    pub const fn allow_basic(mut self, allowed: bool) -> Self {
        self.session.allow_basic(allowed);
        self
    }

    /// Sets how commas in a query are written.
    #[must_use]
    pub const fn commas(mut self, commas: CommaEncoding) -> Self {
        self.site.commas = commas;
        self
    }

    /// Sets the time limits.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.session.set_timeouts(timeouts);
        self
    }

    /// Replaces the credentials. After [`Failure::LoginRefused`], requests are sent again only after this call.
    pub fn set_credentials(&mut self, username: &'m str, password: &'m str) {
        self.site.credentials = Some(Credentials::new(username, password));
        self.session.reset_login();
    }

    /// Replaces the transport by one that is not connected, or by a new [`Opened`](crate::Opened). The login is kept. Also returns the old
    /// transport.
    pub fn with_transport<U>(self, transport: U) -> (Gateway<'m, U>, T) {
        let Self { connection, session, site, request, entropy } = self;
        let (connection, former) = connection.with_transport(transport);
        (Gateway { connection, session, site, request, entropy }, former)
    }

    /// Returns the transport, for inspection.
    pub const fn transport(&self) -> &T {
        self.connection.transport()
    }

    /// Draws a random number.
    pub(crate) fn draw(&mut self) -> u64 {
        (self.entropy)()
    }

    /// Returns the size of the buffer for a request, in bytes.
    pub(crate) const fn request_len(&self) -> usize {
        self.request.len()
    }

    /// Lowers the limits of a messenger so that its requests fit into the lent buffers.
    pub(crate) fn fit_limits(&self, limits: &mut Limits, texts: usize) {
        self.session.fit_limits(limits, &self.site, self.request.len(), texts);
    }

    /// Returns the length of a request that submits only this message, in bytes. The login is included if its length is known already.
    pub(crate) fn submission_bytes(&self, sms: &Sms<'_>) -> usize {
        self.session.submission_bytes(sms, &self.site)
    }

    /// Returns the address that the last response redirected to. `None` if it was not a redirect, or if the address does not fit into
    /// half of [`Buffers::challenge`].
    pub fn location(&self) -> Option<&str> {
        self.connection.wire.location().ok().flatten()
    }

    /// Returns the beginning of the last response's body, if the call failed with [`Failure::Http`]; otherwise the result is empty. The
    /// text is kept in [`Buffers::record`].
    ///
    /// With status 403, the body states why the gateway forbids a call. After refused logins, the gateway locks out the client's address
    /// for some minutes (`forbid to try again`), unless someone unlocks it in the web interface. The gateway also forbids every call while
    /// its API is disabled.
    ///
    /// ```no_run
    /// # use sms_gateway_embassy::{Gateway, Transport};
    /// # async fn example<T: Transport>(gateway: &mut Gateway<'_, T>) {
    /// if let Err(error) = gateway.query_sms_in_queue().await {
    ///     println!("{}: {}", error.failure, gateway.excerpt());
    /// }
    /// # }
    /// ```
    pub fn excerpt(&self) -> Excerpt<'_> {
        self.session.excerpt(self.site.credentials)
    }
}

impl<'m, T: Transport> Gateway<'m, T> {
    /// Makes any of the nine calls. Use this method to read the whole summary of a response: some of the methods below return only a
    /// part of the summary.
    ///
    /// Dropping the future of this or any other call costs the connection. The gateway may still have executed the request.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask<C: Call>(&mut self, request: &C) -> Result<Response<'_, 'm, T, C>, Error<T::Error>> {
        self.call(request).await
    }

    /// Makes a call that this library does not know, in the logged-in session. A response with any status is returned. The only exception
    /// is status 401 if credentials are set: the client then logs in, or the call fails.
    ///
    /// ```no_run
    /// # use sms_gateway_embassy::{Error, Gateway, Transport, RawCall};
    /// # async fn example<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Error<T::Error>> {
    /// let mut response = gateway.raw(&RawCall::post("/api/get_status", br#"["performance"]"#)?).await?;
    /// let mut length = 0;
    /// while let Some(piece) = response.next().await? {
    ///     length += piece.len();
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn raw(&mut self, call: &RawCall<'_>) -> Result<RawResponse<'_, 'm, T>, Error<T::Error>> {
        self.send(AnyCall::from(call)).await.map_err(|fault| self.error(fault))?;
        Ok(RawResponse::new(&mut self.connection, &mut self.session))
    }

    /// Sends messages to up to 128 recipients (document §2).
    ///
    /// # Errors
    /// [`Failure::Refused`] if the gateway does not accept the messages. If [`Failure::may_have_arrived`] is true, the gateway may send
    /// them all the same: look them up by their user_ids before you send them again.
    pub async fn send_sms(&mut self, request: &SendSms<'_>) -> Result<Accepted, Error<T::Error>> {
        let mut response = self.call::<_, SendSms<'static>>(request).await?;
        Ok(response.finish().await?.into())
    }

    /// Queries the results of messages (document §3).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_result(
        &mut self,
        request: &QuerySmsResult<'_>,
    ) -> Result<Response<'_, 'm, T, QuerySmsResult<'static>>, Error<T::Error>> {
        self.call(request).await
    }

    /// Queries status reports (document §4).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_deliver_status(
        &mut self,
        request: &QuerySmsDeliverStatus<'_>,
    ) -> Result<Response<'_, 'm, T, QuerySmsDeliverStatus<'static>>, Error<T::Error>> {
        self.call(request).await
    }

    /// Queries the number of messages in the gateway's queue (document §5); `None` if the response does not contain it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_in_queue(&mut self) -> Result<Option<u32>, Error<T::Error>> {
        let mut response = self.call::<_, QuerySmsInQueue>(&QuerySmsInQueue).await?;
        Ok(response.finish().await?.in_queue.get())
    }

    /// Queries incoming messages (document §6).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_incoming_sms(
        &mut self,
        request: &QueryIncomingSms,
    ) -> Result<Response<'_, 'm, T, QueryIncomingSms>, Error<T::Error>> {
        self.call(request).await
    }

    /// Sends a USSD code or ends a USSD session (document §7). [`ussd`](Self::ussd) sends a code and also waits for the reply.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send_ussd(
        &mut self,
        request: &SendUssd<'_>,
    ) -> Result<Response<'_, 'm, T, SendUssd<'static>>, Error<T::Error>> {
        self.call(request).await
    }

    /// Queries USSD replies (document §8).
    ///
    /// # Errors
    /// See [`Error`]; [`Failure::Invalid`] if `ports` is empty.
    pub async fn query_ussd_reply(
        &mut self,
        ports: Ports,
    ) -> Result<Response<'_, 'm, T, QueryUssdReply>, Error<T::Error>> {
        self.call(&QueryUssdReply::new(ports)?).await
    }

    /// Stops a task: its messages that are still queued are not sent (document §9).
    ///
    /// # Errors
    /// [`Failure::Refused`] if there is no such task: with code 404, or 486 from some gateways.
    pub async fn stop_sms(&mut self, task: TaskId) -> Result<(), Error<T::Error>> {
        let mut response = self.call::<_, StopSms>(&StopSms::new(task)).await?;
        response.finish().await.map(|_| ())
    }

    /// Queries the state of ports and their SIM cards (document §10).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_port_info(
        &mut self,
        request: &GetPortInfo,
    ) -> Result<Response<'_, 'm, T, GetPortInfo>, Error<T::Error>> {
        self.call(request).await
    }

    /// Closes the connection, if one is open. The next call opens a new one. If this future is dropped, the next call completes the close
    /// first.
    pub async fn close(&mut self) {
        self.connection.close().await;
    }

    /// Sends a request, and logs in if needed. `C` is `R` without the lifetime of the data that the request borrows.
    pub(crate) async fn call<R: Call, C: Call>(
        &mut self,
        request: &R,
    ) -> Result<Response<'_, 'm, T, C>, Error<T::Error>> {
        self.send(AnyCall::from(request)).await.map_err(|fault| self.error(fault))?;
        Ok(Response::new(&mut self.connection, &mut self.session))
    }

    /// Performs the exchanges of a call until its response can be read.
    async fn send(&mut self, call: AnyCall<'_>) -> Result<(), Fault<T::Error>> {
        self.begin(call.spec(), call.is_repeatable())?;
        loop {
            let length = self.write(call)?;
            if self.exchange(length).await? {
                return Ok(());
            }
        }
    }

    /// Begins a call.
    pub(crate) fn begin(&mut self, spec: &'static Spec, is_repeatable: bool) -> Result<(), Fault<T::Error>> {
        if self.session.record_len() < MIN_RECORD {
            return Err(self.fail(Failure::TooSmall { buffer: Buffer::Record, needed: MIN_RECORD }));
        }
        self.session.begin(spec, is_repeatable);
        Ok(())
    }

    /// Writes the request that is sent next, and returns its length.
    pub(crate) fn write(&mut self, call: AnyCall<'_>) -> Result<usize, Fault<T::Error>> {
        let scratch = self.connection.wire.scratch();
        let written = self.session.write(call, &self.site, now(), scratch, self.request);
        written.map_err(|failure| self.fail(failure))
    }

    /// Keeps the reason for a failure.
    pub(crate) const fn fail(&mut self, failure: Failure) -> Fault<T::Error> {
        self.connection.fail(failure)
    }

    /// Returns the error of a call that failed.
    pub(crate) fn error(&self, fault: Fault<T::Error>) -> Error<T::Error> {
        self.connection.error(fault)
    }

    /// Sends the written request. Returns whether its response can be read. If not, the request must be [written](Self::write) and sent
    /// again.
    pub(crate) async fn exchange(&mut self, length: usize) -> Result<bool, Fault<T::Error>> {
        loop {
            let request = self.request.get(..length).unwrap_or_default();
            let next = match self.connection.exchange(request, &mut self.session).await {
                Ok(head) => self.take_head(head).await?,
                Err(fault) => self.lost(fault)?,
            };
            match next {
                Next::Read => return Ok(true),
                Next::Send => return Ok(false),
                Next::Resend => {}
            }
        }
    }

    /// Hands a broken exchange to the session.
    // Not inlined, because its code is larger inside a large future.
    #[inline(never)]
    fn lost(&mut self, fault: Fault<T::Error>) -> Result<Next, Fault<T::Error>> {
        let next = self.session.lost(self.connection.broken());
        next.map_err(|failure| self.connection.fail_by(failure, fault))
    }

    /// Hands the head of a response to the session. A body that is not needed is discarded here, so that the connection can be kept.
    async fn take_head(&mut self, head: ResponseHead) -> Result<Next, Fault<T::Error>> {
        let credentials = self.site.credentials.as_ref();
        let challenges = self.connection.wire.challenges();
        let next = self.session.responded(head, challenges, credentials, &mut self.entropy, now());
        if next != Ok(Next::Read) {
            self.connection.finish(&mut self.session).await;
        }
        next.map_err(|mut failure| {
            // Each half of the buffer must have the needed size.
            if let Failure::TooSmall { buffer: Buffer::Challenge, needed } = &mut failure {
                *needed = needed.saturating_mul(2);
            }
            self.fail(failure)
        })
    }

    /// Returns the session, which holds the data of the last response.
    pub(crate) const fn session(&self) -> &GatewaySession<'m> {
        &self.session
    }

    /// Returns the connection and the session, to read a response without a [`Response`].
    pub(crate) const fn parts(&mut self) -> (&mut Connection<'m, T>, &mut GatewaySession<'m>) {
        (&mut self.connection, &mut self.session)
    }
}

/// Shows the gateway's host but nothing of the login.
impl<T> fmt::Debug for Gateway<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("host", &self.site.host).finish_non_exhaustive()
    }
}
