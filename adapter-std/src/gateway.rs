//! A gateway and its nine calls.

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use hyper::{Uri, header::HeaderValue};
use sms_gateway_core::{
    Ports, TaskId,
    call::{
        Call, Commas, GetPortInfo, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult,
        QueryUssdReply, SendSms, SendUssd, StopSms,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Mutex, watch},
};
use tracing::Instrument;

use crate::{
    Answer, Error, UrlError, Wait,
    connect::Connector,
    login::Account,
    session::{Limits, Outgoing, Session, Settings, within},
};

/// A gateway to be built: its URL, credentials and limits.
///
/// The limits' defaults are generous, for a small device that is busy with radio: 10 s to connect, 30 s for an answer's
/// beginning, 30 s without a byte of it, 120 s for another call's turn.
#[derive(Clone)]
pub struct Builder {
    url: String,
    account: Option<Account>,
    basic_allowed: bool,
    connector: Connector,
    commas: Commas,
    limits: Limits,
    record_buffer: usize,
}

impl Builder {
    fn new(url: &str) -> Self {
        let second = Duration::from_secs;
        Self {
            url: url.to_owned(),
            account: None,
            basic_allowed: false,
            connector: Connector::default(),
            commas: Commas::Encoded,
            limits: Limits { turn: second(120), connect: second(10), answer: second(30), body: second(30) },
            record_buffer: 16 * 1024,
        }
    }

    /// The user name and password. They answer a Digest login; see [`allow_basic`](Self::allow_basic).
    #[must_use]
    pub fn credentials(mut self, username: &str, password: &str) -> Self {
        self.account = Some(Account { username: username.to_owned(), password: password.to_owned() });
        self
    }

    /// Whether a Basic login is answered too, which shows the password to the network. Not by default.
    #[must_use]
    pub const fn allow_basic(mut self, allowed: bool) -> Self {
        self.basic_allowed = allowed;
        self
    }

    /// Opens connections with `open` instead of plain TCP: through a proxy, from a chosen source address, or over the caller's own TLS.
    ///
    /// `open` takes the gateway's `host:port`, and returns a stream that is ready for HTTP. [`connect_limit`](Self::connect_limit)
    /// bounds it; an error of it is [`Error::Unreachable`].
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
    /// # Ok::<(), sms_gateway::Error>(())
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

    /// How commas in a query are written.
    #[must_use]
    pub const fn commas(mut self, commas: Commas) -> Self {
        self.commas = commas;
        self
    }

    /// The limit on connecting.
    #[must_use]
    pub const fn connect_limit(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// The limit on the wait from a request to its answer's beginning.
    #[must_use]
    pub const fn answer_limit(mut self, limit: Duration) -> Self {
        self.limits.answer = limit;
        self
    }

    /// The limit on the wait for an answer's next byte.
    #[must_use]
    pub const fn idle_limit(mut self, limit: Duration) -> Self {
        self.limits.body = limit;
        self
    }

    /// The limit on the wait for an earlier call's answer to be read, since a gateway has one connection.
    #[must_use]
    pub const fn turn_limit(mut self, limit: Duration) -> Self {
        self.limits.turn = limit;
        self
    }

    /// The size in bytes of the buffer for one record of an answer, 16 KiB by default. A longer text comes out as
    /// [`Text::TooLong`](sms_gateway_core::json::Text::TooLong).
    #[must_use]
    pub const fn record_buffer(mut self, bytes: usize) -> Self {
        self.record_buffer = bytes;
        self
    }

    /// Makes the gateway. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn build(self) -> Result<Gateway, Error> {
        let (address, host) = parse_url(&self.url).map_err(Error::Url)?;
        let settings = Settings {
            address,
            connector: self.connector,
            host,
            commas: self.commas,
            limits: self.limits,
            record_buffer: self.record_buffer,
        };
        let session = Arc::new(Mutex::new(Session::new(self.account, self.basic_allowed)));
        Ok(Gateway { settings: Arc::new(settings), session, credentials: watch::Sender::new(()) })
    }
}

/// Shows everything but the password.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = self.account.as_ref().map(|account| account.username.as_str());
        f.debug_struct("Builder")
            .field("username", &username)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// `host:port` to connect to, and the `Host` header.
fn parse_url(url: &str) -> Result<(String, HeaderValue), UrlError> {
    let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| UrlError::Malformed)?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(UrlError::Https),
        _ => return Err(UrlError::Malformed),
    }
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
        Some("") => 80,
        _ => authority.port_u16().filter(|port| *port != 0).ok_or(UrlError::Malformed)?,
    };
    let address = format!("{}:{port}", authority.host());
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| UrlError::Malformed)?;
    Ok((address, host))
}

/// A gateway: an HTTP client that keeps one connection to it and stays logged in. Cheap to clone; clones share both.
///
/// Calls from several tasks take turns, in the order in which they came.
///
/// ```no_run
/// use sms_gateway::{Gateway, core::{Number, call::{Recipient, SendSms}}};
///
/// # async fn example() -> Result<(), sms_gateway::Error> {
/// let gateway = Gateway::builder("http://192.168.1.9").credentials("admin", "secret").build()?;
/// let recipients = [Recipient::new(Number::new("10086")?)];
/// let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients)?).await?;
/// println!("task {:?}", accepted.task_id);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Gateway {
    settings: Arc<Settings>,
    session: Arc<Mutex<Session>>,
    /// Changes with the credentials.
    credentials: watch::Sender<()>,
}

/// What the gateway said of an accepted send_sms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The number by which the request can be stopped.
    pub task_id: Option<TaskId>,
    /// How many messages wait to be sent.
    pub sms_in_queue: Option<u32>,
}

impl Gateway {
    /// Starts with the gateway's URL, `http://host[:port]`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Other credentials from now on. After [`Error::LoginRefused`] the gateway is asked again only then: by a
    /// [`Messenger`](crate::Messenger) over it or a clone of it at once.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when an earlier call's answer is not read to its end in time.
    pub async fn set_credentials(&self, username: &str, password: &str) -> Result<(), Error> {
        let account = Account { username: username.to_owned(), password: password.to_owned() };
        let limit = self.settings.limits.turn;
        within(limit, Wait::Turn, self.session.lock()).await?.set_account(Some(account));
        self.credentials.send_replace(());
        Ok(())
    }

    /// Tells when there are other credentials.
    pub(crate) fn credentials(&self) -> watch::Receiver<()> {
        self.credentials.subscribe()
    }

    /// Makes any of the nine calls: what the methods below are made of, for those who want the summary too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask<C: Call>(&self, request: &C) -> Result<Answer<C>, Error> {
        self.call(request).await
    }

    /// Sends messages to up to 128 recipients (document §2). See [`send_to_all`](Self::send_to_all) for more.
    ///
    /// # Errors
    /// [`Error::Refused`] when the gateway does not accept them. When [`Error::may_have_arrived`] says so, they may be sent
    /// all the same: look them up by their user_ids before sending again.
    pub async fn send_sms(&self, request: &SendSms<'_>) -> Result<Accepted, Error> {
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
        &self,
        request: &QuerySmsResult<'_>,
    ) -> Result<Answer<QuerySmsResult<'static>>, Error> {
        self.call(request).await
    }

    /// Asks for status reports (document §4).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_deliver_status(
        &self,
        request: &QuerySmsDeliverStatus<'_>,
    ) -> Result<Answer<QuerySmsDeliverStatus<'static>>, Error> {
        self.call(request).await
    }

    /// Asks how many messages wait to be sent (document §5); `None` when the answer does not tell.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_sms_in_queue(&self) -> Result<Option<u32>, Error> {
        let mut answer = self.call::<_, QuerySmsInQueue>(&QuerySmsInQueue).await?;
        Ok(answer.finish().await?.in_queue.get())
    }

    /// Asks for incoming messages (document §6).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn query_incoming_sms(
        &self,
        request: &QueryIncomingSms,
    ) -> Result<Answer<QueryIncomingSms>, Error> {
        self.call(request).await
    }

    /// Sends a USSD code or ends a session (document §7). See [`ussd`](Self::ussd) for sending and the reply in one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send_ussd(&self, request: &SendUssd<'_>) -> Result<Answer<SendUssd<'static>>, Error> {
        self.call(request).await
    }

    /// Asks for USSD replies (document §8).
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Invalid`] without a port.
    pub async fn query_ussd_reply(&self, ports: Ports) -> Result<Answer<QueryUssdReply>, Error> {
        self.call(&QueryUssdReply::new(ports)?).await
    }

    /// Stops a task: what of it waits is not sent (document §9).
    ///
    /// # Errors
    /// [`Error::Refused`] with code 404, from some gateways 486, when there is no such task.
    pub async fn stop_sms(&self, task: TaskId) -> Result<(), Error> {
        let mut answer = self.call::<_, StopSms>(&StopSms::new(task)).await?;
        answer.finish().await.map(|_| ())
    }

    /// Asks what ports are and hold (document §10).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_port_info(&self, request: &GetPortInfo) -> Result<Answer<GetPortInfo>, Error> {
        self.call(request).await
    }

    /// Asks; `C` is `R` without the lifetime of what the request borrows.
    async fn call<R: Call, C: Call>(&self, request: &R) -> Result<Answer<C>, Error> {
        self.exchange(&self.write(request)?).await
    }

    /// A request as it is to go out, which borrows nothing.
    pub(crate) fn write<R: Call>(&self, request: &R) -> Result<Outgoing, Error> {
        Outgoing::new(request, self.settings.commas)
    }

    /// Sends a request; `C` is the call that it was made of.
    pub(crate) async fn exchange<C: Call>(&self, request: &Outgoing) -> Result<Answer<C>, Error> {
        let limits = self.settings.limits;
        let span = tracing::debug_span!("call", name = C::NAME, gateway = %self.settings.address);
        async {
            let session = Arc::clone(&self.session);
            // Most calls find nobody before them, and need no timer.
            let mut session = match Arc::clone(&session).try_lock_owned() {
                Ok(session) => session,
                Err(_) => within(limits.turn, Wait::Turn, session.lock_owned()).await?,
            };
            let answer = session.call(request, &self.settings).await;
            if let Err(error) = &answer {
                tracing::debug!(%error, "failed");
            }
            Ok(Answer::new(answer?.into_body(), session, limits.body, self.settings.record_buffer))
        }
        .instrument(span)
        .await
    }
}

/// Shows where the gateway is; nothing of the login.
impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("settings", &self.settings).finish_non_exhaustive()
    }
}
