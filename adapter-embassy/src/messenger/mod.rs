//! Messages followed from "asked to send" to "delivered", across lost answers and restarts, and those that come in.

mod event;
mod exchange;
mod inbox;
mod keeper;
mod sms;

use core::{
    fmt,
    future::{Future, pending},
    pin::pin,
    time::Duration,
};

use embassy_futures::select::{Either, select};
use embassy_time::{Instant, Timer};
use heapless::Vec;
use sms_gateway_core::{
    UserId,
    client::{Buffer, Driver, Health, Step},
    track::{
        Event as Told, InboxMark, Message, PendingReport, Report, RestoreError, Settings, Slot, StopResult,
        Tracker,
    },
};

use crate::{
    Error, Gateway, Transport,
    store::{Key, Store},
};
use exchange::UNMATCHED;
use inbox::Tray;
use keeper::{BATCH, Keeper, needs_text};

pub use event::Event;
pub use inbox::Incoming;
pub use sms::Sms;

/// The memory that a [`Messenger`] works in beside its gateway's, lent by the caller.
pub struct Room<'m> {
    /// One for each message that is under way or remembered.
    pub slots: &'m mut [Slot],
    /// One for each report that waits for its message or belongs to none: a few.
    pub early: &'m mut [PendingReport],
    /// Where the texts of one request are put together. A text that is longer can't be sent: 1500 bytes do for all. How many messages
    /// go together hangs on this and on [`Buffers::request`](crate::Buffers::request).
    pub texts: &'m mut [u8],
    /// Where one message that came in is held: its text and two numbers.
    pub incoming: &'m mut [u8],
}

/// Sends messages through a gateway and follows each to its end, and receives messages.
///
/// One task owns it, and drives it with [`next`](Self::next) or, if it has something else to wait for such as a channel by which other
/// tasks send, [`next_or`](Self::next_or). All is [stored](Store) before a message is sent and before news is told.
///
/// ```no_run
/// use sms_gateway_embassy::{
///     Event, Gateway, Messenger, NoRoom, RamStore, Room, Sms, StoreError, Transport,
///     core::track::{PendingReport, Settings, Slot},
/// };
///
/// async fn alarm<T: Transport>(gateway: Gateway<'_, T>) -> Result<bool, StoreError<NoRoom>> {
///     let (mut slots, mut early) = ([Slot::EMPTY; 8], [PendingReport::EMPTY; 4]);
///     let (mut texts, mut incoming, mut kept) = ([0; 320], [0; 512], [0; 1024]);
///     let room = Room { slots: &mut slots, early: &mut early, texts: &mut texts, incoming: &mut incoming };
///     let mut messenger = Messenger::new(gateway, RamStore::new(&mut kept), room, Settings::default());
///     let id = messenger.send(&Sms::new("10086", "It is 80 °C in here").expect("valid")).await.expect("room");
///     loop {
///         if let Event::Update(message) = messenger.next().await? {
///             messenger.acknowledge(&message);
///             if message.id == id && message.is_final {
///                 return Ok(message.segments.failed == 0);
///             }
///         }
///     }
/// }
/// ```
///
/// # What a dropped future leaves
/// Nothing is lost, but time may be: a question that was under way is asked again, and a message whose submission was under way is
/// looked up at the gateway first, since it may have been sent. [`next_or`](Self::next_or) saves that: it never drops what is under way.
pub struct Messenger<'g, 'm, T: Transport, S> {
    gateway: Gateway<'g, T>,
    driver: Driver<'m>,
    tray: Tray<'m>,
    /// Reports without a message that are not handed out yet.
    unmatched: Vec<Report, UNMATCHED>,
    keeper: Keeper<S>,
    texts: &'m mut [u8],
    /// The tracker's zero.
    began: Instant,
    start: Start,
    /// A message that is taken, and whose text may not be stored.
    adding: Option<UserId>,
    /// Of the last request.
    error: Option<Error<T::Error>>,
    /// It is to be told.
    is_failing_anew: bool,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendError<S> {
    /// All slots are in use.
    Full,
    /// Its text does not fit in [`Room::texts`], or its request not in [`Buffers::request`](crate::Buffers::request), as far as is known.
    /// The first login may show that it does not: then the message ends as if the gateway had refused it, with error_code 413.
    TooLong {
        /// In which.
        buffer: Buffer,
        /// The size that would do, in bytes.
        needed: usize,
    },
    /// It could not be stored.
    Store(StoreError<S>),
}

/// Why a messenger can't go on with its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StoreError<S> {
    /// The store can't be read or written.
    Store(S),
    /// What it has can't be taken.
    Restore(RestoreError),
    /// A text that is still to be sent does not fit in [`Room::texts`], which was larger before the restart. Nothing is lost.
    TextTooLong {
        /// The size that would do, in bytes.
        needed: usize,
    },
}

const SEND_SMS: &str = "/api/send_sms";
/// The longest body of a send_sms, but for its recipients.
const FRAME: &str = r##"{"text":"#param#","port":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31],"encoding":"gsm-7bit","request_status_report":false,"param":[]}"##;
const QUERY_SMS_RESULT: &str = "/api/query_sms_result";
/// The body of a query_sms_result for ids, but for these.
const NO_IDS: &str = r#"{"user_id":[]}"#;
const LONGEST_ID: &str = "2147483647,";

/// How much of the start is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Nothing,
    Restored,
    All,
}

/// What is to be told next.
enum Next {
    Tracked(Told),
    Incoming,
    Unmatched(Report),
    Failing,
    Skipped(u32),
}

impl<'g, 'm, T: Transport, S: Store> Messenger<'g, 'm, T, S> {
    /// A messenger that works in this memory.
    ///
    /// A message takes a slot until its end is acknowledged and no more reports can come for it: lend as many as there were before a
    /// restart.
    pub fn new(gateway: Gateway<'g, T>, store: S, room: Room<'m>, mut settings: Settings) -> Self {
        let Room { slots, early, texts, incoming } = room;
        // What is sent together is put together in one place.
        let together = u8::try_from(BATCH).unwrap_or(u8::MAX);
        settings.limits.recipients = settings.limits.recipients.min(together);
        let rest = |target: &str, body: &str| {
            let used = gateway.max_head_bytes(target.len()).saturating_add(body.len());
            gateway.request_len().saturating_sub(used)
        };
        let bytes = rest(SEND_SMS, FRAME).min(texts.len());
        settings.limits.request_bytes =
            settings.limits.request_bytes.min(u32::try_from(bytes).unwrap_or(u32::MAX));
        let ids = rest(QUERY_SMS_RESULT, NO_IDS) / LONGEST_ID.len();
        settings.limits.ids = settings.limits.ids.min(u8::try_from(ids).unwrap_or(u8::MAX));
        let tracker = Tracker::new(slots, early, settings, Duration::ZERO);
        Self {
            gateway,
            driver: Driver::new(tracker),
            tray: Tray::new(incoming),
            unmatched: Vec::new(),
            keeper: Keeper::new(store),
            texts,
            began: Instant::now(),
            start: Start::Nothing,
            adding: None,
            error: None,
            is_failing_anew: false,
        }
    }

    /// Starts with what is stored: what was under way goes on, and a request that had left is looked up. [`send`](Self::send) and
    /// [`next`](Self::next) do so first, so that this is only for those who want to look at the messages before. If the future is
    /// dropped, call it again.
    ///
    /// # Errors
    /// [`StoreError`]; it is tried again by the next call.
    pub async fn start(&mut self) -> Result<(), StoreError<S::Error>> {
        if self.start == Start::Nothing {
            restore(&mut self.keeper.store, &mut self.driver).await?;
            let now = self.now();
            self.driver.start(now).map_err(StoreError::Restore)?;
            self.start = Start::Restored;
        }
        if self.start == Start::Restored {
            review_texts(&mut self.keeper, self.driver.tracker_mut(), self.texts.len()).await?;
            self.start = Start::All;
        }
        Ok(())
    }

    /// Takes a message; it is stored then, and sent by [`next`](Self::next). If the future is dropped, it may or may not be taken.
    ///
    /// # Errors
    /// [`SendError`]: it is not taken.
    pub async fn send(&mut self, sms: &Sms<'_>) -> Result<UserId, SendError<S::Error>> {
        self.start().await.map_err(SendError::Store)?;
        self.withdraw();
        let text = sms.text();
        if text.len() > self.texts.len() {
            return Err(SendError::TooLong { buffer: Buffer::Texts, needed: text.len() });
        }
        let needed = self.request_bytes(sms);
        if needed > self.gateway.request_len() {
            return Err(SendError::TooLong { buffer: Buffer::Request, needed });
        }
        let now = self.now();
        let id = self.driver.tracker_mut().add(&sms.draft(), now).map_err(|_| SendError::Full)?;
        self.adding = Some(id);
        let saved = self.keeper.save_with(self.driver.tracker_mut(), Some((id, text))).await;
        if let Err(error) = saved {
            self.withdraw();
            return Err(SendError::Store(error.into()));
        }
        self.adding = None;
        Ok(id)
    }

    /// Works until there is something to tell. If the future is dropped, see [above](Self#what-a-dropped-future-leaves).
    ///
    /// # Errors
    /// When something could not be stored. Nothing is lost: it is tried again with the next call of any method.
    pub async fn next(&mut self) -> Result<Event<'_, T::Error>, StoreError<S::Error>> {
        match self.next_or(pending::<core::convert::Infallible>()).await? {
            Either::First(event) => Ok(event),
            Either::Second(never) => match never {},
        }
    }

    /// Works until there is something to tell, or something else is ready: a message that another task wants to be sent, for example.
    /// That is looked at while nothing is under way, so that it may wait for a request's end, and no request is broken off for it.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_or<F: Future>(
        &mut self,
        other: F,
    ) -> Result<Either<Event<'_, T::Error>, F::Output>, StoreError<S::Error>> {
        self.start().await?;
        let mut other = pin!(other);
        let next = loop {
            self.withdraw();
            self.keeper.save(self.driver.tracker_mut()).await?;
            if let Some(next) = self.take_next() {
                break next;
            }
            let now = self.now();
            self.driver.set_inbox_room(self.tray.is_empty());
            let step = self.driver.step(now);
            self.keeper.save(self.driver.tracker_mut()).await?;
            match step {
                Step::Wait(until) => {
                    // A step may have news, too.
                    if let Some(next) = self.take_next() {
                        break next;
                    }
                    if let Either::First(output) = select(&mut other, wait(self.began, until)).await {
                        return Ok(Either::Second(output));
                    }
                }
                Step::Exchange(in_flight) => self.perform(in_flight).await?,
            }
        };
        Ok(Either::First(self.event(next)))
    }

    /// The caller has taken note of a message's news: it does not come again. That is stored by the next call.
    pub fn acknowledge(&mut self, message: &Message) {
        self.driver.tracker_mut().acknowledge(message.id, message.revision);
    }

    /// The caller has taken note of a message that came in: it does not come again, and the next one is fetched. That is stored by the
    /// next call.
    pub fn acknowledge_incoming(&mut self, mark: InboxMark) {
        if self.tray.release(mark) {
            self.driver.tracker_mut().acknowledge_incoming(mark);
        }
    }

    /// Stops a message. What the gateway has is stopped by its request: with all messages of the same request that wait.
    pub fn stop(&mut self, id: UserId) -> StopResult {
        let now = self.now();
        self.driver.tracker_mut().stop(id, now)
    }

    /// What is known of a message.
    pub fn message(&self, id: UserId) -> Option<Message> {
        self.driver.tracker().message(id)
    }

    /// How many more messages can be taken.
    pub fn room(&self) -> u32 {
        self.driver.tracker().room()
    }

    /// Whether the gateway answers.
    pub const fn health(&self) -> &Health {
        self.driver.health()
    }

    /// Why the last request failed; `None` if it did not.
    pub const fn error(&self) -> Option<&Error<T::Error>> {
        self.error.as_ref()
    }

    /// Other credentials from now on. After [`Error::LoginRefused`] the gateway is asked again only then, and at once.
    pub fn set_credentials(&mut self, username: &'g str, password: &'g str) {
        self.gateway.set_credentials(username, password);
        let now = self.now();
        self.driver.credentials_changed(now);
    }

    /// The gateway, for other calls meanwhile.
    pub const fn gateway(&mut self) -> &mut Gateway<'g, T> {
        &mut self.gateway
    }

    /// Ends, and gives the gateway and the store back. Acknowledgements behind the last call are not stored.
    pub fn into_parts(self) -> (Gateway<'g, T>, S) {
        (self.gateway, self.keeper.store)
    }

    /// Takes back a message whose text may not be stored, since the future of [`send`](Self::send) was dropped.
    fn withdraw(&mut self) {
        if let Some(id) = self.adding.take() {
            self.driver.tracker_mut().cancel(id);
        }
    }

    fn take_next(&mut self) -> Option<Next> {
        if core::mem::take(&mut self.is_failing_anew) {
            return Some(Next::Failing);
        }
        let skipped = self.driver.skipped_records();
        if skipped > 0 {
            return Some(Next::Skipped(skipped));
        }
        if let Some(report) = self.unmatched.pop() {
            return Some(Next::Unmatched(report));
        }
        if self.tray.tell() {
            return Some(Next::Incoming);
        }
        self.driver.tracker_mut().next_event().map(Next::Tracked)
    }

    fn event(&self, next: Next) -> Event<'_, T::Error> {
        let incoming = self.tray.message().map(Event::Incoming);
        match (next, incoming, &self.error) {
            (Next::Tracked(Told::Update(message)), ..) => Event::Update(message),
            (Next::Tracked(Told::Ambiguous(report)), ..) => Event::Ambiguous(report),
            (Next::Tracked(Told::Unmatched(report)) | Next::Unmatched(report), ..) => {
                Event::Unmatched(report)
            }
            (Next::Skipped(records), ..) => Event::RecordsSkipped(records),
            (Next::Incoming, Some(incoming), _) => incoming,
            (Next::Failing, _, Some(error)) => Event::Failing(error),
            // What was to be told is there.
            (Next::Tracked(Told::InboxRestarted) | Next::Incoming | Next::Failing, ..) => {
                Event::InboxRestarted
            }
        }
    }

    /// The tracker's time.
    fn now(&self) -> Duration {
        since(self.began)
    }
}

/// The time since then.
fn since(began: Instant) -> Duration {
    Duration::from_micros(Instant::now().as_micros().saturating_sub(began.as_micros()))
}

/// Waits for a time of the tracker's.
async fn wait(began: Instant, until: Option<Duration>) {
    match until {
        Some(until) => {
            let until =
                embassy_time::Duration::from_micros(u64::try_from(until.as_micros()).unwrap_or(u64::MAX));
            Timer::at(began.saturating_add(until)).await;
        }
        None => pending().await,
    }
}

/// Hands what is stored to the tracker.
async fn restore<S: Store>(store: &mut S, driver: &mut Driver<'_>) -> Result<(), StoreError<S::Error>> {
    let mut outcome = Ok(());
    let take = &mut |key, value: &[u8]| {
        if matches!(key, Key::Record(_))
            && let Err(error) = driver.restore(value)
        {
            outcome = Err(StoreError::Restore(error));
        }
    };
    store.restore(take).await?;
    outcome
}

/// Forgets texts of messages that are not there, or can't be submitted any more. The others have to fit in so many bytes.
async fn review_texts<S: Store>(
    keeper: &mut Keeper<S>,
    tracker: &mut Tracker<'_>,
    room: usize,
) -> Result<(), StoreError<S::Error>> {
    let mut longest = 0;
    let mut orphans: Vec<u32, BATCH> = Vec::new();
    // All that are found have room then.
    keeper.save(tracker).await?;
    let find = &mut |key, text: &[u8]| {
        let Key::Text(id) = key else { return };
        if UserId::new(id.into()).is_ok_and(|id| needs_text(tracker, id)) {
            longest = text.len().max(longest);
        } else {
            let _ = orphans.push(id);
        }
    };
    keeper.store.restore(find).await?;
    orphans.iter().for_each(|id| keeper.forget_text(*id));
    keeper.save(tracker).await?;
    if longest > room { Err(StoreError::TextTooLong { needed: longest }) } else { Ok(()) }
}

impl<S: fmt::Debug> fmt::Display for SendError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no slot is free for another message"),
            Self::TooLong { buffer, needed } => {
                write!(f, "a lent buffer is too small: {buffer:?} needs {needed} bytes")
            }
            Self::Store(error) => write!(f, "the message could not be stored: {error}"),
        }
    }
}

impl<S: fmt::Debug> core::error::Error for SendError<S> {}

impl<S> From<S> for StoreError<S> {
    fn from(error: S) -> Self {
        Self::Store(error)
    }
}

impl<S: fmt::Debug> fmt::Display for StoreError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "the store failed: {error:?}"),
            Self::Restore(error) => write!(f, "what is stored can't be taken: {error}"),
            Self::TextTooLong { needed } => {
                write!(f, "a stored text needs a buffer of {needed} bytes")
            }
        }
    }
}

impl<S: fmt::Debug> core::error::Error for StoreError<S> {}

/// Shows sizes, and nothing of the messages.
impl fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("slots", &self.slots.len())
            .field("early", &self.early.len())
            .field("texts", &self.texts.len())
            .field("incoming", &self.incoming.len())
            .finish()
    }
}

/// Shows nothing of the messages.
impl<T: Transport, S> fmt::Debug for Messenger<'_, '_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger")
            .field("gateway", &self.gateway)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
