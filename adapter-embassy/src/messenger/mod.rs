//! Follows messages from submission to delivery, across lost responses and restarts, and receives messages.

mod buffers;
mod event;
mod exchange;
mod start;
mod write_batch;

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
    client::{Buffer, Driver, Health, HeldSms, SendError, Sms, Step, StoreError},
    json::Text,
    track::{InboxMark, Message, Report, Settings, StopResult},
};

use crate::{
    Error, Gateway, Transport,
    clock::{from_core, since},
    store::Store,
};
use exchange::UNMATCHED;
use start::{Lent, Start};
use write_batch::WriteBatch;

pub use buffers::MessengerBuffers;
pub use event::Event;

/// Sends messages through a gateway, follows each to its final state, and receives messages.
///
/// One task owns the messenger and drives it with [`next`](Self::next). A task that also waits for something else, such as a channel on
/// which other tasks submit messages, uses [`next_or`](Self::next_or). Every change is [stored](Store) before a message is sent and
/// before an event is returned.
///
/// ```no_run
/// use sms_gateway_embassy::{
///     Event, Gateway, Messenger, MessengerBuffers, NoRoom, RamStore, Sms, StoreError, Transport,
///     core::track::{PendingReport, Settings, Slot},
/// };
///
/// async fn alarm<T: Transport>(gateway: Gateway<'_, T>) -> Result<bool, StoreError<NoRoom>> {
///     let (mut slots, mut pending_reports) = ([Slot::EMPTY; 8], [PendingReport::EMPTY; 4]);
///     let (mut texts, mut incoming, mut stored) = ([0; 320], [0; 512], [0; 1024]);
///     let buffers = MessengerBuffers {
///         slots: &mut slots,
///         pending_reports: &mut pending_reports,
///         texts: &mut texts,
///         incoming: &mut incoming,
///     };
///     let mut messenger =
///         Messenger::new(gateway, RamStore::new(&mut stored), buffers, Settings::default());
///     let sms = Sms::new("10086", "It is 80 °C in here").expect("valid");
///     let id = messenger.send(&sms).await.expect("room");
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
/// # In a `static`
/// An embassy task is stored in a `static`. Create the messenger in the task: it is then constructed in place, without a copy on the stack.
/// The memory that you lend to it can be in a `static`, too:
///
/// ```no_run
/// use sms_gateway_embassy::{
///     Gateway, Memory, Messenger, MessengerBuffers, NoRoom, RamStore, StoreError, Transport,
///     core::track::{PendingReport, Settings, Slot},
/// };
/// use static_cell::ConstStaticCell;
///
/// struct Lent {
///     gateway: Memory,
///     slots: [Slot; 16],
///     pending_reports: [PendingReport; 8],
///     texts: [u8; 320],
///     incoming: [u8; 512],
///     stored: [u8; 2048],
/// }
///
/// static LENT: ConstStaticCell<Lent> = ConstStaticCell::new(Lent {
///     gateway: Memory::new(),
///     slots: [Slot::EMPTY; 16],
///     pending_reports: [PendingReport::EMPTY; 8],
///     texts: [0; 320],
///     incoming: [0; 512],
///     stored: [0; 2048],
/// });
///
/// // The body of the task.
/// async fn follow<T: Transport>(transport: T, mut entropy: fn() -> u64) -> Result<(), StoreError<NoRoom>> {
///     let lent = LENT.take();
///     let buffers = MessengerBuffers {
///         slots: &mut lent.slots,
///         pending_reports: &mut lent.pending_reports,
///         texts: &mut lent.texts,
///         incoming: &mut lent.incoming,
///     };
///     let gateway = Gateway::new(transport, "192.168.1.9", lent.gateway.buffers(), &mut entropy);
///     let store = RamStore::new(&mut lent.stored);
///     let mut messenger = Messenger::new(gateway, store, buffers, Settings::default());
///     loop {
///         let event = messenger.next().await?;
///         // …
///     }
/// }
/// ```
///
/// # Dropped futures
/// If a future is dropped during a query, the query is sent again. If it is dropped during a submission, the gateway may have accepted the
/// messages, so they are looked up. A message that the gateway does not know is sent again if it may be [resent](Sms::resend). Otherwise it
/// ends as `Unresolved`, even if the future was dropped before the request was sent. [`next_or`](Self::next_or) avoids such outcomes,
/// because it never drops a request in flight.
pub struct Messenger<'g, 'm, T: Transport, S> {
    gateway: Gateway<'g, T>,
    driver: Driver<'m>,
    held: HeldSms<'m>,
    /// Unmatched reports that are not returned yet.
    unmatched: Vec<Report, UNMATCHED>,
    batch: WriteBatch<S>,
    texts: &'m mut [u8],
    /// The memory and the settings that the start hands over to the tracker.
    lent: Lent<'m>,
    /// The start of the tracker's time.
    began: Instant,
    start: Start,
    /// A message that was added to the tracker, but whose text may not have been stored.
    adding: Option<UserId>,
    /// The error of the last request, if the driver counts it as a failure of the gateway.
    last_error: Option<Error<T::Error>>,
    /// Whether the last error has not been returned yet.
    is_failure_new: bool,
}

impl<'g, 'm, T: Transport, S: Store> Messenger<'g, 'm, T, S> {
    /// Creates a messenger that works in this memory. `new` needs little stack, about 1 KB in addition to the gateway, because only the
    /// [start](Self::start) initializes the memory. See [In a `static`](Self#in-a-static).
    ///
    /// A message occupies a slot until its final state is acknowledged and no more reports can arrive for it. After a restart, lend at
    /// least as many slots as before. If [`Settings::first_block`] is 0 and nothing is stored, the user_ids begin with a random block.
    /// Results of an earlier run are then not mistaken for those of new messages.
    ///
    /// On a mobile link, use [`Settings::metered`]: it polls less often and transfers fewer bytes.
    pub fn new(gateway: Gateway<'g, T>, store: S, buffers: MessengerBuffers<'m>, settings: Settings) -> Self {
        let MessengerBuffers { slots, pending_reports, texts, incoming } = buffers;
        Self {
            gateway,
            driver: Driver::empty(),
            lent: Lent { slots, pending_reports, settings },
            held: HeldSms::new(incoming),
            unmatched: Vec::new(),
            batch: WriteBatch::new(store),
            texts,
            began: Instant::now(),
            start: Start::Due,
            adding: None,
            last_error: None,
            is_failure_new: false,
        }
    }

    /// Accepts and stores a message; [`next`](Self::next) sends it. If the future is dropped, the message may or may not have been
    /// accepted.
    ///
    /// # Errors
    /// [`SendError`] if the message is not accepted.
    pub async fn send(&mut self, sms: &Sms<'_>) -> Result<UserId, SendError<S::Error>> {
        self.start().await.map_err(SendError::Store)?;
        self.cancel_adding();
        let text = sms.text();
        if text.len() > self.texts.len() {
            return Err(SendError::TooLong { buffer: Buffer::Texts, needed: text.len() });
        }
        let needed = self.gateway.submission_bytes(sms);
        if needed > self.gateway.request_len() {
            return Err(SendError::TooLong { buffer: Buffer::Request, needed });
        }
        let now = self.now();
        let id = self.driver.tracker_mut().add(&sms.draft(), now).map_err(|_| SendError::Full)?;
        self.adding = Some(id);
        if let Err(error) = self.batch.save_with(self.driver.tracker_mut(), Some((id, text))).await {
            self.cancel_adding();
            return Err(SendError::Store(error.into()));
        }
        self.adding = None;
        Ok(id)
    }

    /// Performs due requests until there is an event. See [Dropped futures](Self#dropped-futures).
    ///
    /// # Errors
    /// [`StoreError`] if a change could not be stored. Nothing is lost: the next call of `next` or `send` tries again.
    pub async fn next(&mut self) -> Result<Event<'_, T::Error>, StoreError<S::Error>> {
        match self.next_or(pending::<core::convert::Infallible>()).await? {
            Either::First(event) => Ok(event),
            Either::Second(never) => match never {},
        }
    }

    /// Performs due requests until there is an event, or until `other` is ready, for example with a message from another task. `other`
    /// is polled only while no request is in flight. So `other` may have to wait for a response, but it never interrupts a request.
    ///
    /// # Errors
    /// The same as [`next`](Self::next).
    pub async fn next_or<F: Future>(
        &mut self,
        other: F,
    ) -> Result<Either<Event<'_, T::Error>, F::Output>, StoreError<S::Error>> {
        self.start().await?;
        let mut other = pin!(other);
        let due = loop {
            self.cancel_adding();
            self.batch.save(self.driver.tracker_mut()).await?;
            if let Some(due) = self.take_due() {
                break due;
            }
            let now = self.now();
            let step = self.driver.step(now);
            self.batch.save(self.driver.tracker_mut()).await?;
            match step {
                Step::Wait(until) => {
                    // A step may cause events, too.
                    if let Some(due) = self.take_due() {
                        break due;
                    }
                    if let Either::First(output) = select(&mut other, wait(self.began, until)).await {
                        return Ok(Either::Second(output));
                    }
                }
                Step::Exchange(in_flight) => self.perform(in_flight).await?,
            }
        };
        Ok(Either::First(self.event(&due)))
    }

    /// Acknowledges an update of a message, so that it is not returned again. The next call of `next` or `send` stores the acknowledgement.
    pub fn acknowledge(&mut self, message: &Message) {
        self.driver.tracker_mut().acknowledge(message.id, message.revision);
    }

    /// Acknowledges an incoming message, so that it is not returned again and the next one is fetched. The next call of `next` or `send`
    /// stores the acknowledgement.
    pub fn acknowledge_incoming(&mut self, mark: InboxMark) {
        if self.held.release(mark) {
            self.driver.tracker_mut().acknowledge_incoming(mark);
        }
    }

    /// Stops a message. The gateway can stop only a whole task, which is all messages of one request. If the gateway has the message, and
    /// other messages of the task are not sent yet, nothing is stopped. [`StopResult::SharedTask`] then contains the number of messages
    /// that [`stop_task`](Self::stop_task) would stop, including this one.
    pub fn stop(&mut self, id: UserId) -> StopResult {
        let now = self.now();
        self.driver.tracker_mut().stop(id, now)
    }

    /// Stops a message only if it was not submitted, to send it through another gateway for example. The gateway is not asked to stop
    /// anything. After [`StopResult::Stopped`], the gateway provably does not have the message. After [`StopResult::TooLate`], the
    /// message continues as if this had not been called.
    pub fn stop_unsent(&mut self, id: UserId) -> StopResult {
        let now = self.now();
        self.driver.tracker_mut().stop_unsent(id, now)
    }

    /// Stops a message, and with it all messages of its task that are not sent yet. A task is all messages of one request.
    pub fn stop_task(&mut self, id: UserId) -> StopResult {
        let now = self.now();
        self.driver.tracker_mut().stop_task_of(id, now)
    }

    /// Returns the current state of a message; `None` if it is unknown.
    pub fn message(&self, id: UserId) -> Option<Message> {
        self.driver.tracker().message(id)
    }

    /// Returns the number of further messages that can be accepted. Before the [start](Self::start), stored messages are not
    /// taken into account.
    pub fn free_slots(&self) -> u32 {
        self.driver.tracker().room().saturating_add(self.lent.len())
    }

    /// Returns the health of the gateway: whether requests succeed.
    pub const fn health(&self) -> &Health {
        self.driver.health()
    }

    /// Returns the error of the last request. `None` if the request succeeded, or if its error is not a failure of the gateway:
    /// see [`Health`].
    pub const fn last_error(&self) -> Option<&Error<T::Error>> {
        self.last_error.as_ref()
    }

    /// Returns the gateway's serial number (`sn`), if the latest response contained it. Only later versions of the API return it.
    pub fn serial_number(&self) -> Text<'_> {
        self.gateway.session().serial_number()
    }

    /// Replaces the credentials. After a refused login, the messenger sends no requests until this call. The next request is then sent at
    /// once.
    pub fn set_credentials(&mut self, username: &'g str, password: &'g str) {
        self.gateway.set_credentials(username, password);
        let now = self.now();
        self.driver.credentials_changed(now);
    }

    /// Returns the gateway, for other calls.
    pub const fn gateway(&mut self) -> &mut Gateway<'g, T> {
        &mut self.gateway
    }

    /// Returns the gateway and the store. Acknowledgements after the last call of `next` or `send` are not stored.
    pub fn into_parts(self) -> (Gateway<'g, T>, S) {
        (self.gateway, self.batch.store)
    }

    /// Cancels a message whose text may not have been stored, because the future of [`send`](Self::send) was dropped.
    fn cancel_adding(&mut self) {
        if let Some(id) = self.adding.take() {
            self.driver.tracker_mut().cancel(id);
        }
    }

    /// Returns the tracker's time.
    fn now(&self) -> Duration {
        since(self.began)
    }
}

/// Waits until a time of the tracker.
async fn wait(began: Instant, until: Option<Duration>) {
    match until {
        Some(until) => Timer::at(began.saturating_add(from_core(until))).await,
        None => pending().await,
    }
}

/// Shows nothing of the messages.
impl<T: Transport, S> fmt::Debug for Messenger<'_, '_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger")
            .field("gateway", &self.gateway)
            .field("last_error", &self.last_error)
            .finish_non_exhaustive()
    }
}
