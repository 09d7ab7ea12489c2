//! Performs the exchanges that the driver asks for, and stores what each record changes.

use heapless::Vec;
use sms_gateway_core::{
    UserId,
    call::{AnyCall, Recipient},
    client::{Failure, HealthChange, InFlight, Taken, send_sms},
    track::{Outgoing, Submission},
};

use super::{
    Messenger, Sms,
    keeper::{BATCH, gather},
};
use crate::{
    Error, Transport,
    response::advance,
    store::{Key, Store},
};

/// The maximum number of reports without a message that are held until they are handed out.
pub(super) const UNMATCHED: usize = 8;

/// Why a response was not read to its end.
enum Unread<E, S> {
    /// The call failed.
    Failed(Error<E>),
    /// A change could not be stored.
    Unsaved(S),
    /// Reports have to be handed out first.
    Full,
}

impl<T: Transport, S: Store> Messenger<'_, '_, T, S> {
    /// Performs an exchange, and hands its records and its outcome to the driver.
    pub(super) async fn perform(&mut self, in_flight: InFlight) -> Result<(), S::Error> {
        if in_flight.is_submission() { self.submit(in_flight).await } else { self.ask(in_flight).await }
    }

    async fn ask(&mut self, in_flight: InFlight) -> Result<(), S::Error> {
        let outcome = match self.driver.question(&in_flight) {
            Some(question) => self.gateway.send(question.call()).await,
            None => Err(Failure::Ended.into()),
        };
        let unread = match outcome {
            Ok(()) => self.read(&in_flight).await.err(),
            Err(error) => Some(Unread::Failed(error)),
        };
        match unread {
            None => self.finish(in_flight, None),
            Some(Unread::Failed(error)) => self.finish(in_flight, Some(error)),
            Some(Unread::Full) => self.driver.abandon(in_flight, self.now()),
            Some(Unread::Unsaved(error)) => {
                self.driver.abandon(in_flight, self.now());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads a response to its end.
    async fn read(&mut self, in_flight: &InFlight) -> Result<(), Unread<T::Error, S::Error>> {
        let (connection, session) = self.gateway.parts();
        session.limit_bytes(self.driver.response_bytes());
        while advance(connection, session).await.map_err(Unread::Failed)? {
            self.driver.set_inbox_room(self.tray.is_empty());
            match self.driver.take(in_flight, session, super::since(self.began)) {
                Taken::Nothing => {}
                Taken::Incoming { mark, sms } => self.tray.hold(&sms, mark),
                Taken::Unmatched(report) => {
                    let _ = self.unmatched.push(report);
                    if self.unmatched.is_full() {
                        return Err(Unread::Full);
                    }
                }
            }
            self.keeper.save(self.driver.tracker_mut()).await.map_err(Unread::Unsaved)?;
        }
        Ok(())
    }

    /// Hands the outcome of an exchange to the driver.
    fn finish(&mut self, in_flight: InFlight, error: Option<Error<T::Error>>) {
        let now = self.now();
        let change = match &error {
            None => self.driver.finish(in_flight, self.gateway.session(), Ok(()), now),
            Some(error) => self.driver.fail(in_flight, error.failure, now),
        };
        // A response that refuses is a response.
        self.error = error.filter(|_| self.driver.health().failure.is_some());
        self.is_failing_anew = change == HealthChange::Failing;
    }

    /// Sends messages. What has changed is stored.
    async fn submit(&mut self, in_flight: InFlight) -> Result<(), S::Error> {
        let letter = match self.letter(&in_flight).await {
            Ok(letter) if letter.textless.is_empty() => letter,
            unsent => {
                let now = self.now();
                match unsent {
                    Ok(letter) => self.driver.texts_missing(in_flight, letter.textless, now),
                    Err(error) => {
                        self.driver.texts_missing(in_flight, None, now);
                        return Err(error);
                    }
                }
                return Ok(());
            }
        };
        let outcome = self.send_letter(&letter).await;
        self.finish(in_flight, outcome.err());
        Ok(())
    }

    async fn send_letter(&mut self, letter: &Letter) -> Result<(), Error<T::Error>> {
        let texts = letter.texts(self.texts);
        let recipients: Vec<_, BATCH> = gather(
            letter
                .messages
                .iter()
                .zip(&texts)
                .map(|((to, _), text)| Recipient::new(to.number()).params(text).user_id(to.id)),
        );
        let Letter { ports, alphabet, status_report, .. } = *letter;
        let request = send_sms(&recipients, ports, alphabet, status_report)?;
        self.gateway.send(AnyCall::from(&request)).await?;
        let (connection, session) = self.gateway.parts();
        while advance(connection, session).await? {}
        Ok(())
    }

    /// The length of the request for a message alone, as far as it is known yet.
    pub(super) fn request_bytes(&self, sms: &Sms<'_>) -> usize {
        let text = [sms.text()];
        let recipients = [Recipient::new(sms.number).params(&text).user_id(UserId::MAX)];
        let request = send_sms(&recipients, sms.ports, Some(sms.alphabet), sms.status_report);
        // An `Sms` is valid.
        request.map_or(0, |request| self.gateway.request_bytes(AnyCall::from(&request)))
    }

    /// Loads the texts of the messages of a submission.
    async fn letter(&mut self, in_flight: &InFlight) -> Result<Letter, S::Error> {
        let mut letter = Letter::default();
        let Some(submission) = self.driver.submission(in_flight) else { return Ok(letter) };
        let Submission { ports, alphabet, status_report, .. } = submission;
        (letter.ports, letter.alphabet, letter.status_report) = (ports, alphabet, status_report);
        let messages: Vec<_, BATCH> = gather(submission);
        let mut used = 0_usize;
        for &to in &messages {
            let space = self.texts.get_mut(used..).unwrap_or_default();
            match self.keeper.store.load(Key::Text(to.id.get()), space).await? {
                Some(length) => used = used.saturating_add(length),
                None => {
                    let _ = letter.textless.push(to.id);
                }
            }
            let _ = letter.messages.push((to, used));
        }
        Ok(letter)
    }
}

/// The messages of one request.
#[derive(Default)]
struct Letter {
    ports: sms_gateway_core::Ports,
    alphabet: Option<sms_gateway_core::text::Alphabet>,
    status_report: bool,
    /// Each message with the end of its text.
    messages: Vec<(Outgoing, usize), BATCH>,
    /// The messages whose texts are missing.
    textless: Vec<UserId, BATCH>,
}

impl Letter {
    fn texts<'t>(&self, texts: &'t [u8]) -> Vec<[&'t str; 1], BATCH> {
        let mut begin = 0;
        gather(self.messages.iter().map(|(_, end)| {
            let text = texts.get(begin..*end).unwrap_or_default();
            begin = *end;
            [core::str::from_utf8(text).unwrap_or_default()]
        }))
    }
}
