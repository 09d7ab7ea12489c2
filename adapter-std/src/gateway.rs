//! A gateway and its nine calls.

use std::{fmt, io, sync::Arc, time::Duration};

use hyper::{Uri, header::HeaderValue, http::response::Parts};
use sms_gateway_core::{
    Ports, TaskId,
    call::{
        AnyCall, Call, CommaEncoding, GetPortInfo, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue,
        QuerySmsResult, QueryUssdReply, RawCall, SendSms, SendUssd, StopSms,
    },
    client::{Accepted, Failure, Timeouts},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Mutex, OwnedMutexGuard, watch},
};
use tracing::Instrument;

use crate::{
    Error, RawResponse, Response, UrlError, WireEvent,
    client::{Account, Client, Outgoing},
    connect::{Connector, Settings},
    observe::Observer,
    response::Reader,
};

/// The settings of a gateway: its URL, credentials and limits.
///
/// The default time limits are those of [`Timeouts`], and 120 s until it is the call's turn.
#[derive(Clone)]
pub struct Builder {
    pub(crate) url: String,
    account: Option<Account>,
    is_basic_allowed: bool,
    pub(crate) connector: Connector,
    observer: Observer,
    #[cfg(feature = "tls")]
    pub(crate) tls: crate::tls::Settings,
    commas: CommaEncoding,
    pub(crate) timeouts: Timeouts,
    turn_timeout: Duration,
    record_buffer: usize,
}

impl Builder {
    fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            account: None,
            is_basic_allowed: false,
            connector: Connector::default(),
            observer: Observer::default(),
            #[cfg(feature = "tls")]
            tls: crate::tls::Settings::default(),
            commas: CommaEncoding::Encoded,
            timeouts: Timeouts::new(),
            turn_timeout: Duration::from_secs(120),
            record_buffer: 16 * 1024,
        }
    }

    /// Sets the user name and password. They answer a Digest login; see [`allow_basic`](Self::allow_basic).
    #[must_use]
    pub fn credentials(mut self, username: &str, password: &str) -> Self {
        self.account = Some(Account { username: username.to_owned(), password: password.to_owned() });
        self
    }

    /// Sets whether a Basic login is answered, which exposes the password to the network. By default it is not.
    #[must_use]
    pub const fn allow_basic(mut self, allowed: bool) -> Self {
        self.is_basic_allowed = allowed;
        self
    }

    /// Opens connections with `open` instead of plain TCP: through a proxy, from a chosen source address, or over the caller's
    /// own TLS.
    ///
    /// `open` takes the gateway's `host:port`, and returns a stream that is ready for HTTP, or for TLS if the URL is `https`.
    /// With the caller's own TLS the URL is `http` and names the port, `http://192.168.1.9:443`.
    /// [`Timeouts::connect`] bounds it; its error is [`Failure::Unreachable`].
    ///
    /// A write to the stream that fails must not have sent any of the bytes that it was given: if the first write on a kept
    /// connection fails, the request is sent again on a new one, even if it submits a message. TCP sockets keep to that. A
    /// stream that buffers must accept the bytes, and fail in a later call.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use sms_gateway::Gateway;
    /// use tokio::net::{TcpSocket, lookup_host};
    ///
    /// // The gateway is reachable from one of this computer's networks only.
    /// let open = |address: String| async move {
    ///     let to = lookup_host(address).await?.find(|to| to.is_ipv4()).ok_or(std::io::ErrorKind::NotFound)?;
    ///     let socket = TcpSocket::new_v4()?;
    ///     socket.bind((Ipv4Addr::new(192, 168, 1, 2), 0).into())?;
    ///     socket.set_nodelay(true)?;
    ///     socket.connect(to).await
    /// };
    /// let gateway = Gateway::builder("http://192.168.1.9").connector(open).build()?;
    /// # Ok::<(), sms_gateway::UrlError>(())
    /// ```
    #[must_use]
    pub fn connector<F, O, S>(mut self, open: F) -> Self
    where
        F: Fn(String) -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Connector::new(open);
        self
    }

    /// Reports all bytes on the gateway's connections to `observe`, for diagnosis. They include credentials: keep them out of
    /// logs.
    #[must_use]
    pub fn observe(mut self, observe: impl Fn(WireEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observe);
        self
    }

    /// Sets how commas in a query are written.
    #[must_use]
    pub const fn commas(mut self, commas: CommaEncoding) -> Self {
        self.commas = commas;
        self
    }

    /// Sets the limits on connecting, on the wait for a response, and on a call as a whole.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the limit on the wait for an earlier call's response to be read, since a gateway has one connection.
    #[must_use]
    pub const fn turn_timeout(mut self, limit: Duration) -> Self {
        self.turn_timeout = limit;
        self
    }

    /// Sets the size of the buffer for one record of a response, in bytes; 16 KiB by default. A longer text is reported as
    /// [`Text::TooLong`](sms_gateway_core::json::Text::TooLong).
    #[must_use]
    pub const fn record_buffer(mut self, bytes: usize) -> Self {
        self.record_buffer = bytes;
        self
    }

    /// Builds the gateway. Nothing is sent yet.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn build(self) -> Result<Gateway, UrlError> {
        let site = Site::of(&self.url)?;
        let settings = Settings {
            is_https: site.is_https,
            connector: self.secured(&site)?,
            address: site.address.into(),
            host: site.header,
            observer: self.observer,
            commas: self.commas,
            turn_timeout: self.turn_timeout,
        };
        let client = Client::new(self.account, self.is_basic_allowed, self.record_buffer, self.timeouts);
        Ok(Gateway {
            settings: Arc::new(settings),
            client: Arc::new(Mutex::new(client)),
            credentials: watch::Sender::new(()),
        })
    }
}

/// Shows the user name and the time limits, and nothing else of the login.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = self.account.as_ref().map(|account| account.username.as_str());
        f.debug_struct("Builder")
            .field("username", &username)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// A gateway's place, by its URL.
pub(crate) struct Site {
    pub(crate) is_https: bool,
    /// `host:port`, to connect to.
    pub(crate) address: String,
    /// The `Host` header.
    header: HeaderValue,
}

impl Site {
    pub(crate) fn of(url: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| UrlError::Malformed)?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(UrlError::Malformed),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Userinfo);
        }
        if authority.host().is_empty() {
            return Err(UrlError::Malformed);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(UrlError::Path);
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if is_https => 443,
            Some("") => 80,
            _ => authority.port_u16().filter(|port| *port != 0).ok_or(UrlError::Malformed)?,
        };
        let address = format!("{}:{port}", authority.host());
        let header = HeaderValue::from_str(authority.as_str()).map_err(|_| UrlError::Malformed)?;
        Ok(Self { is_https, address, header })
    }

    /// The host without the port.
    #[cfg(feature = "tls")]
    pub(crate) fn host(&self) -> &str {
        self.address.rsplit_once(':').map_or("", |(host, _)| host)
    }
}

#[cfg(not(feature = "tls"))]
impl Builder {
    /// Returns the connector for a gateway.
    fn secured(&self, site: &Site) -> Result<Connector, UrlError> {
        if site.is_https { Err(UrlError::Https) } else { Ok(self.connector.clone()) }
    }
}

/// A gateway: an HTTP client that keeps one connection to it and stays logged in. Cheap to clone; clones share both.
///
/// Calls from several tasks take turns, in the order in which they were made.
///
/// ```no_run
/// use sms_gateway::{Gateway, core::{Number, call::{Recipient, SendSms}}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = Gateway::builder("http://192.168.1.9").credentials("admin", "secret").build()?;
/// let recipients = [Recipient::new(Number::new("10086")?)];
/// let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients)?).await?;
/// println!("task {:?}", accepted.task_id);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Gateway {
    settings: Arc<Settings>,
    client: Arc<Mutex<Client>>,
    /// Changes with the credentials.
    credentials: watch::Sender<()>,
}

impl Gateway {
    /// Starts with the gateway's URL, `http://host[:port]` or `https://host[:port]`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Replaces the credentials. After [`Failure::LoginRefused`] no request is sent until then; a
    /// [`Messenger`](crate::Messenger) that uses this gateway or a clone of it continues at once.
    ///
    /// # Errors
    /// [`Failure::Busy`] if an earlier call's response is not read to its end in time.
    pub async fn set_credentials(&self, username: &str, password: &str) -> Result<(), Error> {
        let account = Account { username: username.to_owned(), password: password.to_owned() };
        self.turn().await?.set_account(Some(account));
        self.credentials.send_replace(());
        Ok(())
    }

    /// Returns a receiver that is notified when the credentials change.
    pub(crate) fn credentials(&self) -> watch::Receiver<()> {
        self.credentials.subscribe()
    }

    /// Returns the gateway's `host:port`.
    pub fn address(&self) -> &str {
        &self.settings.address
    }

    /// Makes any of the nine calls. The methods below use it; it gives access to the summary too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask<C: Call>(&self, request: &C) -> Result<Response<C>, Error> {
        self.call(request).await
    }

    /// Makes a call that this library does not know, on the logged-in session. Any status other than 401 is returned;
    /// without credentials a 401 is returned too.
    ///
    /// ```no_run
    /// use sms_gateway::{Gateway, RawCall};
    ///
    /// # async fn example(gateway: &Gateway) -> Result<(), sms_gateway::Error> {
    /// let mut response = gateway.raw(&RawCall::get("/api/get_status?param=performance")?).await?;
    /// println!("{} {:?}", response.status(), response.header("content-type"));
    /// let mut body = Vec::new();
    /// while let Some(piece) = response.next().await? {
    ///     body.extend_from_slice(piece);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn raw(&self, call: &RawCall<'_>) -> Result<RawResponse, Error> {
        let outgoing = self.prepare(AnyCall::from(call))?;
        let (head, reader) = self.respond(self.turn().await?, &outgoing).await?;
        Ok(RawResponse::new(head, reader))
    }

    /// Sends messages to up to 128 recipients (document §2). See [`send_to_all`](Self::send_to_all) for more.
    ///
    /// # Errors
    /// [`Failure::Refused`] if the gateway does not accept them. If [`Failure::may_have_arrived`] is true, they may have been
    /// accepted: query their results by user_id before sending again.
    pub async fn send_sms(&self, request: &SendSms<'_>) -> Result<Accepted, Error> {
        let mut response = self.call::<_, SendSms<'static>>(request).await?;
        response.finish().await.map(Accepted::from)
    }

    /// Queries the results of messages (document §3).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_result(
        &self,
        request: &QuerySmsResult<'_>,
    ) -> Result<Response<QuerySmsResult<'static>>, Error> {
        self.call(request).await
    }

    /// Queries status reports (document §4).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_deliver_status(
        &self,
        request: &QuerySmsDeliverStatus<'_>,
    ) -> Result<Response<QuerySmsDeliverStatus<'static>>, Error> {
        self.call(request).await
    }

    /// Queries the number of messages that wait to be sent (document §5); `None` if the response does not contain it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_in_queue(&self) -> Result<Option<u32>, Error> {
        let mut response = self.call::<_, QuerySmsInQueue>(&QuerySmsInQueue).await?;
        Ok(response.finish().await?.in_queue.get())
    }

    /// Queries incoming messages (document §6).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_incoming_sms(
        &self,
        request: &QueryIncomingSms,
    ) -> Result<Response<QueryIncomingSms>, Error> {
        self.call(request).await
    }

    /// Sends a USSD code or ends a session (document §7). [`ussd`](Self::ussd) also waits for the reply.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send_ussd(&self, request: &SendUssd<'_>) -> Result<Response<SendUssd<'static>>, Error> {
        self.call(request).await
    }

    /// Queries USSD replies (document §8).
    ///
    /// # Errors
    /// See [`Error`]; [`Failure::Invalid`] if there is no port.
    pub async fn query_ussd_reply(&self, ports: Ports) -> Result<Response<QueryUssdReply>, Error> {
        self.call(&QueryUssdReply::new(ports)?).await
    }

    /// Stops a task: its waiting messages are not sent (document §9).
    ///
    /// # Errors
    /// [`Failure::Refused`] with code 404, or 486 from some gateways, if there is no such task.
    pub async fn stop_sms(&self, task: TaskId) -> Result<(), Error> {
        let mut response = self.call::<_, StopSms>(&StopSms::new(task)).await?;
        response.finish().await.map(|_| ())
    }

    /// Queries the status of ports and their SIMs (document §10).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_port_info(&self, request: &GetPortInfo) -> Result<Response<GetPortInfo>, Error> {
        self.call(request).await
    }

    /// Sends a request; `C` is `R` without the lifetime of what the request borrows.
    async fn call<R: Call, C: Call>(&self, request: &R) -> Result<Response<C>, Error> {
        let outgoing = self.prepare(AnyCall::from(request))?;
        self.exchange(self.turn().await?, &outgoing).await.map(Response::new)
    }

    /// Prepares a call so that it borrows nothing.
    pub(crate) fn prepare(&self, call: AnyCall<'_>) -> Result<Outgoing, Error> {
        Outgoing::new(call, self.settings.commas).map_err(Error::from)
    }

    /// Waits for the turn to use the connection.
    pub(crate) async fn turn(&self) -> Result<OwnedMutexGuard<Client>, Error> {
        // Most calls find the connection free, and need no timer.
        if let Ok(client) = Arc::clone(&self.client).try_lock_owned() {
            return Ok(client);
        }
        let limit = self.settings.turn_timeout;
        let turn = tokio::time::timeout(limit, Arc::clone(&self.client).lock_owned()).await;
        turn.map_err(|_| Error::from(Failure::Busy { limit }).at(&self.settings.address))
    }

    /// Sends a prepared call and returns the reader of its response.
    pub(crate) async fn exchange(
        &self,
        client: OwnedMutexGuard<Client>,
        outgoing: &Outgoing,
    ) -> Result<Reader, Error> {
        self.respond(client, outgoing).await.map(|(_, reader)| reader)
    }

    /// Sends a prepared call and returns the head of its response and the reader of its body.
    async fn respond(
        &self,
        mut client: OwnedMutexGuard<Client>,
        outgoing: &Outgoing,
    ) -> Result<(Parts, Reader), Error> {
        let span = tracing::debug_span!("call", name = outgoing.name(), gateway = %self.settings.address);
        async {
            match client.call(outgoing, &self.settings).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    Ok((head, Reader::new(body, client, Arc::clone(&self.settings))))
                }
                Err(error) => {
                    let error = error.at(&self.settings.address);
                    tracing::debug!(%error, "failed");
                    Err(error)
                }
            }
        }
        .instrument(span)
        .await
    }
}

/// Shows the gateway's address, and nothing of the login.
impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address()).finish_non_exhaustive()
    }
}
