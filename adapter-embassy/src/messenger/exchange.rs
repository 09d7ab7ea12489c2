//! Performs the exchanges that the driver requests, and stores the changes that each record causes.

use heapless::Vec;
use sms_gateway_core::{
    UserId,
    call::{AnyCall, Call, Recipient, SendSms},
    client::{Failure, HealthChange, InFlight, Taken, send_sms},
    track::{Outgoing, Submission},
};

use super::{
    Messenger,
    write_batch::{BATCH, collect},
};
use crate::{
    Transport,
    connection::Fault,
    response::advance,
    store::{Key, Store},
};

/// The maximum number of unmatched reports that are held until they are returned.
pub(super) const UNMATCHED: usize = 8;

/// The end of each text of a submission. The texts are one after another in the lent memory.
type TextEnds = Vec<u16, BATCH>;

/// The reason why a response was not read to its end.
enum Unread<E, S> {
    /// The call failed.
    Failed(Fault<E>),
    /// A change could not be stored.
    Unsaved(S),
    /// The list of unmatched reports is full. Its reports must be returned before more can be read.
    Full,
}

impl<E, S> From<Fault<E>> for Unread<E, S> {
    fn from(fault: Fault<E>) -> Self {
        Self::Failed(fault)
    }
}

impl<T: Transport, S: Store> Messenger<'_, '_, T, S> {
    /// Performs an exchange, and hands its records and its outcome to the driver.
    pub(super) async fn perform(&mut self, in_flight: InFlight) -> Result<(), S::Error> {
        let mut ends = TextEnds::new();
        if in_flight.is_submission() {
            let unsent = match self.load_texts(&in_flight, &mut ends).await {
                Ok(None) => None,
                Ok(missing) => Some((missing, Ok(()))),
                Err(error) => Some((None, Err(error))),
            };
            if let Some((missing, outcome)) = unsent {
                self.driver.texts_missing(in_flight, missing, self.now());
                return outcome;
            }
        }
        match self.exchange(&in_flight, &ends).await {
            Ok(()) => self.finish(in_flight, None),
            Err(Unread::Failed(fault)) => self.finish(in_flight, Some(fault)),
            Err(Unread::Full) => self.driver.abandon(in_flight, self.now()),
            Err(Unread::Unsaved(error)) => {
                self.driver.abandon(in_flight, self.now());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Loads the texts of a submission. Returns the first message whose text is missing, if any.
    async fn load_texts(
        &mut self,
        in_flight: &InFlight,
        ends: &mut TextEnds,
    ) -> Result<Option<UserId>, S::Error> {
        let mut used = 0_usize;
        while !ends.is_full() {
            let message = self.driver.submission(in_flight).and_then(|mut messages| messages.nth(ends.len()));
            let Some(id) = message.map(|message| message.id) else { break };
            let space = self.texts.get_mut(used..).unwrap_or_default();
            let Some(length) = self.batch.store.load(Key::Text(id.get()), space).await? else {
                return Ok(Some(id));
            };
            used = used.saturating_add(length);
            let _ = ends.push(u16::try_from(used).unwrap_or(u16::MAX));
        }
        Ok(None)
    }

    /// Sends a request and reads its response to the end. Each attempt writes the request again, so that only `ends` has to be kept.
    async fn exchange(
        &mut self,
        in_flight: &InFlight,
        ends: &TextEnds,
    ) -> Result<(), Unread<T::Error, S::Error>> {
        let (spec, is_repeatable) = match self.driver.question(in_flight) {
            Some(question) => (question.call().spec(), question.call().is_repeatable()),
            None => (<SendSms<'static> as Call>::SPEC, false),
        };
        self.gateway.begin(spec, is_repeatable)?;
        loop {
            let length = self.write(in_flight, ends)?;
            if self.gateway.exchange(length).await? {
                return self.read(in_flight).await;
            }
        }
    }

    /// Writes the request, and returns its length.
    // Not inlined, because its code is larger inside a large future.
    #[inline(never)]
    fn write(&mut self, in_flight: &InFlight, ends: &TextEnds) -> Result<usize, Fault<T::Error>> {
        if let Some(question) = self.driver.question(in_flight) {
            return self.gateway.write(question.call());
        }
        let submission =
            self.driver.submission(in_flight).ok_or_else(|| self.gateway.fail(Failure::Ended))?;
        let Submission { ports, alphabet, status_report, .. } = submission;
        let messages: Vec<Outgoing, BATCH> = collect(submission);
        let texts = split(self.texts, ends);
        let recipients: Vec<_, BATCH> = collect(messages.iter().zip(&texts).map(|(to, text)| {
            Recipient::new(to.number()).params(core::slice::from_ref(text)).user_id(to.id)
        }));
        let request = send_sms(&recipients, ports, alphabet, status_report)
            .map_err(|error| self.gateway.fail(error.into()))?;
        self.gateway.write(AnyCall::from(&request))
    }

    /// Reads a response to its end.
    async fn read(&mut self, in_flight: &InFlight) -> Result<(), Unread<T::Error, S::Error>> {
        let (connection, session) = self.gateway.parts();
        if !in_flight.is_submission() {
            session.limit_bytes(self.driver.response_bytes());
        }
        while advance(connection, session).await? {
            self.driver.set_inbox_room(self.held.is_empty());
            match self.driver.take(in_flight, session, crate::clock::since(self.began)) {
                Taken::Nothing | Taken::Imsi { .. } => {}
                // There is room: after `set_inbox_room(false)`, the driver returns no message.
                Taken::Incoming { mark, sms } => _ = self.held.hold(&sms, mark),
                Taken::Unmatched(report) => {
                    let _ = self.unmatched.push(report);
                    if self.unmatched.is_full() {
                        return Err(Unread::Full);
                    }
                }
            }
            self.batch.save(self.driver.tracker_mut()).await.map_err(Unread::Unsaved)?;
        }
        Ok(())
    }

    /// Hands the outcome of an exchange to the driver.
    fn finish(&mut self, in_flight: InFlight, fault: Option<Fault<T::Error>>) {
        let now = self.now();
        let error = fault.map(|fault| self.gateway.error(fault));
        let outcome = error.as_ref().map_or(Ok(()), |error| Err(error.failure));
        let change = self.driver.finish(in_flight, self.gateway.session(), outcome, now);
        // An error that the driver does not count as a failure of the gateway is dropped: some refusals concern only the request.
        self.last_error = error.filter(|_| self.driver.health().failure.is_some());
        self.is_failure_new = change == HealthChange::Failing;
    }
}

/// Splits `texts` at `ends`.
fn split<'t>(texts: &'t [u8], ends: &TextEnds) -> Vec<&'t str, BATCH> {
    let mut begin = 0;
    collect(ends.iter().map(|end| {
        let end = usize::from(*end);
        let text = texts.get(begin..end).unwrap_or_default();
        begin = end;
        core::str::from_utf8(text).unwrap_or_default()
    }))
}
