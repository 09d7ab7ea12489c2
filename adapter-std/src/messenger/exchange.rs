//! Asks the gateway, and tells the tracker what came of it.

use std::sync::Arc;

use sms_gateway_core::{
    TaskId,
    call::{
        Call, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, Recipient, SendSms,
        StopSms,
    },
    text::PLACEHOLDER,
    track::{Taken, Token},
};

use super::{Event, task::Task};
use crate::{Error, session::Outgoing, store::StoreError};

/// A question that is answered with records.
pub(super) trait Question {
    type Call: Call;

    /// The request.
    fn request(&self, task: &mut Task<'_>) -> Result<Outgoing, Error>;

    /// Takes a record of the answer.
    fn take(&self, task: &mut Task<'_>, record: &<Self::Call as Call>::Record<'_>);
}

impl Question for Token<QuerySmsResult<'static>> {
    type Call = QuerySmsResult<'static>;

    fn request(&self, task: &mut Task<'_>) -> Result<Outgoing, Error> {
        task.gateway.write(&task.tracker.results_request(self))
    }

    fn take(&self, task: &mut Task<'_>, record: &<Self::Call as Call>::Record<'_>) {
        let now = task.now();
        task.tracker.handle_result(self, record, now);
    }
}

impl Question for Token<QuerySmsDeliverStatus<'static>> {
    type Call = QuerySmsDeliverStatus<'static>;

    fn request(&self, task: &mut Task<'_>) -> Result<Outgoing, Error> {
        task.gateway.write(&task.tracker.reports_request(self))
    }

    fn take(&self, task: &mut Task<'_>, record: &<Self::Call as Call>::Record<'_>) {
        let now = task.now();
        match task.tracker.handle_report(self, record, now) {
            Taken::Noted => {}
            Taken::Displaced(report) => task.announcer.announce(Event::Unmatched(report)),
            Taken::Unreadable => tracing::debug!("a status report that is nobody's"),
        }
    }
}

impl Question for Token<QueryIncomingSms> {
    type Call = QueryIncomingSms;

    fn request(&self, task: &mut Task<'_>) -> Result<Outgoing, Error> {
        task.outgoing.begin();
        task.gateway.write(&task.tracker.incoming_request(self))
    }

    fn take(&self, task: &mut Task<'_>, record: &<Self::Call as Call>::Record<'_>) {
        if task.outgoing.is_open() {
            let now = task.now();
            let mark = task.tracker.handle_incoming(self, record, now);
            task.outgoing.seen(record, mark, &task.link.shared);
        }
    }
}

impl Task<'_> {
    /// Asks what is answered with records.
    pub(super) async fn ask<C>(&mut self, token: Token<C>) -> Result<(), StoreError>
    where
        C: Call,
        Token<C>: Question<Call = C>,
    {
        let outcome = match token.request(self) {
            Ok(request) => self.read(&token, &request).await?,
            Err(error) => Err(error),
        };
        let now = self.now();
        match self.note(outcome) {
            Ok(()) => self.tracker.handle_end(token, now),
            Err(_) => self.tracker.handle_lost(token, now),
        }
        Ok(())
    }

    /// Reads an answer to its end.
    async fn read<C>(&mut self, token: &Token<C>, request: &Outgoing) -> Result<Result<(), Error>, StoreError>
    where
        C: Call,
        Token<C>: Question<Call = C>,
    {
        let gateway = self.gateway.clone();
        let mut answer = match self.serve_until(gateway.exchange::<C>(request)).await? {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        loop {
            match self.serve_until(answer.next()).await? {
                Ok(Some(record)) => token.take(self, &record),
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Asks how many messages wait to be sent.
    pub(super) async fn ask_queue(&mut self, token: Token<QuerySmsInQueue>) -> Result<(), StoreError> {
        let gateway = self.gateway.clone();
        let outcome = self.serve_until(gateway.query_sms_in_queue()).await?;
        let now = self.now();
        match self.note(outcome) {
            Ok(in_queue) => self.tracker.handle_queue(token, in_queue, now),
            Err(_) => self.tracker.handle_lost(token, now),
        }
        Ok(())
    }

    /// Stops a task.
    pub(super) async fn stop(&mut self, token: Token<StopSms>) -> Result<(), StoreError> {
        let gateway = self.gateway.clone();
        let task = self.tracker.stop_request(&token);
        let stopping = async {
            let mut answer = gateway.ask(&task).await?;
            answer.finish().await.map(|_| ())
        };
        let outcome = self.serve_until(stopping).await?;
        let now = self.now();
        match self.note(outcome) {
            Ok(()) => self.tracker.handle_stopped(token, true, now),
            Err(error) if is_unknown_task(&error) => self.tracker.handle_stopped(token, false, now),
            Err(_) => self.tracker.handle_lost(token, now),
        }
        Ok(())
    }

    /// Sends messages.
    pub(super) async fn submit(&mut self, token: Token<SendSms<'static>>) -> Result<(), StoreError> {
        // What was told since the last time is acknowledged, which is a change.
        self.save().await?;
        let request = match self.letter(&token) {
            Ok(request) => request,
            Err(error) => {
                // It was checked when it came.
                tracing::error!(%error, "messages can't be written as a request");
                let now = self.now();
                self.tracker.handle_not_sent(token, now);
                return Ok(());
            }
        };
        let gateway = self.gateway.clone();
        let sending = async {
            let mut answer = gateway.exchange::<SendSms<'static>>(&request).await?;
            let summary = answer.finish().await?;
            Ok(summary.task_id.get())
        };
        let outcome = self.serve_until(sending).await?;
        let now = self.now();
        match self.note(outcome) {
            Ok(task) => self.tracker.handle_accepted(token, task.map(TaskId::new), now),
            Err(error) if error.may_have_arrived() => self.tracker.handle_lost(token, now),
            Err(error) => match refusal(&error) {
                Some(code) => self.tracker.handle_refused(token, code, now),
                None => self.tracker.handle_not_sent(token, now),
            },
        }
        Ok(())
    }

    /// The request with the messages of a submission. Each text is the parameter of a text that is nothing but its place.
    fn letter(&self, token: &Token<SendSms<'static>>) -> Result<Outgoing, Error> {
        let unwritable = |error: &'static str| Error::Unwritable(error.into());
        let submission = self.tracker.submission(token).map_err(|_| unwritable("something is not stored"))?;
        let (ports, alphabet, status_report) =
            (submission.ports, submission.alphabet, submission.status_report);
        let messages: Vec<_> = submission.collect();
        let texts: Option<Vec<_>> = messages.iter().map(|to| Some([self.ledger.text(to.id)?])).collect();
        let texts = texts.ok_or_else(|| unwritable("a text is missing"))?;
        let recipients: Vec<_> = messages
            .iter()
            .zip(&texts)
            .map(|(to, text)| Recipient::new(to.number()).params(text).user_id(to.id))
            .collect();
        let mut request = SendSms::new(PLACEHOLDER, &recipients)?.ports(ports);
        if let Some(alphabet) = alphabet {
            request = request.encoding(alphabet.into())?;
        }
        if !status_report {
            request = request.status_report(false);
        }
        self.gateway.write(&request)
    }

    /// Shows whether the gateway answers. A refusal is an answer.
    fn note<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Arc<Error>> {
        let outcome = outcome.map_err(Arc::new);
        let error = outcome.as_ref().err().filter(|error| refusal(error).is_none());
        let is_told_anew = std::mem::take(&mut self.is_told_anew);
        let is_news = self.health.send_if_modified(|health| {
            let is_news = match (&health.error, error) {
                (None, None) => false,
                (Some(last), Some(error)) => {
                    is_told_anew || error.may_pass() || last.to_string() != error.to_string()
                }
                _ => true,
            };
            health.failures = if error.is_some() { health.failures.saturating_add(1) } else { 0 };
            health.error = error.cloned();
            is_news
        });
        if let Some(error) = error.filter(|_| is_news) {
            tracing::warn!(%error, "a request failed");
        }
        outcome
    }
}

/// The code of a request that was refused.
fn refusal(error: &Error) -> Option<u32> {
    match error {
        Error::Refused(refusal) => refusal.code,
        _ => None,
    }
}

fn is_unknown_task(error: &Error) -> bool {
    matches!(refusal(error), Some(404 | 486))
}
