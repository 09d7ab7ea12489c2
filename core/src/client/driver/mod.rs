//! The messenger's engine: which request is sent next, what its response means, and how healthy the gateway is.

mod health;
mod inbox;
mod question;
mod submission;

use core::{fmt, time::Duration};

use super::{Buffer, Cause, Failure, Session, repeat::Submission as Meaning};
use crate::{
    TaskId, UserId,
    call::{IncomingSms, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, SendSms},
    json::Text,
    track::{Ask, InboxMark, PageBreak, Report, ReportOutcome, RestoreError, Submission, Tracker},
};
pub use health::{Health, HealthChange};
use health::{Kind, Monitor};
pub use question::Question;
pub use submission::send_sms;

/// The error_code for a request that is too large (document §2.3).
const TOO_LARGE: u32 = 413;
/// The error_code for "no port available" (document 1.0).
const NO_PORT: u32 = 550;
/// The error_codes of stop_sms for an unknown task: 404, and 486 from some gateways (document §9.3).
const UNKNOWN_TASK: [u32; 2] = [404, 486];
/// The maximum wait before the next request if the gateway could not be reached, if it did not respond to a probe, or if unread
/// responses held all connections.
const UNREACHABLE_RETRY: Duration = Duration::from_secs(5);
/// The maximum wait before the next request if connecting timed out, or if the wait for an earlier call timed out.
const TIMED_OUT_RETRY: Duration = Duration::from_secs(1);
/// The minimum wait before the next request after an HTTP status by which gateways lock clients out. A request that is sent
/// sooner might prolong the lock-out.
const LOCKED_OUT_RETRY: Duration = Duration::from_secs(60);
/// The initial limit on the length of a response to a [`Question`], in bytes.
const RESPONSE_BYTES: u32 = 4 * 1024 * 1024;
/// The maximum to which the limit on the length of a response is raised, in bytes.
const MAX_RESPONSE_BYTES: u32 = 256 * 1024 * 1024;

/// Drives a messenger: alternates between submitting messages, stopping tasks, and querying results, status reports and the inbox.
///
/// A driver performs no I/O and stores nothing. It contains the [`Tracker`] of the messages, and reports to the tracker what the
/// outcome of each request means for them.
///
/// # Order of calls
/// Whenever a message was added, stopped or acknowledged, or time has passed:
/// 1. [`step`](Self::step) returns the next exchange, or the time until which to wait.
/// 2. Store the tracker's [changes](Tracker::next_change), and then hand out its [events](Tracker::next_event).
/// 3. Perform the exchange: the call of [`question`](Self::question) or the messages of [`submission`](Self::submission).
///    Limit the bytes of the response to [`response_bytes`](Self::response_bytes).
/// 4. Hand each record to [`take`](Self::take), and the outcome to [`finish`](Self::finish).
///
/// Only one exchange is in flight at a time. If an [`InFlight`] is dropped, the next step treats its response as lost.
pub struct Driver<'m> {
    tracker: Tracker<'m>,
    monitor: Monitor,
    /// Whether the credentials have changed since the last request.
    is_renewed: bool,
    response_bytes: u32,
    /// The number of times that `limits.ids` was halved after responses that were too long, minus the times that it was doubled again.
    halvings: u8,
    restored: Restored,
}

/// The numbers of readable and torn records among those to restore.
#[derive(Clone, Copy, Debug, Default)]
struct Restored {
    readable: u32,
    torn: u32,
}

impl Restored {
    const NONE: Self = Self { readable: 0, torn: 0 };
}

/// The next step of a messenger.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Wait until this time, if any, or until a message is added, stopped or acknowledged.
    Wait(Option<Duration>),
    /// Perform this exchange.
    Exchange(InFlight),
}

/// An exchange in flight. It cannot be cloned, so its outcome is reported only once.
#[derive(Debug)]
#[must_use]
pub struct InFlight(Ask);

impl InFlight {
    const fn kind(&self) -> Kind {
        match &self.0 {
            Ask::Wait(_) | Ask::Submit(_) => Kind::Submit,
            Ask::Results(_) => Kind::Results,
            Ask::Reports(_) => Kind::Reports,
            Ask::Queue(_) => Kind::Queue,
            Ask::Incoming(_) => Kind::Incoming,
            Ask::Stop(_) => Kind::Stop,
        }
    }

    /// Whether the exchange submits messages. Otherwise it is a [`Question`].
    pub const fn is_submission(&self) -> bool {
        matches!(self.0, Ask::Submit(_))
    }

    /// Whether the exchange only queries the gateway. Such an exchange can be abandoned at any time.
    pub const fn is_query(&self) -> bool {
        matches!(self.0, Ask::Results(_) | Ask::Reports(_) | Ask::Queue(_) | Ask::Incoming(_))
    }
}

/// The action that a record requires of the adapter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub enum Taken<'s> {
    /// Nothing.
    Nothing,
    /// Hand out a message that arrived.
    Incoming {
        /// The mark by which the message is acknowledged.
        mark: InboxMark,
        /// The message.
        sms: IncomingSms<'s>,
    },
    /// Keep the IMSI of a message if the adapter needs it. The tracker does not keep it.
    Imsi {
        /// The message.
        id: UserId,
        /// The IMSI of the SIM card that sent it.
        imsi: Text<'s>,
    },
    /// Hand out a status report that no message matched, and that was evicted to make room for another.
    Unmatched(Report),
}

impl<'m> Driver<'m> {
    /// Creates a driver of the messages in `tracker`.
    pub const fn new(tracker: Tracker<'m>) -> Self {
        Self {
            tracker,
            monitor: Monitor::new(),
            is_renewed: false,
            response_bytes: RESPONSE_BYTES,
            halvings: 0,
            restored: Restored::NONE,
        }
    }

    /// Creates a driver whose tracker has no memory yet. [`Tracker::begin`] lends the memory.
    // Out of line, so that its temporaries are off the stack before the caller constructs the rest.
    #[cfg_attr(target_os = "none", inline(never))]
    pub const fn empty() -> Self {
        // Does not call `new`, because the tracker would be copied to it.
        Self {
            tracker: Tracker::empty(),
            monitor: Monitor::new(),
            is_renewed: false,
            response_bytes: RESPONSE_BYTES,
            halvings: 0,
            restored: Restored::NONE,
        }
    }

    /// Returns the tracker of the messages.
    pub const fn tracker(&self) -> &Tracker<'m> {
        &self.tracker
    }

    /// Returns the tracker, to add, stop and acknowledge messages.
    pub const fn tracker_mut(&mut self) -> &mut Tracker<'m> {
        &mut self.tracker
    }

    /// Returns the health of the gateway.
    pub const fn health(&self) -> &Health {
        self.monitor.health()
    }

    /// Returns the maximum length of the next response to a [`Question`], in bytes.
    ///
    /// If a response is longer, the records read from it remain valid. After a query for results of several messages, the next such
    /// query names half as many. After a query for the results of one message, and after any other question, this limit doubles, up
    /// to 256 MiB.
    pub const fn response_bytes(&self) -> u32 {
        self.response_bytes
    }

    /// Restores a saved record. A torn record is skipped, so that a single damaged record does not prevent the tracking of all
    /// other messages. [`skipped_records`](Self::skipped_records) returns the number of skipped records.
    ///
    /// # Errors
    /// [`RestoreError`] if the record has an unknown version, or if there are more messages than slots.
    pub fn restore(&mut self, record: &[u8]) -> Result<(), RestoreError> {
        match self.tracker.restore(record) {
            Ok(()) => self.restored.readable = self.restored.readable.saturating_add(1),
            Err(RestoreError::Torn) => self.restored.torn = self.restored.torn.saturating_add(1),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Begins to restore. Then pass all records to [`restore`](Self::restore). After an interruption, call this method again, and
    /// begin again with the first record.
    pub const fn begin_restore(&mut self) {
        self.restored = Restored::NONE;
    }

    /// Starts with the records that were restored.
    ///
    /// # Errors
    /// [`RestoreError::Torn`] if there were records, but none was readable. The store then probably holds other data.
    pub fn start(&mut self, now: Duration) -> Result<(), RestoreError> {
        match self.restored {
            Restored { readable: 0, torn: 1.. } => Err(RestoreError::Torn),
            Restored { readable: 0, torn: 0 } => Ok(()),
            Restored { .. } => {
                self.tracker.start(now);
                Ok(())
            }
        }
    }

    /// Returns the number of torn records that were skipped since the last call of this method.
    pub const fn skipped_records(&mut self) -> u32 {
        core::mem::replace(&mut self.restored.torn, 0)
    }

    /// Reports that the credentials have changed. The next request then does not wait for the end of a back-off.
    pub fn credentials_changed(&mut self, now: Duration) {
        self.is_renewed = true;
        self.tracker.retry_now(now);
    }

    /// Sets whether there is room to hold another incoming message. Without room, a list of incoming messages is read only up to its
    /// first new message. A later list contains that message again.
    pub const fn set_inbox_room(&mut self, has_room: bool) {
        self.tracker.set_inbox_room(has_room);
    }

    /// Returns the next step.
    pub fn step(&mut self, now: Duration) -> Step {
        match self.tracker.step(now) {
            Ask::Wait(until) => Step::Wait(until),
            ask => Step::Exchange(InFlight(ask)),
        }
    }

    /// Returns the question to ask the gateway. `None` if the exchange is a submission, or is no longer in flight.
    pub fn question(&self, in_flight: &InFlight) -> Option<Question<'_>> {
        Some(match &in_flight.0 {
            Ask::Wait(_) | Ask::Submit(_) => return None,
            Ask::Results(token) => Question::Results(self.tracker.results_request(token)?),
            Ask::Reports(token) => Question::Reports(self.tracker.reports_request(token)?),
            Ask::Queue(_) => Question::Queue(QuerySmsInQueue),
            Ask::Incoming(token) => Question::Incoming(self.tracker.incoming_request(token)?),
            Ask::Stop(token) => Question::Stop(self.tracker.stop_request(token)?),
        })
    }

    /// Returns the messages to submit. `None` if the exchange is a question, or while changes wait to be stored.
    pub fn submission(&self, in_flight: &InFlight) -> Option<Submission<'_>> {
        match &in_flight.0 {
            Ask::Submit(token) => self.tracker.submission(token).ok().flatten(),
            _ => None,
        }
    }

    /// Handles the record that the session has just read.
    // Out of line, because the code is larger when it is inlined into a large future.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn take<'s, B>(&mut self, in_flight: &InFlight, session: &'s Session<B>, now: Duration) -> Taken<'s>
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
    {
        match &in_flight.0 {
            Ask::Results(token) => {
                if let Some(result) = session.record::<QuerySmsResult<'static>>()
                    && let Some(id) = self.tracker.handle_result(token, &result, now)
                {
                    return Taken::Imsi { id, imsi: result.imsi };
                }
            }
            Ask::Reports(token) => {
                if let Some(report) = session.record::<QuerySmsDeliverStatus<'static>>()
                    && let ReportOutcome::Evicted(evicted) = self.tracker.handle_report(token, &report, now)
                {
                    return Taken::Unmatched(evicted);
                }
            }
            Ask::Incoming(token) => {
                if let Some(sms) = session.record::<QueryIncomingSms>()
                    && let Some(mark) = self.tracker.handle_incoming(token, &sms, now)
                {
                    return Taken::Incoming { mark, sms };
                }
            }
            Ask::Wait(_) | Ask::Submit(_) | Ask::Queue(_) | Ask::Stop(_) => {}
        }
        Taken::Nothing
    }

    /// Handles the outcome of an exchange. `session` must still hold the response: its summary, or the position at which it became
    /// malformed.
    pub fn finish<B>(
        &mut self,
        in_flight: InFlight,
        session: &Session<B>,
        outcome: Result<(), Failure>,
        now: Duration,
    ) -> HealthChange
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
    {
        let kind = in_flight.kind();
        match outcome {
            Ok(()) => {
                if kind == Kind::Results {
                    self.accept_more();
                }
                self.succeeded(in_flight, session, now);
                self.note(kind, None, now)
            }
            Err(failure) => self.failed(in_flight, &failure, session.page_break(), now),
        }
    }

    /// Gives up an exchange because the adapter has stopped reading its response. Records read before remain valid.
    pub fn abandon(&mut self, in_flight: InFlight, now: Duration) {
        if let Some(token) = in_flight.0.into_token() {
            self.tracker.handle_lost(token, now);
        }
    }

    /// Gives up a submission before anything was sent, and stops the messages in `missing`, whose texts were not found.
    pub fn texts_missing(
        &mut self,
        in_flight: InFlight,
        missing: impl IntoIterator<Item = UserId>,
        now: Duration,
    ) {
        if let Ask::Submit(token) = in_flight.0 {
            self.tracker.handle_not_sent(token, now);
        }
        for id in missing {
            let _ = self.tracker.stop(id, now);
        }
    }

    fn succeeded<B>(&mut self, in_flight: InFlight, session: &Session<B>, now: Duration)
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
    {
        let tracker = &mut self.tracker;
        match in_flight.0 {
            Ask::Submit(token) => {
                let task = session.summary::<SendSms<'static>>().task_id.get().map(TaskId::new);
                tracker.handle_accepted(token, task, now);
            }
            Ask::Queue(token) => {
                let in_queue = session.summary::<QuerySmsInQueue>().in_queue.get();
                tracker.handle_queue(token, in_queue, now);
            }
            Ask::Stop(token) => tracker.handle_stopped(token, true, now),
            Ask::Results(token) => tracker.handle_end(token, now),
            Ask::Reports(token) => tracker.handle_end(token, now),
            Ask::Incoming(token) => tracker.handle_end(token, now),
            Ask::Wait(_) => {}
        }
    }

    /// Reports that an exchange failed, perhaps before anything was sent.
    pub fn fail(&mut self, in_flight: InFlight, failure: Failure, now: Duration) -> HealthChange {
        self.failed(in_flight, &failure, None, now)
    }

    /// Handles a failure. `by` is the position at which a response with incoming messages became malformed.
    fn failed(
        &mut self,
        in_flight: InFlight,
        failure: &Failure,
        by: Option<PageBreak>,
        now: Duration,
    ) -> HealthChange {
        let kind = in_flight.kind();
        match in_flight.0 {
            Ask::Submit(token) => return self.submission_failed(token, failure, now),
            Ask::Stop(token) if failure.error_code().is_some_and(|code| UNKNOWN_TASK.contains(&code)) => {
                self.tracker.handle_stopped(token, false, now);
                return self.note(kind, None, now);
            }
            Ask::Incoming(token) => {
                if self.incoming_failed(token, failure, by, now) {
                    return self.note(kind, None, now);
                }
            }
            ask => {
                self.abandon(InFlight(ask), now);
                if matches!(failure, Failure::TooLarge { .. }) {
                    self.accept_less(kind == Kind::Results);
                }
            }
        }
        if is_request_too_large(failure) {
            self.shrink_requests();
        }
        self.note(kind, Some(failure), now)
    }

    fn submission_failed(
        &mut self,
        token: crate::track::Token<SendSms<'static>>,
        failure: &Failure,
        now: Duration,
    ) -> HealthChange {
        match Meaning::of(failure) {
            Meaning::Unknown => self.tracker.handle_lost(token, now),
            Meaning::Unclear => self.tracker.handle_unclear(token, now),
            Meaning::Refused(NO_PORT) => self.tracker.handle_refused(token, NO_PORT, now),
            // One of the messages is at fault, not the gateway.
            Meaning::Refused(code) => {
                self.tracker.handle_refused(token, code, now);
                return self.note(Kind::Submit, None, now);
            }
            // A message that is too large even when it is alone in its request would block all later messages for ever.
            Meaning::NotSent if is_request_too_large(failure) && self.tracker.has_one_in_flight() => {
                self.tracker.handle_refused(token, TOO_LARGE, now);
            }
            Meaning::NotSent => {
                self.tracker.handle_not_sent(token, now);
                if is_request_too_large(failure) {
                    self.shrink_requests();
                }
            }
        }
        self.note(Kind::Submit, Some(failure), now)
    }

    /// After a response that was too long, names fewer messages in the next query. If queries name no messages, or only one, accepts
    /// longer responses instead.
    fn accept_less(&mut self, names_messages: bool) {
        let limits = self.tracker.limits_mut();
        if names_messages && limits.ids > 1 {
            limits.ids /= 2;
            self.halvings = self.halvings.saturating_add(1);
        } else {
            self.response_bytes = self.response_bytes.saturating_mul(2).min(MAX_RESPONSE_BYTES);
        }
    }

    /// After a complete response, names more messages in the next query again.
    fn accept_more(&mut self) {
        if self.halvings > 0 {
            let limits = self.tracker.limits_mut();
            limits.ids = limits.ids.saturating_mul(2);
            self.halvings = self.halvings.saturating_sub(1);
        }
    }

    /// Makes requests as small as possible. This is needed if the login takes up more of the request buffer than was planned for,
    /// because the present user name and password are far longer than the first ones.
    fn shrink_requests(&mut self) {
        let limits = self.tracker.limits_mut();
        (limits.request_bytes, limits.ids) = (0, 1);
        self.halvings = 0;
    }

    /// Records the outcome of a request, and bounds the wait before the next one.
    fn note(&mut self, kind: Kind, failure: Option<&Failure>, now: Duration) -> HealthChange {
        match failure {
            // The call already waited for its whole timeout, so the next wait may be short.
            Some(Failure::Unreachable(Cause::TimedOut { .. }) | Failure::Busy { .. }) => {
                self.tracker.bound_wait(Duration::ZERO, TIMED_OUT_RETRY, now);
            }
            Some(Failure::Unreachable(_) | Failure::ChallengeLost(_) | Failure::Unread) => {
                self.tracker.bound_wait(Duration::ZERO, UNREACHABLE_RETRY, now);
            }
            Some(failure) if failure.is_lock_out() => {
                self.tracker.bound_wait(LOCKED_OUT_RETRY, Duration::MAX, now);
            }
            _ => {}
        }
        let is_renewed = core::mem::take(&mut self.is_renewed);
        self.monitor.take(kind, failure, is_renewed)
    }
}

/// Whether the request is too large for its buffer, or breaks a limit of the API.
const fn is_request_too_large(failure: &Failure) -> bool {
    matches!(failure, Failure::Invalid(_) | Failure::TooSmall { buffer: Buffer::Request, .. })
}

/// Shows nothing of the messages.
impl fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("health", self.health()).finish_non_exhaustive()
    }
}
