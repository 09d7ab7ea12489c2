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

/// The reason the response to a request was not read to its end.
enum Unfinished {
    /// Nothing was sent, because the texts of these messages are missing, or because the shutdown came first.
    NotSent(Vec<UserId>),
    Failed(Error),
    /// The shutdown came first, and the request may have arrived.
    Abandoned,
    Store(StoreError),
}

impl From<Error> for Unfinished {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Unfinished {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Task<'_> {
    /// Performs an exchange, and reports its records and its outcome to the driver.
    pub(super) async fn perform(&mut self, in_flight: InFlight) -> Result<(), StoreError> {
        let mut reader = None;
        let outcome = self.exchange(&in_flight, &mut reader).await;
        let now = self.began.elapsed();
        let error = match outcome {
            Ok(()) => None,
            Err(Unfinished::Failed(error)) => Some(error),
            Err(Unfinished::NotSent(textless)) => {
                self.driver.texts_missing(in_flight, textless, now);
                return Ok(());
            }
            Err(Unfinished::Abandoned) => {
                self.driver.abandon(in_flight, now);
                return Ok(());
            }
            Err(Unfinished::Store(error)) => return Err(error),
        };
        let change = match (&reader, &error) {
            (Some(reader), None) => self.driver.finish(in_flight, reader.session(), Ok(()), now),
            (Some(reader), Some(error)) => {
                self.driver.finish(in_flight, reader.session(), Err(error.failure), now)
            }
            (None, Some(error)) => self.driver.fail(in_flight, error.failure, now),
            (None, None) => HealthChange::Nothing,
        };
        self.show_health(change, error);
        Ok(())
    }

    /// Sends a request, and reads its response to the end or to an error. The reader is left in `reader`.
    async fn exchange(
        &mut self,
        in_flight: &InFlight,
        reader: &mut Option<Reader>,
    ) -> Result<(), Unfinished> {
        let outgoing = self.saved_request(in_flight).await?;
        let (gateway, grace) = (self.gateway.clone(), self.grace(in_flight));
        let turn = self.serve_until(gateway.turn(), Duration::ZERO).await?;
        let turn = turn.ok_or(Unfinished::NotSent(Vec::new()))??;
        let head = self.serve_until(gateway.exchange(turn, &outgoing), grace).await?;
        let reader = reader.insert(head.ok_or(Unfinished::Abandoned)??);
        if !in_flight.is_submission() {
            reader.limit_bytes(self.driver.response_bytes());
        }
        while self.serve_until(reader.advance(), grace).await?.ok_or(Unfinished::Abandoned)?? {
            self.take_record(in_flight, reader.session());
        }
        self.shared.note_serial_number(reader.session().serial_number().as_str());
        Ok(())
    }

    fn take_record(&mut self, in_flight: &InFlight, session: &GatewaySession) {
        self.shared.note_serial_number(session.serial_number().as_str());
        self.growth.grow_places(self.driver.tracker_mut());
        self.driver.set_inbox_room(self.inbox.has_room());
        match self.driver.take(in_flight, session, self.began.elapsed()) {
            Taken::Nothing => {}
            Taken::Imsi { id, imsi } => self.outbox.note_imsi(id, imsi.as_str()),
            Taken::Incoming { mark, sms } => self.inbox.send(&sms, mark, &self.shared),
            Taken::Unmatched(report) => self.events.send(Event::Unmatched(report)),
        }
    }

    /// Writes the request of an exchange, and returns it after all earlier changes are stored.
    async fn saved_request(&mut self, in_flight: &InFlight) -> Result<Outgoing, Unfinished> {
        self.saved().await?;
        self.begin_save();
        // The tracker returns a submission only while no changes wait to be saved, so write the request before callers change more.
        let request = self.request(in_flight);
        self.saved().await?;
        if self.closing_since.is_some() { Err(Unfinished::NotSent(Vec::new())) } else { request }
    }

    /// Writes the request of an exchange.
    fn request(&self, in_flight: &InFlight) -> Result<Outgoing, Unfinished> {
        if let Some(question) = self.driver.question(in_flight) {
            return Ok(self.gateway.prepare(question.call())?);
        }
        let submission = self.driver.submission(in_flight).ok_or(Unfinished::NotSent(Vec::new()))?;
        self.submit_request(submission)
    }

    fn submit_request(&self, submission: Submission<'_>) -> Result<Outgoing, Unfinished> {
        let (ports, alphabet, status_report) =
            (submission.ports, submission.alphabet, submission.status_report);
        let messages: Vec<_> = submission.map(|message| (message, self.outbox.text(message.id))).collect();
        let textless = messages.iter().filter(|(_, text)| text.is_none());
        let textless: Vec<_> = textless.map(|(message, _)| message.id).collect();
        if !textless.is_empty() {
            let gateway = self.gateway.address();
            tracing::error!(ids = ?textless, gateway, "messages without a text are not sent");
            return Err(Unfinished::NotSent(textless));
        }
        let texts: Vec<_> = messages.iter().map(|(_, text)| [text.as_deref().unwrap_or_default()]).collect();
        let recipients: Vec<_> = messages
            .iter()
            .zip(&texts)
            .map(|((message, _), text)| Recipient::new(message.number()).params(text).user_id(message.id))
            .collect();
        let request = send_sms(&recipients, ports, alphabet, status_report).map_err(Error::from)?;
        Ok(self.gateway.prepare(AnyCall::from(&request))?)
    }

    /// Publishes the health of the gateway.
    fn show_health(&self, change: HealthChange, error: Option<Error>) {
        let DriverHealth { is_known, failure, failures, .. } = *self.driver.health();
        let known = self.shared.health.borrow().error.clone();
        // The success of one kind of request does not end the failure of another kind.
        let error = failure.map(|failure| match (error, known) {
            (Some(error), _) if error.failure == failure => Arc::new(error),
            (_, Some(known)) if known.failure == failure => known,
            _ => Arc::new(failure.into()),
        });
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
