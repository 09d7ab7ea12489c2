//! The one connection to a gateway, and the exchange of a request for an answer's head over it.

use std::{future::Future, io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE},
};
use hyper_util::rt::TokioIo;
use sms_gateway_core::call::{Call, Commas, Method, QuerySmsInQueue};
use tokio::{net::TcpStream, task::AbortHandle, time::Instant};

use crate::{
    Error, Wait,
    login::{Account, Login, Step, Verdict},
};

/// How often a call is sent at most, each time with other credentials than were refused before.
const MAX_LOGINS: u32 = 3;
/// The longest body of an answer without use that is read for the sake of the connection.
const MAX_DRAINED: usize = 64 * 1024;

/// Limits on how long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) turn: Duration,
    pub(crate) connect: Duration,
    pub(crate) answer: Duration,
    pub(crate) body: Duration,
}

/// What does not change while a gateway is used.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `host:port`, to connect to.
    pub(crate) address: String,
    pub(crate) host: HeaderValue,
    pub(crate) commas: Commas,
    pub(crate) limits: Limits,
    pub(crate) record_buffer: usize,
}

/// The connection, the login, and the buffer of the answer being read.
pub(crate) struct Session {
    connection: Option<Connection>,
    login: Login,
    /// The buffer of the last answer, for the next one.
    pub(crate) buffer: Vec<u8>,
}

/// An open connection; dropping it closes it.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
    /// It has carried an answer before, so the gateway may have closed it since.
    used: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request as it goes out, but for its credentials.
struct Outgoing {
    method: Method,
    target: String,
    body: Bytes,
    repeatable: bool,
}

impl Outgoing {
    fn new<C: Call>(call: &C, commas: Commas) -> Self {
        let mut body = vec![0; call.body_length()];
        // The buffer has the size that was asked for.
        let _ = call.body(&mut body);
        let mut target = vec![0; 256];
        let target = loop {
            match call.target(commas, &mut target) {
                Ok(target) => break target.to_owned(),
                Err(error) => target.resize(error.needed, 0),
            }
        };
        Self { method: C::METHOD, target, body: body.into(), repeatable: call.is_repeatable() }
    }

    fn request(
        &self,
        host: &HeaderValue,
        authorization: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = match self.method {
            Method::Get => hyper::Method::GET,
            Method::Post => hyper::Method::POST,
        };
        *request.uri_mut() = self.target.parse().map_err(|error| Error::Lost(Box::new(error)))?;
        let headers = request.headers_mut();
        headers.insert(HOST, host.clone());
        if let Some(authorization) = authorization {
            let mut value =
                HeaderValue::from_str(authorization).map_err(|error| Error::Lost(Box::new(error)))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if self.method == Method::Post {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }
}

impl Session {
    pub(crate) fn new(account: Option<Account>, basic_allowed: bool) -> Self {
        Self { connection: None, login: Login::new(account, basic_allowed), buffer: Vec::new() }
    }

    pub(crate) fn set_account(&mut self, account: Option<Account>) {
        self.login.set_account(account);
    }

    /// Closes the connection, since what it brings next is not the next answer.
    pub(crate) fn close(&mut self) {
        self.connection = None;
    }

    /// Asks and logs in, as often as the login needs it. The answer is a success.
    pub(crate) async fn call<C: Call>(
        &mut self,
        call: &C,
        settings: &Settings,
    ) -> Result<Response<Incoming>, Error> {
        let outgoing = Outgoing::new(call, settings.commas);
        for _ in 0..MAX_LOGINS {
            let authorization =
                match self.login.prepare(C::METHOD.as_str(), &outgoing.target, Instant::now())? {
                    Step::Probe => {
                        self.probe(settings).await?;
                        self.login.prepare(C::METHOD.as_str(), &outgoing.target, Instant::now())?
                    }
                    step => step,
                };
            let authorization = match authorization {
                Step::Authorized(value) => Some(value),
                Step::Plain | Step::Probe => None,
            };
            let answer = self.exchange(&outgoing, authorization.as_deref(), settings).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                if authorization.is_some() {
                    self.login.accepted(Instant::now());
                }
                return success(answer);
            }
            self.unauthorized(answer, authorization.is_some(), settings).await?;
        }
        Err(self.login.give_up())
    }

    /// Takes a 401 in: the next try is worth making, or it is an error.
    async fn unauthorized(
        &mut self,
        answer: Response<Incoming>,
        authorized: bool,
        settings: &Settings,
    ) -> Result<(), Error> {
        let headers = self.discard(answer, settings).await;
        let now = Instant::now();
        if !authorized {
            return self.login.challenged(challenges(&headers), now);
        }
        if self.login.refused(challenges(&headers), now)? == Verdict::ProbeAgain {
            let offered = self.login.nonce().map(str::to_owned);
            self.probe(settings).await?;
            if self.login.nonce().map(str::to_owned) != offered {
                return Err(self.login.give_up());
            }
        }
        Ok(())
    }

    /// Fetches a challenge with a GET that changes nothing and carries no credentials.
    async fn probe(&mut self, settings: &Settings) -> Result<(), Error> {
        let outgoing = Outgoing::new(&QuerySmsInQueue, settings.commas);
        let answer = self.exchange(&outgoing, None, settings).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let headers = self.discard(answer, settings).await;
            return self.login.challenged(challenges(&headers), Instant::now());
        }
        let answer = success(answer)?;
        self.discard(answer, settings).await;
        self.login.open();
        Ok(())
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// On a connection that was kept from an earlier answer, a request of which nothing was sent goes out again on a new
    /// one; so does one that does no harm twice.
    async fn exchange(
        &mut self,
        outgoing: &Outgoing,
        authorization: Option<&str>,
        settings: &Settings,
    ) -> Result<Response<Incoming>, Error> {
        let mut request = outgoing.request(&settings.host, authorization)?;
        loop {
            let mut connection = self.connection(settings).await?;
            let used = std::mem::replace(&mut connection.used, true);
            let answer = connection.sender.try_send_request(request);
            let Ok(answer) = tokio::time::timeout(settings.limits.answer, answer).await else {
                return Err(Error::TimedOut { wait: Wait::Answer, limit: settings.limits.answer });
            };
            match answer {
                Ok(answer) => {
                    self.connection = Some(connection);
                    return Ok(answer);
                }
                Err(mut error) => {
                    let unsent = error.take_message();
                    let error = error.into_error();
                    if !used {
                        return Err(if unsent.is_some() {
                            Error::Unreachable(io::Error::other(error))
                        } else {
                            Error::Lost(Box::new(error))
                        });
                    }
                    request = match unsent {
                        Some(request) => request,
                        None if outgoing.repeatable && !error.is_parse() => {
                            outgoing.request(&settings.host, authorization)?
                        }
                        None => return Err(Error::Lost(Box::new(error))),
                    };
                }
            }
        }
    }

    /// The connection that is there if it still takes a request, else a new one.
    async fn connection(&mut self, settings: &Settings) -> Result<Connection, Error> {
        if let Some(mut connection) = self.connection.take()
            && connection.sender.ready().await.is_ok()
        {
            return Ok(connection);
        }
        let connecting = connect(&settings.address);
        within(settings.limits.connect, Wait::Connect, connecting).await?.map_err(Error::Unreachable)
    }

    /// Gives the headers, and reads the body so that the connection can be used again, unless it is long.
    async fn discard(&mut self, answer: Response<Incoming>, settings: &Settings) -> HeaderMap {
        let (head, mut body) = answer.into_parts();
        let mut left = MAX_DRAINED;
        loop {
            match tokio::time::timeout(settings.limits.body, body.frame()).await {
                Ok(None) => return head.headers,
                Ok(Some(Ok(frame))) => {
                    left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                    if left > 0 {
                        continue;
                    }
                }
                Ok(Some(Err(_))) | Err(_) => {}
            }
            self.close();
            return head.headers;
        }
    }
}

/// Awaits with a time limit.
pub(crate) async fn within<T>(
    limit: Duration,
    wait: Wait,
    future: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::time::timeout(limit, future).await.map_err(|_| Error::TimedOut { wait, limit })
}

/// Opens a connection. TLS has its place here.
async fn connect(address: &str) -> io::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // What real devices get wrong in a head.
    let (sender, connection) = http1::Builder::new()
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let task = tokio::spawn(async move {
        // An error of the connection reaches the call that waits for an answer.
        let _ = connection.await;
    });
    Ok(Connection { sender, task: task.abort_handle(), used: false })
}

fn challenges(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// Tells an answer from what stands in its place.
fn success(answer: Response<Incoming>) -> Result<Response<Incoming>, Error> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status.is_redirection()
        && let Some(location) = answer.headers().get(LOCATION)
    {
        return Err(Error::Redirect { location: String::from_utf8_lossy(location.as_bytes()).into_owned() });
    }
    Err(Error::Http { status: status.as_u16() })
}
