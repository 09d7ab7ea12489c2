//! Makes one query after the other, and stops if the gateway fails repeatedly or takes too long.

use std::time::Duration;

use sms_gateway::{Builder, Error, Failure as CallFailure, Gateway, RawCall, Timeouts};
use tokio::time::Instant;

use super::{
    finding::Findings,
    trace::{Exchange, MAX_BODY, Trace},
};
use crate::{args::Connection, connect, failure::Failure};

/// The time limit for one whole query, if `--request-timeout` is not given.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// The time limit for all queries together, as a multiple of the time limit for one query.
const CALLS: u32 = 6;
/// After this number of consecutive queries without a whole response, no more queries are made.
const MAX_FAILURES: u32 = 3;
/// After this number of consecutive responses with status 403, no more queries are made. A lock-out has this status; a single 403 may
/// only mean a wrong verb.
const MAX_FORBIDDEN: u32 = 4;

/// The login of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// No login: a 401 is a response like any other.
    Without,
    With,
}

/// Queries the gateway, without and with a login.
pub(super) struct Asker {
    /// The settings without a login, if the URL is `https`.
    https: Option<Builder>,
    open: Gateway,
    login: Option<Gateway>,
    /// A client with credentials that has not logged in yet.
    fresh: Option<Gateway>,
    trace: Trace,
    failures: u32,
    forbidden: u32,
    /// The deadline of all queries, which the first query sets.
    end: Option<Instant>,
    limit: Duration,
}

/// The outcome of a query.
#[derive(Default)]
pub(super) struct Answer {
    /// The status code; `None` if there was no response.
    pub(super) status: Option<u16>,
    pub(super) body: Vec<u8>,
    pub(super) error: Option<Error>,
    /// Whether the body exceeds a megabyte. The rest is then not read.
    pub(super) is_long: bool,
    /// The index of the first exchange of this query in the trace.
    first: usize,
}

impl Answer {
    /// Returns the body of a successful response. It is whole, unless `is_long` is set.
    pub(super) fn document(&self) -> Option<&[u8]> {
        (self.status == Some(200) && self.error.is_none()).then_some(&self.body)
    }

    pub(super) fn is_login_refused(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.failure == CallFailure::LoginRefused)
    }
}

impl Asker {
    pub(super) fn new(connection: &Connection) -> Result<Self, Failure> {
        let trace = Trace::default();
        let mut builder = connect::trusting(connection)?;
        let limit = connection.request_timeout.map_or(CALL_LIMIT, |limit| limit.saturating_mul(3));
        let timeouts = Timeouts::new().exchange(limit);
        builder = builder.timeouts(match connection.request_timeout {
            Some(limit) => timeouts.connect(limit).response(limit).idle(limit),
            None => timeouts,
        });
        // Each client has its own connections.
        let build = |builder: &Builder| builder.clone().observe(trace.observer()).build();
        let open = build(&builder)?;
        let https = connect::url(connection)?.starts_with("https:").then(|| builder.clone());
        let (mut login, mut fresh) = (None, None);
        if let Some((user, password)) = connect::account(connection)? {
            let builder = builder.credentials(&user, &password);
            (login, fresh) = (Some(build(&builder)?), Some(build(&builder)?));
        }
        let limit = limit.saturating_mul(CALLS);
        Ok(Self { https, open, login, fresh, trace, failures: 0, forbidden: 0, end: None, limit })
    }

    /// Returns the maximum duration of all queries together.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Awaits a future. Returns `None` if the deadline of all queries passes first.
    pub(super) async fn within<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let end = *self.end.get_or_insert_with(|| Instant::now() + self.limit);
        tokio::time::timeout_at(end, future).await.ok()
    }

    /// Returns the settings without a login, if the URL is `https`.
    pub(super) const fn https(&self) -> Option<&Builder> {
        self.https.as_ref()
    }

    pub(super) fn address(&self) -> &str {
        self.open.address()
    }

    /// Returns whether there are credentials.
    pub(super) const fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Returns all exchanges so far.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.trace.exchanges()
    }

    /// Returns the exchanges of the latest answer.
    pub(super) fn exchanges_of(&self, answer: &Answer) -> Vec<Exchange> {
        self.trace.exchanges().split_off(answer.first)
    }

    /// Returns whether no more queries are made, because the gateway keeps failing or the deadline has passed.
    pub(super) fn is_over(&self) -> bool {
        self.failures >= MAX_FAILURES || self.forbidden >= MAX_FORBIDDEN || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    pub(super) async fn get(&mut self, login: Login, target: &str) -> Result<Answer, Failure> {
        let gateway = self.gateway(login).clone();
        self.ask(&gateway, RawCall::get(target)?).await
    }

    pub(super) async fn post(&mut self, target: &str, body: &str) -> Result<Answer, Failure> {
        let gateway = self.gateway(Login::With).clone();
        self.ask(&gateway, RawCall::post(target, body.as_bytes())?).await
    }

    /// Queries with a client that has not logged in yet. Returns `None` if there are no credentials, or if this client was used before.
    pub(super) async fn get_fresh(&mut self, target: &str) -> Result<Option<Answer>, Failure> {
        let Some(gateway) = self.fresh.take() else { return Ok(None) };
        self.ask(&gateway, RawCall::get(target)?).await.map(Some)
    }

    fn gateway(&self, login: Login) -> &Gateway {
        match (login, &self.login) {
            (Login::With, Some(gateway)) => gateway,
            _ => &self.open,
        }
    }

    async fn ask(&mut self, gateway: &Gateway, call: RawCall<'_>) -> Result<Answer, Failure> {
        let mut answer = Answer { first: self.trace.len(), ..Answer::default() };
        if self.is_over() {
            return Ok(answer);
        }
        let first = answer.first;
        if self.within(read(gateway, call, &mut answer)).await.is_none() {
            answer = Answer { first, ..Answer::default() };
        }
        self.failures = if answer.error.as_ref().is_some_and(is_lost) { self.failures + 1 } else { 0 };
        self.forbidden = if answer.status == Some(403) { self.forbidden + 1 } else { 0 };
        Ok(answer)
    }

    /// Reports the reason if no more queries are made.
    pub(super) fn note_end(&self, findings: &mut Findings) {
        if self.is_late() {
            let text = format!("The queries took {} s together: no more were made.", self.limit.as_secs());
            findings.problem("reach", "gave-up", text);
        } else if self.forbidden >= MAX_FORBIDDEN {
            let text = "The gateway forbids one query after the other (403): no more were made.";
            findings.problem("reach", "forbidden", text);
        } else if self.failures >= MAX_FAILURES {
            let text = "Three queries in a row got no whole response in time: no more were made.";
            findings.problem("reach", "gave-up", text);
        }
    }
}

/// Returns the part of a body that is read. If it is cut, it does not end with an incomplete character.
pub(super) fn beginning(body: &[u8]) -> &[u8] {
    let Some(read) = body.get(..MAX_BODY) else { return body };
    match std::str::from_utf8(read) {
        Err(error) if error.error_len().is_none() => read.get(..error.valid_up_to()).unwrap_or(read),
        _ => read,
    }
}

/// Makes a call and reads its response.
async fn read(gateway: &Gateway, call: RawCall<'_>, answer: &mut Answer) {
    // All queries can be repeated without harm.
    let mut response = match gateway.raw(&call.repeatable(true)).await {
        Ok(response) => response,
        Err(error) => {
            answer.error = Some(error);
            return;
        }
    };
    answer.status = Some(response.status());
    loop {
        match response.next().await {
            Ok(Some(piece)) => {
                let room = MAX_BODY - answer.body.len();
                answer.is_long = piece.len() > room;
                answer.body.extend_from_slice(piece.get(..room).unwrap_or(piece));
                if answer.is_long {
                    answer.body.truncate(beginning(&answer.body).len());
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                answer.error = Some(error);
                return;
            }
        }
    }
}

/// Returns whether the gateway could not be reached, was too slow, or sent an incomplete response.
const fn is_lost(error: &Error) -> bool {
    matches!(
        error.failure,
        CallFailure::Unreachable(_) | CallFailure::Lost(_) | CallFailure::ChallengeLost(_)
    )
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use clap::Parser;

    use super::*;
    use crate::args::Arguments;

    #[tokio::test(start_paused = true)]
    async fn all_questions_together_end_in_time() {
        let line = ["sms-client", "doctor", "--gateway", "http://192.0.2.1", "--request-timeout", "2s"];
        let mut asker = Asker::new(&Arguments::parse_from(line).connection).unwrap();
        assert_eq!(asker.limit(), Duration::from_secs(36));
        tokio::time::sleep(Duration::from_secs(99)).await;
        let begin = Instant::now();
        assert_eq!(asker.within(async { 1 }).await, Some(1));
        assert!(!asker.is_over());
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(asker.within(pending::<()>()).await, None);
        assert_eq!(begin.elapsed(), asker.limit());
        assert!(asker.is_over());
        let mut findings = Findings::default();
        asker.note_end(&mut findings);
        assert!(findings.has("gave-up"));
        // Nothing more is sent.
        assert_eq!(asker.get(Login::Without, "/").await.unwrap().status, None);
        assert_eq!(asker.exchanges().len(), 0);
    }
}
