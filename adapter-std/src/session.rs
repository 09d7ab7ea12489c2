//! The one connection to a gateway, and the exchange of a request for an answer's head over it.

use std::{future::Future, io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE},
    http::uri::{InvalidUri, PathAndQuery},
};
use hyper_util::rt::TokioIo;
use sms_gateway_core::call::{Call, Commas, MAX_TARGET_BYTES, Method, QuerySmsInQueue};
use tokio::task::AbortHandle;

use crate::{
    Error, Wait,
    connect::Connector,
    login::{Account, Login, Step},
};

/// How often a call is sent at most, each time with other credentials than were refused before.
const MAX_LOGINS: u32 = 3;
/// How long the end of a body without use is waited for. Some gateways neither tell the length nor close.
pub(crate) const END_LIMIT: Duration = Duration::from_millis(500);
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
    pub(crate) connector: Connector,
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

/// An exchange that gave no answer.
struct Broken {
    error: Error,
    /// The connection was kept from an earlier answer, and may have been closed before this request.
    stale: bool,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self { error, stale: false }
    }
}

/// A request as it goes out, but for its credentials.
pub(crate) struct Outgoing {
    method: hyper::Method,
    target: Uri,
    body: Bytes,
    repeatable: bool,
}

impl Outgoing {
    pub(crate) fn new<C: Call>(call: &C, commas: Commas) -> Result<Self, Error> {
        let mut body = vec![0; call.body_length()];
        // The buffer has the size that was asked for.
        let _ = call.body(&mut body);
        let mut buffer = [0; MAX_TARGET_BYTES];
        let target = call.target(commas, &mut buffer).map_err(|error| Error::Unwritable(Box::new(error)))?;
        let method = match C::METHOD {
            Method::Get => hyper::Method::GET,
            Method::Post => hyper::Method::POST,
        };
        let target = target.parse().map_err(|error: InvalidUri| Error::Unwritable(Box::new(error)))?;
        Ok(Self { method, target, body: body.into(), repeatable: call.is_repeatable() })
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
    pub(crate) async fn call(
        &mut self,
        outgoing: &Outgoing,
        settings: &Settings,
    ) -> Result<Response<Incoming>, Error> {
        for _ in 0..MAX_LOGINS {
            let (answer, authorized) = self.authorized_exchange(outgoing, settings).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                if authorized {
                    self.login.accepted();
                }
                return success(answer);
            }
            self.unauthorized(answer, authorized).await?;
        }
        Err(self.login.give_up())
    }

    /// Sends a request with the credentials that are due, and tells whether there were any. Once more, with credentials of its
    /// own, when the connection had gone stale and the request does no harm twice.
    async fn authorized_exchange(
        &mut self,
        outgoing: &Outgoing,
        settings: &Settings,
    ) -> Result<(Response<Incoming>, bool), Error> {
        let mut repeatable = outgoing.repeatable;
        loop {
            let authorization = self.authorization(outgoing, settings).await?;
            let authorized = authorization.is_some();
            match self.exchange(outgoing, authorization, settings).await {
                Ok(answer) => return Ok((answer, authorized)),
                Err(Broken { stale: true, .. }) if std::mem::take(&mut repeatable) => {}
                Err(broken) => return Err(broken.error),
            }
        }
    }

    /// The `Authorization` of the next request, after a probe where one is due.
    async fn authorization(
        &mut self,
        outgoing: &Outgoing,
        settings: &Settings,
    ) -> Result<Option<HeaderValue>, Error> {
        let method = outgoing.method.as_str();
        let target = outgoing.target.path_and_query().map_or("", PathAndQuery::as_str);
        let mut step = self.login.prepare(method, target)?;
        if matches!(step, Step::Probe) {
            self.probe(settings).await.map_err(Error::of_challenge)?;
            step = self.login.prepare(method, target)?;
        }
        Ok(match step {
            Step::Authorized(value) => Some(value),
            Step::Plain | Step::Probe => None,
        })
    }

    /// Takes a 401 in: the next try is worth making, or it is an error.
    async fn unauthorized(&mut self, answer: Response<Incoming>, authorized: bool) -> Result<(), Error> {
        let headers = self.discard(answer).await;
        if !authorized {
            return self.login.challenged(&challenges(&headers));
        }
        tracing::debug!("the login was refused");
        self.login.refused(&challenges(&headers))
    }

    /// Fetches a challenge with a GET that changes nothing and carries no credentials.
    async fn probe(&mut self, settings: &Settings) -> Result<(), Error> {
        tracing::debug!("asking for a login challenge");
        let outgoing = Outgoing::new(&QuerySmsInQueue, settings.commas)?;
        let answer = match self.exchange(&outgoing, None, settings).await {
            Err(Broken { stale: true, .. }) => self.exchange(&outgoing, None, settings).await,
            first => first,
        };
        let answer = answer.map_err(|broken| broken.error)?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let headers = self.discard(answer).await;
            return self.login.challenged(&challenges(&headers));
        }
        let answer = success(answer)?;
        self.discard(answer).await;
        self.login.open();
        Ok(())
    }

    /// Sends a request and waits for the head of its answer. A request of which nothing was sent, since the connection that was
    /// kept from an earlier answer has closed, goes out again on a new one.
    async fn exchange(
        &mut self,
        outgoing: &Outgoing,
        authorization: Option<HeaderValue>,
        settings: &Settings,
    ) -> Result<Response<Incoming>, Broken> {
        let mut request = outgoing.request(&settings.host, authorization);
        loop {
            let mut connection = self.connection(settings).await?;
            let used = std::mem::replace(&mut connection.used, true);
            let answer = connection.sender.try_send_request(request);
            match within(settings.limits.answer, Wait::Answer, answer).await? {
                Ok(answer) => {
                    self.connection = Some(connection);
                    return Ok(answer);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if used => request = unsent,
                    Some(_) => return Err(Error::Unreachable(io::Error::other(error.into_error())).into()),
                    None => {
                        let error = error.into_error();
                        let stale = used && !error.is_parse();
                        return Err(Broken { stale, error: Error::Lost(Box::new(error)) });
                    }
                },
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
        tracing::debug!("connecting");
        let connecting = connect(settings);
        within(settings.limits.connect, Wait::Connect, connecting).await?.map_err(Error::Unreachable)
    }

    /// Gives the headers, and reads the body so that the connection can be used again, unless that takes long.
    async fn discard(&mut self, answer: Response<Incoming>) -> HeaderMap {
        let (head, body) = answer.into_parts();
        let rest = Limited::new(body, MAX_DRAINED).collect();
        if !matches!(tokio::time::timeout(END_LIMIT, rest).await, Ok(Ok(_))) {
            self.close();
        }
        head.headers
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

/// Opens a connection, and starts its task.
async fn connect(settings: &Settings) -> io::Result<Connection> {
    let stream = settings.connector.open(&settings.address).await?;
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

fn challenges(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok()).collect()
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
