//! The tracker: its parts, the caller's commands, and [`Tracker::apply`], the only method through which a transition takes effect.

use core::time::Duration;

use super::{
    ask::{AddError, StopResult},
    clock::{GatewayClock, Mark, Sequence, SequenceCounter, Tick},
    events::{Event, Updates},
    inbox::{Inbox, InboxMark},
    journal::{Change, Journal},
    matching::{self, Evidence, Matching, PendingReport, Strictness},
    message::{
        DELETED, Draft, IN_UPDATES, MAY_RESEND, Message, RESENT, STOP_WANTED, Slot, State,
        lifecycle::{self, Input, Next, Transition},
    },
    plan::{Messages, Planner, Queue, View},
    settings::{Limits, Settings},
    status_word::StatusWords,
    table::{SlotId, Table},
};
use crate::{TaskId, UserId};

mod asking;
mod memory;
mod reports;
mod responses;
mod restart;
mod results;
mod tombstones;

/// Follows the messages of one gateway from submission to delivery, and decides what to ask the gateway next.
///
/// The tracker does no I/O, has no clock and allocates nothing. The [module](super) describes the order of calls and has an example.
pub struct Tracker<'m> {
    table: Messages<'m>,
    planner: Planner,
    matching: Matching<'m>,
    clock: GatewayClock,
    journal: Journal,
    updates: Updates,
    inbox: Inbox,
    status_words: StatusWords,
    counter: SequenceCounter,
    /// The time of the latest call. After a restart, this clock continues from its saved value.
    now: Tick,
    /// The number of ticks by which `now` is ahead of the caller's clock.
    ahead: u32,
    /// The [`Mark`] of queries for reports that was saved before the last start.
    mark: Option<Mark>,
    /// Whether messages were restored.
    is_restored: bool,
    /// The earliest time at which an unsent message with its own validity may expire.
    validity_due: Option<Tick>,
}

impl Tracker<'_> {
    /// Creates a tracker without memory, for example for a `static`. No message can be added before [`begin`](Self::begin) lends it
    /// memory.
    pub const fn empty() -> Self {
        Self {
            table: Table::empty(),
            planner: Planner::new(),
            matching: Matching::empty(),
            clock: GatewayClock::NEW,
            journal: Journal::EMPTY,
            updates: Updates::NONE,
            inbox: Inbox::new(),
            status_words: StatusWords::NONE,
            counter: SequenceCounter::new(),
            now: Tick::ZERO,
            ahead: 0,
            mark: None,
            is_restored: false,
            validity_due: None,
        }
    }
}

impl<'m> Tracker<'m> {
    /// Creates a tracker without messages that uses the lent memory; see [`begin`](Self::begin).
    pub fn new(
        slots: &'m mut [Slot],
        pending: &'m mut [PendingReport],
        settings: Settings,
        now: Duration,
    ) -> Self {
        let mut tracker = Self::empty();
        tracker.begin(slots, pending, &settings, now);
        tracker
    }

    /// Initializes the lent memory and the settings. After slots have been lent, further calls have no effect.
    ///
    /// Each message that is under way or kept needs a [`Slot`]. Each report that waits for its message or belongs to none needs a
    /// [`PendingReport`]. Half as many [`PendingReport`]s as slots are enough, or more if other clients send much through the same
    /// gateway. If no [`PendingReport`] is free, a report is returned to the caller at once, and again if the gateway repeats it. More
    /// messages then become ambiguous, too.
    pub fn begin(
        &mut self,
        slots: &'m mut [Slot],
        pending: &'m mut [PendingReport],
        settings: &Settings,
        now: Duration,
    ) {
        if self.table.len() > 0 {
            return;
        }
        slots.fill(Slot::EMPTY);
        self.table.lend(slots, Queue::FREE);
        let strictness = Strictness { is_exclusive: settings.exclusive, is_strict: settings.strict };
        self.matching.lend(pending, strictness);
        self.now = Tick::at(now);
        self.clock.looks.start(self.now, None);
        self.planner.configure(settings, self.now);
        self.journal.begin(settings.first_block);
    }

    /// Sets `now` to the time of a call, which the caller gives by its own clock.
    fn set_time(&mut self, now: Duration) {
        self.now = Tick::at(now).plus(self.ahead);
    }

    fn view(&self) -> View<'_> {
        View { now: self.now, clock: &self.clock }
    }

    fn evidence(&self) -> Evidence<'_, 'm> {
        Evidence {
            table: &self.table,
            view: self.view(),
            waits: self.planner.waits(),
            strictness: self.matching.strictness(),
            longest: self.matching.longest(),
        }
    }

    fn find(&self, id: UserId) -> Option<SlotId> {
        let found = matching::find(&self.table, id.get())?;
        self.table.get(found).filter(|slot| !slot.has(DELETED)).map(|_| found)
    }

    /// Applies the transition that an input causes. Returns whether there was one.
    fn happen(&mut self, id: SlotId, input: Input) -> bool {
        let transition = self.table.get(id).and_then(|slot| lifecycle::transition(slot, input));
        if let Some(transition) = transition {
            self.apply(id, transition);
        }
        transition.is_some()
    }

    /// Applies a transition to its message, the counts, the indexes, the queues, the caller's updates and the journal.
    fn apply(&mut self, id: SlotId, transition: Transition) {
        let sequence = if transition.is_numbered() { self.counter.draw() } else { Sequence::NEVER };
        if transition.to() == State::Unsent {
            matching::remove_for_reports(&mut self.table, id);
        }
        let Some(slot) = self.table.get_mut(id) else { return };
        transition.write(slot, self.now, sequence);
        self.planner.count(transition.from(), transition.to(), slot.ports);
        if transition.next == Next::InFlight {
            matching::insert_for_reports(&mut self.table, id);
        }
        let view = View { now: self.now, clock: &self.clock };
        self.planner.follow(&mut self.table, id, transition.next, &view);
        self.note_validity(id);
        if transition.is_update {
            self.updates.push(&mut self.table, id);
        }
        self.journal.touch(&mut self.table, id);
    }

    /// Adds a message. A later [`step`](Self::step) submits it.
    ///
    /// # Errors
    /// [`AddError::Full`] if no slot is free.
    pub fn add(&mut self, draft: &Draft<'_>, now: Duration) -> Result<UserId, AddError> {
        self.set_time(now);
        let Some(slot) = self.table.first(Queue::FREE) else { return Err(AddError::Full) };
        let id = self.next_user_id();
        if let Some(slot) = self.table.get_mut(slot) {
            slot.begin(draft, id, self.now);
        }
        matching::insert(&mut self.table, slot);
        self.table.append(slot, Queue::waiting(self.table.get(slot)));
        self.note_validity(slot);
        self.journal.touch(&mut self.table, slot);
        Ok(id)
    }

    fn next_user_id(&mut self) -> UserId {
        loop {
            let id = self.journal.next_user_id();
            let is_free = matching::find(&self.table, id).is_none();
            if let (Ok(id), true) = (UserId::new(id.into()), is_free) {
                return id;
            }
        }
    }

    /// Returns the public view of a message; `None` if it is unknown or deleted.
    pub fn message(&self, id: UserId) -> Option<Message> {
        self.table.get(self.find(id)?)?.message()
    }

    /// Returns the state of a message.
    pub fn state(&self, id: UserId) -> Option<State> {
        Some(self.table.get(self.find(id)?)?.state())
    }

    /// Returns the number of a message's recipient.
    pub fn number(&self, id: UserId) -> Option<super::NumberBuf> {
        Some(super::NumberBuf::new(&self.table.get(self.find(id)?)?.number()))
    }

    /// Returns the limits, so that the caller can change them.
    pub const fn limits_mut(&mut self) -> &mut Limits {
        self.planner.limits_mut()
    }

    /// Returns how many more messages can be [added](Self::add).
    pub fn room(&self) -> u32 {
        self.table.length(Queue::FREE)
    }

    /// Returns whether exactly one message is in flight.
    pub(crate) fn has_one_in_flight(&self) -> bool {
        self.table.length(Queue::IN_FLIGHT) == 1
    }

    fn has_unsaved(&self) -> bool {
        self.journal.has_unsaved(&self.inbox)
    }

    /// Returns the next change to be stored; `None` after the last one.
    ///
    /// The caller stores all changes atomically before it makes the request of the last [`step`](Self::step) and before it takes the
    /// next [events](Self::next_event).
    pub fn next_change(&mut self) -> Option<Change> {
        let mut change = Change::NONE;
        if self.journal.client_change(&self.clock, self.now, &mut self.counter, &mut change)
            || Journal::inbox_change(&mut self.inbox, &mut self.counter, &mut change)
        {
            return Some(change);
        }
        let message = self.journal.message_change(&mut self.table, &mut self.counter, &mut change);
        let (id, is_deleted) = message?;
        if is_deleted {
            self.free(id);
        }
        Some(change)
    }

    /// Returns the next event. Returns `None` if there is none, and while changes other than acknowledgements wait to be
    /// [saved](Self::next_change).
    // Not inlined: in a caller's loop it would take more flash.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn next_event(&mut self) -> Option<Event> {
        if self.has_unsaved() {
            return None;
        }
        if self.inbox.take_restarted() {
            return Some(Event::InboxRestarted);
        }
        if let Some(id) = self.inbox.take_unreadable() {
            return Some(Event::Unreadable { id });
        }
        if let Some((id, status)) = self.status_words.take() {
            return Some(Event::UnknownStatus { id, status });
        }
        if let Some((report, sighting, is_ambiguous)) = self.matching.next_ready() {
            if is_ambiguous {
                return Some(Event::Ambiguous((&report).into()));
            }
            self.note_foreign(&report, sighting);
            return Some(Event::Unmatched((&report).into()));
        }
        while let Some(id) = self.updates.pop(&mut self.table) {
            if let Some(slot) = self.table.get(id).filter(|slot| !slot.is_acknowledged()) {
                return slot.message().map(Event::Update);
            }
            self.retire_acknowledged(id);
        }
        None
    }

    /// Acknowledges a message's updates up to this revision. After the last update of a finished message is acknowledged, the message
    /// is deleted, or kept only as long as reports may arrive for it.
    ///
    /// Only the acknowledgement of a finished message's last update is a change to be saved. After a restart, acknowledged updates of
    /// an unfinished message may be repeated with the same revision.
    pub fn acknowledge(&mut self, id: UserId, revision: u16) {
        let Some((id, slot)) = self.find(id).and_then(|id| Some((id, self.table.get_mut(id)?))) else {
            return;
        };
        let outstanding = slot.revision.wrapping_sub(slot.acknowledged);
        if slot.revision.wrapping_sub(revision) >= outstanding {
            return;
        }
        slot.acknowledged = revision;
        self.retire_acknowledged(id);
    }

    /// Deletes a message in [`State::Unsent`] without an update. Returns `false` if the message is unknown or in another state, or if
    /// an update about it waits to be [returned](Self::next_event).
    pub fn cancel(&mut self, id: UserId) -> bool {
        let is_unsent = |slot: &Slot| slot.state() == State::Unsent && !slot.has(IN_UPDATES);
        let Some(id) = self.find(id) else { return false };
        if !self.table.get(id).is_some_and(is_unsent) {
            return false;
        }
        self.delete(id);
        self.journal.touch(&mut self.table, id);
        true
    }

    /// Stops a message. A message that the gateway already has is stopped only if its task has no other unsent message.
    pub fn stop(&mut self, id: UserId, now: Duration) -> StopResult {
        match self.sharing(id) {
            messages @ 2.. => StopResult::SharedTask { messages },
            _ => self.stop_task_of(id, now),
        }
    }

    /// Returns the number of messages, including this one, that the gateway would stop together. Returns 0 if the message is neither in
    /// flight nor in an unfinished task.
    fn sharing(&self, id: UserId) -> u32 {
        let Some(slot) = self.find(id).and_then(|id| self.table.get(id)) else { return 0 };
        match (slot.state(), slot.task()) {
            (State::Submitted, _) => self.table.length(Queue::IN_FLIGHT),
            (State::Accepted | State::Sending, Some(task)) => {
                let shares = |slot: &&Slot| slot.task() == Some(task) && slot.state().is_under_way();
                let count = self.table.all().iter().filter(shares).count();
                u32::try_from(count).unwrap_or(u32::MAX)
            }
            _ => 0,
        }
    }

    /// Stops a message only if no request submits it or has submitted it. Any other message continues as if this had not been called.
    /// So [`StopResult::Stopped`] proves that the gateway does not have the message, and [`StopResult::TooLate`] has no effect.
    pub fn stop_unsent(&mut self, id: UserId, now: Duration) -> StopResult {
        self.set_time(now);
        let Some(id) = self.find(id) else { return StopResult::TooLate };
        // A message that is sent again because its caller allows it may have been sent before.
        let may_be_sent = self.table.get(id).is_none_or(|slot| slot.has(RESENT));
        if !may_be_sent && self.happen(id, Input::Stop) { StopResult::Stopped } else { StopResult::TooLate }
    }

    /// Stops a message, and with it all messages of its task that are not sent yet.
    pub fn stop_task_of(&mut self, id: UserId, now: Duration) -> StopResult {
        self.set_time(now);
        let Some((id, slot)) = self.find(id).and_then(|id| Some((id, self.table.get_mut(id)?))) else {
            return StopResult::TooLate;
        };
        match (slot.state(), slot.task()) {
            (State::Unsent, _) => {
                self.happen(id, Input::Stop);
                StopResult::Stopped
            }
            (State::Submitted, _) => {
                self.stop_in_flight();
                StopResult::Requested
            }
            (State::Accepted | State::Sending, Some(task)) => self.stop_task(task, now),
            (State::Uncertain, _) => {
                slot.set(MAY_RESEND, false);
                slot.refusal = 0;
                self.journal.touch(&mut self.table, id);
                StopResult::TooLate
            }
            _ => StopResult::TooLate,
        }
    }

    /// Marks the messages in flight, so that they are stopped as soon as their task is known.
    fn stop_in_flight(&mut self) {
        let mut at = self.table.first(Queue::IN_FLIGHT);
        while let Some((id, slot)) = at.and_then(|id| Some((id, self.table.get_mut(id)?))) {
            slot.set(STOP_WANTED, true);
            at = slot.next();
            self.journal.touch(&mut self.table, id);
        }
    }

    /// Stops a task, that is, all messages of one send_sms that are not sent yet.
    pub fn stop_task(&mut self, task: TaskId, now: Duration) -> StopResult {
        self.set_time(now);
        if !self.planner.add_stop(task) {
            return StopResult::Busy;
        }
        for id in self.table.ids() {
            let Some(slot) = self.table.get_mut(id) else { continue };
            if slot.task() == Some(task) && slot.state().is_under_way() && !slot.has(STOP_WANTED) {
                slot.set(STOP_WANTED, true);
                self.journal.touch(&mut self.table, id);
            }
        }
        StopResult::Requested
    }

    /// Acknowledges an incoming message, and all messages that were returned before it.
    pub fn acknowledge_incoming(&mut self, mark: InboxMark) {
        self.inbox.acknowledge(mark);
    }

    /// Sets whether the caller can hold another incoming message. While it cannot, new messages are not returned but requested again.
    pub const fn set_inbox_room(&mut self, has_room: bool) {
        self.inbox.set_room(has_room);
    }

    /// Restores the client's clock, which showed `then` when it was saved.
    fn set_former_time(&mut self, then: Tick) {
        self.ahead = then.get();
    }

    /// Continues the restored clock at the caller's `now`.
    fn continue_time(&mut self, now: Duration) {
        self.ahead = self.ahead.wrapping_sub(Tick::at(now).get());
        self.set_time(now);
        self.is_restored = true;
    }
}
