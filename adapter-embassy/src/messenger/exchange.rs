//! Asks the gateway, and tells the tracker what came of it.

use core::time::Duration;

use heapless::Vec;
use sms_gateway_core::{
    Invalid, Ports, UserId,
    call::{
        AnyCall, Call, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, Recipient,
        SendSms, StopSms,
    },
    text::{Alphabet, PLACEHOLDER},
    track::{Outgoing, Report, Taken, Token, Tracker},
};

use super::{
    Messenger, Sms,
    inbox::Tray,
    keeper::{BATCH, gather},
};
use crate::{
    Accepted, Buffer, Error, Gateway, Transport,
    store::{Key, Store},
};

/// The error_code for a text that is too long (document §2.3).
const TOO_LONG: u32 = 413;

/// How many reports without a message are held until they are told.
const DISPLACED: usize = 8;

/// What records of answers go to.
pub(super) struct Desk<'m> {
    pub(super) tracker: Tracker<'m>,
    pub(super) tray: Tray<'m>,
    pub(super) displaced: Vec<Report, DISPLACED>,
}

/// A question that is answered with records.
trait Question {
    type Call: Call;
    /// The call with what it borrows.
    type Request<'d>: Call;

    fn request<'d>(&self, desk: &'d mut Desk<'_>) -> Self::Request<'d>;

    /// Takes a record of the answer, and tells whether another one can be taken.
    fn take(&self, desk: &mut Desk<'_>, record: &<Self::Call as Call>::Record<'_>, now: Duration) -> bool;
}

impl Question for Token<QuerySmsResult<'static>> {
    type Call = QuerySmsResult<'static>;
    type Request<'d> = QuerySmsResult<'d>;

    fn request<'d>(&self, desk: &'d mut Desk<'_>) -> QuerySmsResult<'d> {
        desk.tracker.results_request(self)
    }

    fn take(&self, desk: &mut Desk<'_>, record: &<Self::Call as Call>::Record<'_>, now: Duration) -> bool {
        desk.tracker.handle_result(self, record, now);
        true
    }
}

impl Question for Token<QuerySmsDeliverStatus<'static>> {
    type Call = QuerySmsDeliverStatus<'static>;
    type Request<'d> = QuerySmsDeliverStatus<'d>;

    fn request<'d>(&self, desk: &'d mut Desk<'_>) -> QuerySmsDeliverStatus<'d> {
        desk.tracker.reports_request(self)
    }

    fn take(&self, desk: &mut Desk<'_>, record: &<Self::Call as Call>::Record<'_>, now: Duration) -> bool {
        if let Taken::Displaced(report) = desk.tracker.handle_report(self, record, now) {
            let _ = desk.displaced.push(report);
        }
        !desk.displaced.is_full()
    }
}

impl Question for Token<QueryIncomingSms> {
    type Call = QueryIncomingSms;
    type Request<'d> = QueryIncomingSms;

    fn request(&self, desk: &mut Desk<'_>) -> QueryIncomingSms {
        desk.tray.begin();
        desk.tracker.incoming_request(self)
    }

    fn take(&self, desk: &mut Desk<'_>, record: &<Self::Call as Call>::Record<'_>, now: Duration) -> bool {
        if desk.tray.is_open() {
            let mark = desk.tracker.handle_incoming(self, record, now);
            desk.tray.seen(record, mark);
        }
        true
    }
}

/// Why an answer was not read to its end.
enum Unread<E, S> {
    /// The call failed.
    Failed(Error<E>),
    /// What it says can't be stored.
    Unsaved(S),
    /// There is too much to tell first.
    Full,
}

impl<T: Transport, S: Store> Messenger<'_, '_, T, S> {
    /// Asks what is answered with records, and stores what each changes.
    #[allow(private_bounds)]
    pub(super) async fn ask<C: Call>(&mut self, token: Token<C>) -> Result<(), S::Error>
    where
        Token<C>: Question<Call = C>,
    {
        let outcome = self.read(&token).await;
        let now = self.now();
        match outcome {
            Ok(()) => {
                self.note(None);
                self.desk.tracker.handle_end(token, now);
            }
            Err(unread) => {
                self.desk.tracker.handle_lost(token, now);
                match unread {
                    Unread::Failed(error) => {
                        if is_too_long(&error) {
                            self.ask_less();
                        }
                        self.note(Some(error));
                    }
                    Unread::Unsaved(error) => return Err(error),
                    Unread::Full => {}
                }
            }
        }
        Ok(())
    }

    async fn read<C: Call>(&mut self, token: &Token<C>) -> Result<(), Unread<T::Error, S::Error>>
    where
        Token<C>: Question<Call = C>,
    {
        let began = self.began;
        let answer = self.gateway.call::<_, C>(&token.request(&mut self.desk)).await;
        let mut answer = answer.map_err(Unread::Failed)?;
        while let Some(record) = answer.next().await.map_err(Unread::Failed)? {
            if !token.take(&mut self.desk, &record, super::since(began)) {
                return Err(Unread::Full);
            }
            self.keeper.save(&mut self.desk.tracker).await.map_err(Unread::Unsaved)?;
        }
        Ok(())
    }

    /// Asks how many messages wait to be sent.
    pub(super) async fn ask_queue(&mut self, token: Token<QuerySmsInQueue>) {
        let outcome = self.gateway.query_sms_in_queue().await;
        let now = self.now();
        match outcome {
            Ok(in_queue) => {
                self.note(None);
                self.desk.tracker.handle_queue(token, in_queue, now);
            }
            Err(error) => {
                self.desk.tracker.handle_lost(token, now);
                self.note(Some(error));
            }
        }
    }

    /// Stops a task.
    pub(super) async fn stop_task(&mut self, token: Token<StopSms>) {
        let request = self.desk.tracker.stop_request(&token);
        let outcome = match self.gateway.ask(&request).await {
            Ok(mut answer) => answer.finish().await.map(|_| ()),
            Err(error) => Err(error),
        };
        let now = self.now();
        match outcome {
            Ok(()) => {
                self.note(None);
                self.desk.tracker.handle_stopped(token, true, now);
            }
            Err(Error::Refused(refusal)) if matches!(refusal.code, Some(404 | 486)) => {
                self.note(None);
                self.desk.tracker.handle_stopped(token, false, now);
            }
            Err(error) => {
                self.desk.tracker.handle_lost(token, now);
                self.note(Some(error));
            }
        }
    }

    /// Sends messages. What has changed is stored.
    pub(super) async fn submit(&mut self, token: Token<SendSms<'static>>) -> Result<(), S::Error> {
        let letter = self.letter(&token).await;
        let letter = match letter {
            Ok(letter) if letter.textless.is_empty() => letter,
            unsent => {
                let now = self.now();
                self.desk.tracker.handle_not_sent(token, now);
                for id in unsent?.textless {
                    let _ = self.desk.tracker.stop(id, now);
                }
                return Ok(());
            }
        };
        let outcome = letter.send(&mut self.gateway, self.texts).await;
        let now = self.now();
        let tracker = &mut self.desk.tracker;
        match outcome {
            Ok(accepted) => {
                tracker.handle_accepted(token, accepted.task_id, now);
                self.note(None);
            }
            Err(error) => {
                match &error {
                    error if error.may_have_arrived() => tracker.handle_lost(token, now),
                    Error::Refused(refusal) => {
                        tracker.handle_refused(token, refusal.code.unwrap_or_default(), now);
                    }
                    // It would stand before all others for ever.
                    error if is_too_long(error) && letter.messages.len() == 1 => {
                        tracker.handle_refused(token, TOO_LONG, now);
                    }
                    error => {
                        tracker.handle_not_sent(token, now);
                        if is_too_long(error) {
                            self.ask_less();
                        }
                    }
                }
                self.note(Some(error));
            }
        }
        Ok(())
    }

    /// Requests have outgrown what was reckoned with: by a login with a name and a password that are far longer than the first.
    fn ask_less(&mut self) {
        let limits = self.desk.tracker.limits_mut();
        (limits.request_bytes, limits.ids) = (0, 1);
    }

    /// What the request of a message alone takes, as far as is known yet.
    pub(super) fn bytes_of(&self, sms: &Sms<'_>) -> usize {
        let text = [sms.text()];
        let recipients = [Recipient::new(sms.number).params(&text).user_id(UserId::MAX)];
        let request = request(&recipients, sms.ports, Some(sms.alphabet), sms.status_report);
        // An `Sms` is valid.
        request.map_or(0, |request| self.gateway.bytes_of(AnyCall::from(&request)))
    }

    /// The messages of a submission, with their texts.
    async fn letter(&mut self, token: &Token<SendSms<'static>>) -> Result<Letter, S::Error> {
        let mut letter = Letter::default();
        let Ok(submission) = self.desk.tracker.submission(token) else { return Ok(letter) };
        (letter.ports, letter.alphabet, letter.status_report) =
            (submission.ports, submission.alphabet, submission.status_report);
        let messages: Vec<_, BATCH> = gather(submission);
        let mut used = 0_usize;
        for &to in &messages {
            let room = self.texts.get_mut(used..).unwrap_or_default();
            match self.keeper.store.load(Key::Text(to.id.get()), room).await? {
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
pub(super) struct Letter {
    ports: Ports,
    alphabet: Option<Alphabet>,
    status_report: bool,
    /// Each with the end of its text.
    messages: Vec<(Outgoing, usize), BATCH>,
    /// Those whose texts are not there.
    textless: Vec<UserId, BATCH>,
}

impl Letter {
    /// Sends it. Each text is the parameter of a text that is nothing but its place.
    async fn send<T: Transport>(
        &self,
        gateway: &mut Gateway<'_, T>,
        texts: &[u8],
    ) -> Result<Accepted, Error<T::Error>> {
        let mut begin = 0;
        let texts: Vec<[&str; 1], BATCH> = gather(self.messages.iter().map(|(_, end)| {
            let text = texts.get(begin..*end).unwrap_or_default();
            begin = *end;
            [core::str::from_utf8(text).unwrap_or_default()]
        }));
        let recipients: Vec<_, BATCH> = gather(
            self.messages
                .iter()
                .zip(&texts)
                .map(|((to, _), text)| Recipient::new(to.number()).params(text).user_id(to.id)),
        );
        gateway.send_sms(&request(&recipients, self.ports, self.alphabet, self.status_report)?).await
    }
}

/// Each recipient's parameter is its text.
fn request<'a>(
    recipients: &'a [Recipient<'a>],
    ports: Ports,
    alphabet: Option<Alphabet>,
    status_report: bool,
) -> Result<SendSms<'a>, Invalid> {
    let mut request = SendSms::new(PLACEHOLDER, recipients)?.ports(ports);
    if let Some(alphabet) = alphabet {
        request = request.encoding(alphabet.into())?;
    }
    Ok(if status_report { request } else { request.status_report(false) })
}

/// Whether a request is larger than its buffer.
const fn is_too_long<E>(error: &Error<E>) -> bool {
    matches!(error, Error::Invalid(_) | Error::TooSmall { buffer: Buffer::Request, .. })
}
