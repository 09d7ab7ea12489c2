//! A connection to a gateway and its session. The client performs the exchanges that the session asks for.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, Uri,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LOCATION, WWW_AUTHENTICATE},
    http::uri::PathAndQuery,
};
use sms_gateway_core::{
    call::{AnyCall, CommaEncoding, MAX_TARGET_BYTES, Method, QuerySmsInQueue, Spec},
    client::{DRAIN_TIMEOUT, Due, Excerpt, Failure, MAX_DRAINED_BYTES, Next, ResponseHead, Session},
    http::Credentials,
};
use tokio::{sync::watch, time::Instant};

use crate::{
    Error,
    connect::{self, Settings},
    connection::{self, BrokenExchange, Connection, GatewaySession},
};

/// The size of the buffer for a login challenge, in bytes. The challenges of gateways have a few hundred bytes.
const CHALLENGE_BUFFER: usize = 8 * 1024;
/// The size of the buffer for an `Authorization` header, in bytes, not including the request target that it contains.
const AUTHORIZATION_BUFFER: usize = 16 * 1024;

/// A user name and a password.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Account {
    fn credentials(&self) -> Credentials<'_> {
        Credentials::new(&self.username, &self.password)
    }
}

/// The credentials that the clients of a gateway share, and the gateway's verdict on them.
#[derive(Clone)]
pub(crate) struct Login {
    account: Option<Arc<Account>>,
    verdict: Verdict,
}

/// The gateway's verdict on credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Untried,
    Accepted,
    /// Neither the main client nor the extra client sends anything until the credentials change.
    Refused,
}

impl Login {
    pub(crate) fn new(account: Option<Account>) -> Self {
        Self { account: account.map(Arc::new), verdict: Verdict::Untried }
    }

    /// Whether there are credentials that the gateway has neither accepted nor refused yet.
    pub(crate) const fn is_untried(&self) -> bool {
        self.account.is_some() && matches!(self.verdict, Verdict::Untried)
    }

    fn has(&self, account: Option<&Arc<Account>>) -> bool {
        self.account.as_ref().map(Arc::as_ptr) == account.map(Arc::as_ptr)
    }
}

/// A prepared call without its `Authorization` header. It borrows nothing.
pub(crate) struct Outgoing {
    spec: &'static Spec,
    is_repeatable: bool,
    method: hyper::Method,
    target: Uri,
    body: Bytes,
}

impl Outgoing {
    pub(crate) fn new(call: AnyCall<'_>, commas: CommaEncoding) -> Result<Self, Failure> {
        let mut body = vec![0; call.body_length()];
        // The buffer has the required size, so this does not fail.
        let _ = call.body(&mut body);
        Ok(Self {
            spec: call.spec(),
            is_repeatable: call.is_repeatable(),
            method: match call.method() {
                Method::Get => hyper::Method::GET,
                Method::Post => hyper::Method::POST,
            },
            target: target(call, commas)?,
            body: body.into(),
        })
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.spec.name()
    }

    fn path(&self) -> &str {
        self.target.path_and_query().map_or("", PathAndQuery::as_str)
    }

    fn request(&self, host: &HeaderValue, authorization: Option<HeaderValue>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, host.clone());
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        if self.method == hyper::Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request
    }
}

/// Writes the request target of a call.
fn target(call: AnyCall<'_>, commas: CommaEncoding) -> Result<Uri, Failure> {
    let mut short = [0; MAX_TARGET_BYTES];
    let mut long = Vec::new();
    let target = match call.target(commas, &mut short) {
        Ok(target) => Ok(target),
        Err(error) => {
            long.resize(error.needed, 0);
            call.target(commas, &mut long)
        }
    };
    // The types of `core` only write targets that `Uri` accepts, so this error does not occur.
    target.ok().and_then(|target| target.parse().ok()).ok_or(Failure::Host)
}

/// The next request: the call itself with its `Authorization`, or a GET that fetches a login challenge.
struct Sending {
    probe: Option<Outgoing>,
    authorization: Option<HeaderValue>,
}

/// A gateway's connection and session.
pub(crate) struct Client {
    connection: Option<Connection>,
    pub(crate) session: GatewaySession,
    login: watch::Sender<Login>,
    /// The credentials that the session uses.
    account: Option<Arc<Account>>,
    /// The moment from which the session's time counts.
    began: Instant,
    /// The buffer into which an `Authorization` header is written.
    authorization: Vec<u8>,
    /// Holds the client that takes over the next response that ends: see [`detach_response`](Self::detach_response).
    spare: Arc<Spare>,
    /// Whether this is the extra client, which has the second connection. A gateway that serves one connection at a time accepts
    /// the second one but does not respond on it.
    is_extra: bool,
}

/// An unused client without a connection, kept for the next response that ends.
#[derive(Default)]
struct Spare(Mutex<Option<Box<Client>>>);

/// A response that has ended, in a client without a connection.
pub(crate) struct Ended {
    /// `None` only while this is being dropped.
    client: Option<Box<Client>>,
    spare: Arc<Spare>,
}

impl Spare {
    fn take(&self) -> Option<Box<Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Ended {
    pub(crate) fn client(&self) -> &Client {
        self.client.as_deref().expect("it is dropped")
    }

    pub(crate) fn client_mut(&mut self) -> &mut Client {
        self.client.as_deref_mut().expect("it is dropped")
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        *self.spare.0.lock().unwrap_or_else(PoisonError::into_inner) = self.client.take();
    }
}

impl Client {
    pub(crate) fn new(settings: &Settings, login: watch::Sender<Login>) -> Self {
        let mut session = Session::new(vec![0; CHALLENGE_BUFFER], vec![0; settings.record_buffer]);
        session.allow_basic(settings.is_basic_allowed);
        session.set_timeouts(settings.timeouts);
        let authorization = vec![0; AUTHORIZATION_BUFFER];
        let began = Instant::now();
        let spare = Arc::default();
        Self { connection: None, session, login, account: None, began, authorization, spare, is_extra: false }
    }

    /// Returns the extra client.
    pub(crate) fn extra(settings: &Settings, login: watch::Sender<Login>) -> Self {
        Self { is_extra: true, ..Self::new(settings, login) }
    }

    /// Moves the response read last to a client without a connection, so that this client can make another call.
    pub(crate) fn detach_response(&mut self) -> Ended {
        let spare = Arc::clone(&self.spare);
        let mut ended = spare.take().unwrap_or_else(|| Box::new(self.without_connection()));
        self.session.detach_response(&mut ended.session);
        Ended { client: Some(ended), spare }
    }

    fn without_connection(&self) -> Self {
        Self {
            connection: None,
            session: Session::new(Vec::new(), vec![0; self.session.record_len()]),
            login: self.login.clone(),
            account: None,
            began: self.began,
            authorization: Vec::new(),
            spare: Arc::default(),
            is_extra: false,
        }
    }

    /// Records that a response was read to its end, which shows that the connection was open at this time.
    pub(crate) const fn heard(&mut self, at: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.heard(at);
        }
    }

    /// Closes the connection.
    pub(crate) fn close(&mut self) {
        self.connection = None;
    }

    /// Performs the exchanges of a call until its response can be read.
    pub(crate) async fn call(
        &mut self,
        outgoing: &Outgoing,
        settings: &Settings,
    ) -> Result<Response<Incoming>, Error> {
        self.take_credentials()?;
        self.session.begin(outgoing.spec, outgoing.is_repeatable);
        if self.is_extra && self.connection.is_none() {
            self.session.doubt();
        }
        let needed = AUTHORIZATION_BUFFER + outgoing.path().len();
        if self.authorization.len() < needed {
            self.authorization.resize(needed, 0);
        }
        let mut sending = self.authorize(outgoing, settings.commas)?;
        loop {
            let next = match self.exchange(outgoing, &sending, settings).await {
                Ok(response) => match self.take_head(&response) {
                    Ok(Next::Read) => return Ok(response),
                    next => {
                        self.discard(response.into_body()).await;
                        next.map_err(|error| error.with_excerpt(self.excerpt()))?
                    }
                },
                Err(BrokenExchange { broken, source }) => {
                    self.session.lost(broken).map_err(|failure| connect::failed(failure, source))?
                }
            };
            if next == Next::Send {
                let due = self.authorize(outgoing, settings.commas);
                sending = due.inspect_err(|failure| self.note(Err(*failure)))?;
            }
        }
    }

    /// Takes the current credentials. Fails if the gateway has refused them.
    fn take_credentials(&mut self) -> Result<(), Failure> {
        let login = self.login.borrow();
        if !login.has(self.account.as_ref()) {
            self.account.clone_from(&login.account);
            self.session.reset_login();
        }
        if login.verdict == Verdict::Refused { Err(Failure::LoginRefused) } else { Ok(()) }
    }

    /// Records whether the gateway has accepted or refused the credentials.
    fn note(&self, outcome: Result<Next, Failure>) {
        let verdict = match outcome {
            Err(Failure::LoginRefused) => Verdict::Refused,
            Ok(Next::Read) => Verdict::Accepted,
            _ => return,
        };
        self.login.send_if_modified(|login| {
            let is_first = verdict == Verdict::Refused || login.verdict == Verdict::Untried;
            if is_first && login.has(self.account.as_ref()) {
                login.verdict = verdict;
            }
            // Only new credentials wake the receivers.
            false
        });
    }

    /// Decides the next request.
    fn authorize(&mut self, outgoing: &Outgoing, commas: CommaEncoding) -> Result<Sending, Failure> {
        let now = self.began.elapsed();
        let credentials = self.account.as_deref().map(Account::credentials);
        let (method, path) = (outgoing.method.as_str(), outgoing.path());
        let due = self.session.authorize(credentials.as_ref(), method, path, now, &mut self.authorization)?;
        let mut sending = Sending { probe: None, authorization: None };
        match due {
            Due::Probe => {
                tracing::debug!("fetching a login challenge");
                sending.probe = Some(Outgoing::new(AnyCall::from(&QuerySmsInQueue), commas)?);
            }
            Due::Call(None) => {}
            Due::Call(Some(value)) => {
                // The session writes only bytes that a header may contain, so this error does not occur.
                let mut value = HeaderValue::from_str(value).map_err(|_| Failure::Host)?;
                value.set_sensitive(true);
                sending.authorization = Some(value);
            }
        }
        Ok(sending)
    }

    async fn exchange(
        &mut self,
        outgoing: &Outgoing,
        sending: &Sending,
        settings: &Settings,
    ) -> Result<Response<Incoming>, BrokenExchange> {
        let outgoing = sending.probe.as_ref().unwrap_or(outgoing);
        let request = outgoing.request(&settings.host, sending.authorization.clone());
        let kept = self.connection.take();
        let mut connection = connection::open(kept, settings, &mut self.session).await?;
        let response = connection.exchange(request, &mut self.session).await?;
        self.connection = Some(connection);
        Ok(response)
    }

    /// Hands the head of a response to the session, which decides what comes next.
    fn take_head(&mut self, response: &Response<Incoming>) -> Result<Next, Error> {
        let headers = response.headers();
        let head =
            ResponseHead { status: response.status().as_u16(), has_location: headers.contains_key(LOCATION) };
        let challenges = headers.get_all(WWW_AUTHENTICATE).into_iter();
        let challenges = challenges.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
        let credentials = self.account.as_deref().map(Account::credentials);
        // A `RandomState` has random keys, so this hash is random too.
        let entropy = || RandomState::new().hash_one(0);
        let now = self.began.elapsed();
        let next = self.session.responded(head, Ok(challenges), credentials.as_ref(), entropy, now);
        self.note(next);
        next.map_err(|failure| match failure {
            Failure::Redirect => Error::redirected(headers),
            failure => failure.into(),
        })
    }

    /// Drains a body, so that the connection can carry another exchange. The session keeps the beginning of the body of an HTTP error
    /// response. If the body is too long, or takes too long, the connection is closed instead.
    async fn discard(&mut self, body: Incoming) {
        let mut rest = Limited::new(body, MAX_DRAINED_BYTES);
        let session = &mut self.session;
        let rest = async {
            while let Some(frame) = rest.frame().await {
                match frame {
                    Ok(frame) => session.keep(frame.data_ref().map_or(&[][..], |data| &data[..])),
                    Err(_) => return false,
                }
            }
            true
        };
        let began = Instant::now();
        match tokio::time::timeout(DRAIN_TIMEOUT, rest).await {
            Ok(true) => self.heard(Instant::now()),
            _ => self.close(),
        }
        self.session.waited(began.elapsed());
    }

    /// Returns the beginning of the body that was just drained, if the call failed with [`Failure::Http`]; otherwise empty.
    fn excerpt(&self) -> Excerpt<'_> {
        self.session.excerpt(self.account.as_deref().map(Account::credentials))
    }
}
