//! Performs the exchanges that the driver asks for, and serves callers meanwhile.

use std::{sync::Arc, time::Duration};

use sms_gateway_core::{
    UserId,
    call::{AnyCall, Recipient},
    client::{Health as DriverHealth, HealthChange, InFlight, Taken, send_sms},
    track::Submission,
};

use super::{Event, task::Task};
use crate::{Error, client::Outgoing, store::StoreError};

/// The request of an exchange.
enum Request {
    Ready(Outgoing),
    /// These messages have no text.
    Textless(Vec<UserId>),
    /// It cannot be written.
    Unwritable(Error),
}

impl Task<'_> {
    /// Performs an exchange, and hands its records and its outcome to the driver.
    pub(super) async fn perform(&mut self, in_flight: InFlight) -> Result<(), StoreError> {
        if in_flight.is_submission() {
            // What was handed out since the last time is acknowledged, which is a change.
            self.save().await?;
        }
        match self.request(&in_flight) {
            Request::Ready(outgoing) => self.exchange(in_flight, &outgoing).await,
            Request::Textless(ids) => {
                tracing::error!(?ids, "messages without a text are not sent");
                let now = self.now();
                self.driver.texts_missing(in_flight, ids, now);
                Ok(())
            }
            Request::Unwritable(error) => {
                // It was checked when it was accepted.
                tracing::error!(%error, "a request cannot be written");
                self.fail(in_flight, error);
                Ok(())
            }
        }
    }

    /// Reports a failure to the driver and to those who watch the health.
    fn fail(&mut self, in_flight: InFlight, error: Error) {
        let change = self.driver.fail(in_flight, error.failure, self.now());
        self.show_health(change, Some(Arc::new(error)));
    }

    async fn exchange(&mut self, in_flight: InFlight, outgoing: &Outgoing) -> Result<(), StoreError> {
        let gateway = self.gateway.clone();
        let grace = self.grace(&in_flight);
        let Some(turn) = self.serve_until(gateway.turn(), Duration::ZERO).await? else {
            // Nothing of it was sent.
            self.driver.texts_missing(in_flight, None, self.now());
            return Ok(());
        };
        let started = match turn {
            Ok(client) => self.serve_until(gateway.exchange(client, outgoing), grace).await?,
            Err(error) => Some(Err(error)),
        };
        let mut reader = match started {
            Some(Ok(reader)) => reader,
            Some(Err(error)) => {
                self.fail(in_flight, error);
                return Ok(());
            }
            None => {
                self.driver.abandon(in_flight, self.now());
                return Ok(());
            }
        };
        if !in_flight.is_submission() {
            reader.limit_bytes(self.driver.response_bytes());
        }
        let outcome = loop {
            let Some(advanced) = self.serve_until(reader.advance(), grace).await? else {
                self.driver.abandon(in_flight, self.now());
                return Ok(());
            };
            match advanced {
                Ok(true) => {
                    let now = self.now();
                    self.driver.set_inbox_room(self.inbox.has_room());
                    match self.driver.take(&in_flight, reader.session(), now) {
                        Taken::Nothing => {}
                        Taken::Incoming { mark, sms } => self.inbox.hand_out(&sms, mark, &self.link.shared),
                        Taken::Unmatched(report) => self.announcer.announce(Event::Unmatched(report)),
                    }
                }
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let now = self.now();
        let result = match &outcome {
            Ok(()) => Ok(()),
            Err(error) => Err(error.failure),
        };
        let change = self.driver.finish(in_flight, reader.session(), result, now);
        self.show_health(change, outcome.err().map(Arc::new));
        Ok(())
    }

    /// Writes the request of an exchange.
    fn request(&self, in_flight: &InFlight) -> Request {
        if let Some(question) = self.driver.question(in_flight) {
            return ready(self.gateway.prepare(question.call()));
        }
        match self.driver.submission(in_flight) {
            Some(submission) => self.submit_request(submission),
            None => Request::Textless(Vec::new()),
        }
    }

    fn submit_request(&self, submission: Submission<'_>) -> Request {
        let (ports, alphabet, status_report) =
            (submission.ports, submission.alphabet, submission.status_report);
        let messages: Vec<_> = submission.collect();
        let is_textless = |id: &UserId| self.ledger.text(*id).is_none();
        let textless: Vec<_> = messages.iter().map(|to| to.id).filter(is_textless).collect();
        if !textless.is_empty() {
            return Request::Textless(textless);
        }
        let texts: Vec<_> = messages.iter().map(|to| [self.ledger.text(to.id).unwrap_or_default()]).collect();
        let recipients: Vec<_> = messages
            .iter()
            .zip(&texts)
            .map(|(to, text)| Recipient::new(to.number()).params(text).user_id(to.id))
            .collect();
        match send_sms(&recipients, ports, alphabet, status_report) {
            Ok(request) => ready(self.gateway.prepare(AnyCall::from(&request))),
            Err(error) => Request::Unwritable(error.into()),
        }
    }

    /// Publishes whether the gateway answers.
    fn show_health(&self, change: HealthChange, error: Option<Arc<Error>>) {
        let DriverHealth { is_known, failure, failures, .. } = *self.driver.health();
        let error = error.filter(|_| failure.is_some());
        let is_news = change != HealthChange::Nothing;
        if let (true, Some(error)) = (is_news, &error) {
            tracing::warn!(error = error.explain(), gateway = error.gateway(), "a request failed");
        }
        self.health.send_if_modified(|health| {
            (health.is_known, health.failures, health.error) = (is_known, failures, error);
            is_news
        });
    }
}

fn ready(outgoing: Result<Outgoing, Error>) -> Request {
    outgoing.map_or_else(Request::Unwritable, Request::Ready)
}
