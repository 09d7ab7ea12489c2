//! A gateway and its nine calls.

use std::{fmt, sync::Arc};

use hyper::http::response::Parts;
use sms_gateway_core::{
    Ports, TaskId,
    call::{
        AnyCall, Call, GetPortInfo, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult,
        QueryUssdReply, RawCall, SendSms, SendUssd, StopSms,
    },
    client::{Accepted, Failure},
};
use tokio::sync::watch;
use tracing::Instrument;

use crate::{
    Error, RawResponse, Response,
    client::{Account, Login, Outgoing},
    connect::Settings,
    response::Reader,
    turns::{Turn, Turns},
};

/// A gateway: an HTTP client that keeps one connection open and stays logged in. It is cheap to clone; clones share the connection
/// and the login.
///
/// Calls from several tasks take turns, in the order in which they were made. A response keeps its turn until it is read to its end
/// or dropped. A call whose future is no longer polled keeps its turn until the future is dropped.
///
/// A response that is held but has not been read for 100 ms gives way. Other calls, including those of the task that holds it, then
/// use a second connection with its own login. The second connection is closed after that response has ended. If responses hold both
/// connections and neither has been read for 500 ms, a call fails with [`Failure::Unread`].
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
    turns: Arc<Turns>,
}

impl Gateway {
    pub(crate) fn new(settings: Settings, login: Login) -> Self {
        let settings = Arc::new(settings);
        Self { turns: Arc::new(Turns::new(Arc::clone(&settings), login)), settings }
    }

    /// Replaces the credentials for all calls that begin from now on. After [`Failure::LoginRefused`], no request is sent until the
    /// credentials are replaced. A [`Messenger`](crate::Messenger) that uses this gateway or a clone of it then continues at once.
    pub fn set_credentials(&self, username: &str, password: &str) {
        let account = Account { username: username.to_owned(), password: password.to_owned() };
        self.turns.login.send_replace(Login::new(Some(account)));
    }

    /// Returns a receiver that is notified when the credentials change.
    pub(crate) fn credentials(&self) -> watch::Receiver<Login> {
        self.turns.login.subscribe()
    }

    /// Returns the gateway's `host:port`.
    pub fn address(&self) -> &str {
        &self.settings.address
    }

    /// Makes any of the nine calls. The response gives access to the records and to the summary.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask<C: Call>(&self, request: &C) -> Result<Response<C>, Error> {
        self.call(request).await
    }

    /// Makes a call that this library does not know, on the logged-in session. A response with any status other than 401 is
    /// returned. Without credentials, a 401 is returned too.
    ///
    /// ```no_run
    /// use sms_gateway::{Gateway, RawCall};
    ///
    /// # async fn example(gateway: &Gateway) -> Result<(), sms_gateway::Error> {
    /// let mut response = gateway.raw(&RawCall::post("/api/get_status", br#"["performance"]"#)?).await?;
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

    /// Sends messages to up to 128 recipients (document §2). For more recipients, use [`send_to_all`](Self::send_to_all).
    ///
    /// # Errors
    /// [`Failure::Refused`] if the gateway does not accept the messages. If [`Failure::may_have_arrived`] is true, they may have
    /// been accepted: query their results by user_id before sending again.
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
    /// See [`Error`]; [`Failure::Invalid`] if `ports` is empty.
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

    /// Sends a request. `C` is the same call as `R`, without the lifetime of the data that the request borrows.
    async fn call<R: Call, C: Call>(&self, request: &R) -> Result<Response<C>, Error> {
        let outgoing = self.prepare(AnyCall::from(request))?;
        self.exchange(self.turn().await?, &outgoing).await.map(Response::new)
    }

    /// Prepares a call. The result borrows nothing.
    pub(crate) fn prepare(&self, call: AnyCall<'_>) -> Result<Outgoing, Error> {
        Outgoing::new(call, self.settings.commas).map_err(Error::from)
    }

    /// Waits for the turn to make a call.
    pub(crate) async fn turn(&self) -> Result<Turn, Error> {
        self.turns.turn().await.map_err(|failure: Failure| Error::from(failure).at(&self.settings.address))
    }

    /// Sends a prepared call and returns the reader of its response.
    pub(crate) async fn exchange(&self, turn: Turn, outgoing: &Outgoing) -> Result<Reader, Error> {
        self.respond(turn, outgoing).await.map(|(_, reader)| reader)
    }

    /// Sends a prepared call and returns the head of its response and the reader of its body.
    async fn respond(&self, mut turn: Turn, outgoing: &Outgoing) -> Result<(Parts, Reader), Error> {
        let span = tracing::debug_span!("call", name = outgoing.name(), gateway = %self.settings.address);
        async {
            match turn.call(outgoing, &self.settings).await {
                Ok(response) => {
                    turn.end_trial();
                    let (head, body) = response.into_parts();
                    Ok((head, Reader::new(body, turn, Arc::clone(&self.settings))))
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

/// Shows the gateway's address, but not the login.
impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address()).finish_non_exhaustive()
    }
}
