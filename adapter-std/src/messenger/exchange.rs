//! Performs the exchanges that the driver asks for.

use std::{sync::Arc, time::Duration};

use sms_gateway_core::{
    UserId,
    call::{AnyCall, Recipient},
    client::{Health as DriverHealth, HealthChange, InFlight, Taken, send_sms},
    track::Submission,
};

use super::{Event, task::Task};
use crate::{Error, client::Outgoing, connection::GatewaySession, response::Reader, store::StoreError};

/// Why a request cannot be sent.
enum Unsendable {
    /// The texts of these messages are missing.
    Textless(Vec<UserId>),
    Failed(Error),
}

impl From<Error> for Unsendable {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// How an exchange ended.
enum Outcome {
    /// The response was read to its end.
    Read(Reader),
    Failed(Error),
    /// The shutdown came first, and nothing was sent.
    NotSent,
    /// The shutdown came first, and the request may have arrived.
    Abandoned,
}

impl Task<'_> {
    /// Performs an exchange, and reports its records and its outcome to the driver.
    pub(super) async fn perform(&mut self, in_flight: InFlight) -> Result<(), StoreError> {
        if in_flight.is_submission() {
            // Publishing may have acknowledged updates, which are changes.
            self.save().await?;
        }
        let outcome = match self.request(&in_flight) {
            Ok(outgoing) => self.exchange(&in_flight, &outgoing).await?,
            Err(Unsendable::Failed(error)) => Outcome::Failed(error),
            Err(Unsendable::Textless(ids)) => {
                tracing::error!(
                    ?ids,
                    gateway = self.gateway.address(),
                    "messages without a text are not sent"
                );
                let now = self.now();
                self.driver.texts_missing(in_flight, ids, now);
                return Ok(());
            }
        };
        let now = self.now();
        match outcome {
            Outcome::Read(reader) => {
                let change = self.driver.finish(in_flight, reader.session(), Ok(()), now);
                self.show_health(change, None);
            }
            Outcome::Failed(error) => {
                let change = self.driver.fail(in_flight, error.failure, now);
                self.show_health(change, Some(error));
            }
            Outcome::NotSent => self.driver.texts_missing(in_flight, None, now),
            Outcome::Abandoned => self.driver.abandon(in_flight, now),
        }
        Ok(())
    }

    async fn exchange(&mut self, in_flight: &InFlight, outgoing: &Outgoing) -> Result<Outcome, StoreError> {
        let (gateway, grace) = (self.gateway.clone(), self.grace(in_flight));
        let client = match self.serve_until(gateway.turn(), Duration::ZERO).await? {
            Some(Ok(client)) => client,
            Some(Err(error)) => return Ok(Outcome::Failed(error)),
            None => return Ok(Outcome::NotSent),
        };
        let mut reader = match self.serve_until(gateway.exchange(client, outgoing), grace).await? {
            Some(Ok(reader)) => reader,
            Some(Err(error)) => return Ok(Outcome::Failed(error)),
            None => return Ok(Outcome::Abandoned),
        };
        if !in_flight.is_submission() {
            reader.limit_bytes(self.driver.response_bytes());
        }
        loop {
            match self.serve_until(reader.advance(), grace).await? {
                Some(Ok(true)) => self.take_record(in_flight, reader.session()),
                Some(Ok(false)) => return Ok(Outcome::Read(reader)),
                Some(Err(error)) => return Ok(Outcome::Failed(error)),
                None => return Ok(Outcome::Abandoned),
            }
        }
    }

    fn take_record(&mut self, in_flight: &InFlight, session: &GatewaySession) {
        let now = self.now();
        self.driver.set_inbox_room(self.inbox.has_room());
        match self.driver.take(in_flight, session, now) {
            Taken::Nothing => {}
            Taken::Incoming { mark, sms } => self.inbox.send(&sms, mark, &self.shared),
            Taken::Unmatched(report) => self.events.send(Event::Unmatched(report)),
        }
    }

    /// Writes the request of an exchange.
    fn request(&self, in_flight: &InFlight) -> Result<Outgoing, Unsendable> {
        if let Some(question) = self.driver.question(in_flight) {
            return Ok(self.gateway.prepare(question.call())?);
        }
        let submission = self.driver.submission(in_flight);
        submission
            .map_or_else(|| Err(Unsendable::Textless(Vec::new())), |messages| self.submit_request(messages))
    }

    fn submit_request(&self, submission: Submission<'_>) -> Result<Outgoing, Unsendable> {
        let (ports, alphabet, status_report) =
            (submission.ports, submission.alphabet, submission.status_report);
        let (mut messages, mut textless) = (Vec::new(), Vec::new());
        for message in submission {
            match self.outbox.text(message.id) {
                Some(text) => messages.push((message, text)),
                None => textless.push(message.id),
            }
        }
        if !textless.is_empty() {
            return Err(Unsendable::Textless(textless));
        }
        let texts: Vec<_> = messages.iter().map(|(_, text)| [&**text]).collect();
        let recipients: Vec<_> = messages
            .iter()
            .zip(&texts)
            .map(|((message, _), text)| Recipient::new(message.number()).params(text).user_id(message.id))
            .collect();
        let request = send_sms(&recipients, ports, alphabet, status_report).map_err(Error::from)?;
        Ok(self.gateway.prepare(AnyCall::from(&request))?)
    }

    /// Publishes whether the gateway answers.
    fn show_health(&self, change: HealthChange, error: Option<Error>) {
        let DriverHealth { is_known, failure, failures, .. } = *self.driver.health();
        let error = error.filter(|_| failure.is_some()).map(Arc::new);
        let is_news = change != HealthChange::Nothing;
        if let (true, Some(error)) = (is_news, &error) {
            tracing::warn!(error = error.explain(), gateway = self.gateway.address(), "a request failed");
        }
        self.shared.health.send_if_modified(|health| {
            (health.is_known, health.failures, health.error) = (is_known, failures, error);
            is_news
        });
    }
}
