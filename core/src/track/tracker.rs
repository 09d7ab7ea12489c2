//! The tracker: what it holds, and what a caller does with it.

use core::time::Duration;

use super::{
    ask::{Outgoing, Submission, Token, Unsaved},
    clock::Clock,
    digits::{Digits, NumberBuf},
    early::{Early, EarlyReport},
    inbox::Inbox,
    message::{Draft, Event, Message},
    question::Question,
    save::Epoch,
    slot::{
        AMBIGUOUS, CHANGED, GONE, GSM_7BIT, IN_CHANGES, IN_NEWS, LOCATED, NIL, Queue, REPORTED, RESEND,
        SLOWEST_STEP, STEPS, STOP, Slot, State, UNICODE,
    },
    slots::{Chain, Slots},
    sweep::Sweep,
    timing::{Limits, Settings, Tick, Waits},
};
use crate::{TaskId, UserId, call::SendSms, text::Alphabet};

/// How many tasks can wait to be stopped.
pub(super) const MAX_STOPS: usize = 8;

/// Follows the messages of one gateway from "asked to send" to "delivered", and says what to ask the gateway next.
///
/// It does no I/O, has no clock and allocates nothing; see the [module](super) for the order of calls and an example.
pub struct Tracker<'m> {
    pub(super) slots: Slots<'m>,
    pub(super) early: Early<'m>,
    pub(super) waits: Waits,
    pub(super) limits: Limits,
    pub(super) polls_inbox: bool,
    pub(super) clock: Clock,
    pub(super) inbox: Inbox,
    pub(super) epoch: Epoch,
    /// Grows with every change and question, so that of two it is known which came first.
    pub(super) sequence: u32,
    pub(super) changes: Chain,
    /// A change among them is to be saved before anything else: more than that something was acknowledged.
    pub(super) urgent: bool,
    news: Chain,
    pub(super) question: Question,
    pub(super) sweep: Sweep,
    /// Tasks to be stopped.
    pub(super) stops: [Option<TaskId>; MAX_STOPS],
    /// Messages that the gateway has and has not sent, in all and by port.
    pub(super) under_way: u32,
    pub(super) under_way_by_port: [u16; 32],
    /// The most segments of any message.
    pub(super) longest: u8,
    /// The time of the latest call, by a clock that goes on where it was saved before a restart.
    pub(super) now: Tick,
    /// How far that is ahead of the caller's.
    pub(super) base: u32,
    /// This is not the first life.
    pub(super) restored: bool,
}

/// Why a message was not taken. Nothing of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddError {
    /// All lent slots are in use. One becomes free when a finished message's last news is acknowledged and its reports can
    /// come no more.
    Full,
}

impl core::fmt::Display for AddError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the tracker is full: no slot is free for another message")
    }
}

impl core::error::Error for AddError {}

/// What came of wanting a message stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// It had not been handed to the gateway, and is stopped.
    Stopped,
    /// The gateway will be asked to stop its task, and with it all messages of the same send_sms that wait.
    Asked,
    /// It is sent, finished, unknown, or the gateway never named its task.
    TooLate,
    /// Too many tasks wait to be stopped; try again.
    Busy,
}

impl<'m> Tracker<'m> {
    /// A tracker that holds nothing yet, over lent memory: a [`Slot`] for each message that is under way or remembered, and an
    /// [`EarlyReport`] for each report that is waiting for its message or belongs to none: half as many as there are slots, more
    /// where other clients send much by the same gateway. One that finds no room is handed out at once, and again when the gateway
    /// repeats it; and it is forgotten which messages it came before, so that more are ambiguous.
    pub fn new(
        slots: &'m mut [Slot],
        early: &'m mut [EarlyReport],
        settings: Settings,
        now: Duration,
    ) -> Self {
        let now = Tick::at(now);
        Self {
            slots: Slots::new(slots),
            early: Early::new(early),
            waits: Waits::new(&settings),
            limits: settings.limits,
            polls_inbox: settings.incoming,
            clock: Clock::new(),
            inbox: Inbox::new(),
            epoch: Epoch::new(settings.first_epoch),
            sequence: 1,
            changes: Chain::EMPTY,
            urgent: false,
            news: Chain::EMPTY,
            question: Question::new(now),
            sweep: Sweep::default(),
            stops: [None; MAX_STOPS],
            under_way: 0,
            under_way_by_port: [0; 32],
            longest: 1,
            now,
            base: 0,
            restored: false,
        }
    }

    pub(super) fn tick(&self, now: Duration) -> Tick {
        Tick::at(now).plus(self.base)
    }

    /// Takes a message. It is submitted by one of the next [`step`](Self::step)s.
    ///
    /// # Errors
    /// [`AddError::Full`].
    pub fn add(&mut self, draft: &Draft<'_>, now: Duration) -> Result<UserId, AddError> {
        self.now = self.tick(now);
        let at = self.slots.first(Queue::Free);
        if at == NIL {
            return Err(AddError::Full);
        }
        let id = self.next_id();
        let mut flags = 0;
        for (flag, on) in [
            (REPORTED, draft.status_report),
            (RESEND, draft.resend),
            (UNICODE, draft.alphabet == Some(Alphabet::Unicode)),
            (GSM_7BIT, draft.alphabet == Some(Alphabet::Gsm7Bit)),
        ] {
            flags |= if on { flag } else { 0 };
        }
        let slot = self.slots.get_mut(at);
        slot.user_id = id.get();
        slot.digits = Digits::parse(draft.number.as_str()).unwrap_or(Digits::NONE);
        (slot.ports, slot.flags, slot.text_bytes) = (draft.ports.bits(), flags, draft.text_bytes);
        (slot.added, slot.state) = (self.now, State::Asked);
        self.slots.index_user(at);
        self.slots.append(at, Queue::Asked);
        self.change(at);
        Ok(id)
    }

    /// What is known of a message.
    pub fn message(&self, id: UserId) -> Option<Message> {
        self.slots.get(self.find(id)?).message()
    }

    /// How much is asked at once from now on.
    pub const fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// How many more messages [`add`](Self::add) takes.
    pub fn room(&self) -> u32 {
        self.slots.length(Queue::Free)
    }

    /// What is next for the caller to know; nothing while changes wait to be [saved](Self::next_change), other than that
    /// something was acknowledged.
    pub fn next_event(&mut self) -> Option<Event> {
        if self.has_unsaved() {
            return None;
        }
        if self.inbox.take_restarted() {
            return Some(Event::InboxRestarted);
        }
        if let Some((report, ambiguous)) = self.early.next_ready() {
            let report = (&report).into();
            return Some(if ambiguous { Event::Ambiguous(report) } else { Event::Unmatched(report) });
        }
        while let Some(at) = self.news.pop(&mut self.slots, |slot| &mut slot.news_next) {
            let slot = self.slots.get_mut(at);
            slot.set(IN_NEWS, false);
            if slot.news != slot.acknowledged {
                return slot.message().map(Event::News);
            }
            self.let_go(at);
        }
        None
    }

    /// The caller has taken note of a message's news up to this number. With its last news a finished message is let go: it
    /// is remembered only as long as reports may come for it.
    ///
    /// Only that is a change to be saved by itself. Of a message under way, news may come again after a restart although it
    /// was acknowledged, with the same number.
    pub fn acknowledge(&mut self, id: UserId, news: u16) {
        let Some(at) = self.find(id) else { return };
        let slot = self.slots.get_mut(at);
        let outstanding = slot.news.wrapping_sub(slot.acknowledged);
        if slot.news.wrapping_sub(news) >= outstanding {
            return;
        }
        slot.acknowledged = news;
        self.let_go(at);
    }

    /// Lets a finished message go whose last news is acknowledged; not before it is out of the chain of news.
    fn let_go(&mut self, at: u32) {
        let slot = self.slots.get(at);
        if slot.queue == Queue::Done && slot.news == slot.acknowledged && !slot.has(IN_NEWS) {
            // If that is lost, the news comes again: the next events need not wait for it.
            let urgent = self.urgent;
            self.bury(at);
            self.change(at);
            self.urgent = urgent;
        }
    }

    /// Takes back a message that has not been handed to the gateway: there is no news of it. `false`: it has been, or is unknown.
    pub fn withdraw(&mut self, id: UserId) -> bool {
        let is_unsent =
            |at: &u32| self.slots.get(*at).state == State::Asked && !self.slots.get(*at).has(IN_NEWS);
        let Some(at) = self.find(id).filter(is_unsent) else { return false };
        self.forget(at);
        true
    }

    /// Stops a message. What the gateway has is stopped by task: with all that waits of the same send_sms.
    pub fn stop(&mut self, id: UserId, now: Duration) -> Stopping {
        self.now = self.tick(now);
        let Some(at) = self.find(id) else { return Stopping::TooLate };
        let slot = self.slots.get_mut(at);
        match (slot.state, slot.task()) {
            (State::Asked, _) => {
                self.finish(at, State::Stopped);
                Stopping::Stopped
            }
            (State::Submitted, _) => {
                slot.set(STOP, true);
                self.change(at);
                Stopping::Asked
            }
            (State::Accepted | State::Sending, Some(task)) => self.stop_task(task, now),
            (State::Uncertain, _) => {
                slot.set(RESEND, false);
                self.change(at);
                Stopping::TooLate
            }
            _ => Stopping::TooLate,
        }
    }

    /// Stops a task: the messages of one send_sms that are not sent yet.
    pub fn stop_task(&mut self, task: TaskId, now: Duration) -> Stopping {
        self.now = self.tick(now);
        if !self.stops.contains(&Some(task)) {
            let Some(place) = self.stops.iter_mut().find(|place| place.is_none()) else {
                return Stopping::Busy;
            };
            *place = Some(task);
        }
        for at in 0..self.slots.len() {
            let slot = self.slots.get_mut(at);
            if slot.task() == Some(task) && slot.state.is_under_way() && !slot.has(STOP) {
                slot.set(STOP, true);
                self.change(at);
            }
        }
        Stopping::Asked
    }

    /// The messages that [`Ask::Submit`](super::Ask::Submit) stands for, none when the token is no longer valid.
    ///
    /// # Errors
    /// [`Unsaved`] while changes wait to be saved: a request that has left must be known after a restart.
    pub fn submission(&self, token: &Token<SendSms<'static>>) -> Result<Submission<'_>, Unsaved> {
        if self.has_unsaved() {
            return Err(Unsaved);
        }
        let at = if self.is_asked(token) { self.slots.first(Queue::InHand) } else { NIL };
        let first = self.slots.get(at);
        Ok(Submission {
            ports: crate::Ports::from_bits(first.ports),
            alphabet: first.alphabet(),
            status_report: first.has(REPORTED),
            slots: self.slots.all(),
            at,
        })
    }

    pub(super) fn find(&self, id: UserId) -> Option<u32> {
        let at = self.slots.find(id.get());
        (at != NIL && !self.slots.get(at).has(GONE)).then_some(at)
    }

    /// The next sequence number.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn count(&mut self) -> u32 {
        // 0 stands for never.
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    /// Something of the message is to be saved.
    pub(super) fn change(&mut self, at: u32) {
        self.urgent = true;
        if !self.slots.get(at).has(IN_CHANGES) {
            self.slots.get_mut(at).set(IN_CHANGES, true);
            self.changes.push(&mut self.slots, at, |slot| &mut slot.change_next);
        }
    }

    /// The caller is to know something of the message.
    pub(super) fn tell(&mut self, at: u32) {
        let slot = self.slots.get_mut(at);
        slot.news = slot.news.wrapping_add(1);
        self.renew(at);
        self.change(at);
    }

    /// Puts the message in line for [`next_event`](Self::next_event).
    pub(super) fn renew(&mut self, at: u32) {
        if !self.slots.get(at).has(IN_NEWS) {
            self.slots.get_mut(at).set(IN_NEWS, true);
            self.news.push(&mut self.slots, at, |slot| &mut slot.news_next);
        }
    }

    /// Changes the state, and nothing but the counts that hang on it.
    pub(super) fn set_state(&mut self, at: u32, state: State) {
        let slot = self.slots.get_mut(at);
        let before = core::mem::replace(&mut slot.state, state).is_under_way();
        let port = if slot.ports.is_power_of_two() { slot.ports.trailing_zeros() } else { NIL };
        let port = self.under_way_by_port.get_mut(port as usize);
        if state.is_under_way() && !before {
            self.under_way = self.under_way.saturating_add(1);
            if let Some(count) = port {
                *count = count.saturating_add(1);
            }
        } else if before && !state.is_under_way() {
            self.under_way = self.under_way.saturating_sub(1);
            if let Some(count) = port {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// The message's end. It is kept until the caller knows.
    pub(super) fn finish(&mut self, at: u32, state: State) {
        self.set_state(at, state);
        self.slots.append(at, Queue::Done);
        let sequence = self.count();
        let now = self.now;
        let slot = self.slots.get_mut(at);
        slot.set(CHANGED, false);
        slot.added = now;
        if slot.has(LOCATED) {
            slot.heard = sequence;
        }
        if matches!(state, State::Delivered | State::Failed) {
            slot.set(AMBIGUOUS, false);
        }
        self.tell(at);
    }

    /// Nothing came in time.
    pub(super) fn give_up(&mut self, at: u32) {
        let uncertain = matches!(self.slots.get(at).state, State::Uncertain | State::Submitted);
        self.finish(at, if uncertain { State::Unresolved } else { State::Expired });
    }

    pub(super) fn is_expired(&self, at: u32) -> bool {
        self.slots.get(at).added.ago(self.now) >= self.waits.expire
    }

    /// A finished message whose end is acknowledged: remembered while reports may come, else forgotten.
    pub(super) fn bury(&mut self, at: u32) {
        let slot = self.slots.get_mut(at);
        let queue = match slot.state {
            _ if slot.is_fully_reported() || !slot.has(REPORTED) => Queue::Short,
            // Nothing of it was sent.
            State::Stopped | State::Failed if !slot.has(LOCATED) => return self.forget(at),
            _ => Queue::Long,
        };
        self.remember(at, queue);
    }

    fn remember(&mut self, at: u32, queue: Queue) {
        let wait = if queue == Queue::Short { self.waits.reported } else { self.waits.late };
        let slot = self.slots.get_mut(at);
        slot.due = slot.added.plus(wait);
        self.slots.append(at, queue);
    }

    /// Lets a message go. Its slot is free once the change that forgets it is saved.
    pub(super) fn forget(&mut self, at: u32) {
        if self.slots.get(at).submitted != 0 {
            self.slots.unindex_report(at);
        }
        self.slots.get_mut(at).set(GONE, true);
        self.slots.append(at, Queue::None);
        self.change(at);
    }

    /// Forgets what can be forgotten by now.
    pub(super) fn forget_due(&mut self) {
        for queue in [Queue::Short, Queue::Long] {
            for _ in 0..self.slots.length(queue) {
                let at = self.slots.first(queue);
                if at == NIL || !self.slots.get(at).due.is_due(self.now) {
                    break;
                }
                if self.has_claimant(at) {
                    // For a while longer.
                    self.slots.get_mut(at).added = self.now;
                    self.remember(at, Queue::Short);
                } else {
                    self.forget(at);
                }
            }
            // What was restored is in no order: another one comes first, and is looked at by the next step.
            let first = self.slots.first(queue);
            if self.restored && first != NIL {
                self.slots.append(first, queue);
            }
        }
    }

    /// Asks for the message's result after `step` doublings of the wait.
    pub(super) fn await_result(&mut self, at: u32, step: u8) {
        let slot = self.slots.get_mut(at);
        let step = step.min(if slot.state == State::Sent { STEPS - 1 } else { SLOWEST_STEP });
        let wait = self.waits.backed_off_sent(self.waits.first_result, step);
        (slot.attempt, slot.due) = (step, self.now.plus(wait));
        self.slots.append(at, Queue::Result(step));
    }

    /// Asks for its result as soon as may be.
    pub(super) fn hurry_result(&mut self, at: u32) {
        self.slots.get_mut(at).attempt = 0;
        self.ask_soon(at);
    }

    /// The same, and afterwards as rarely as before.
    pub(super) fn ask_soon(&mut self, at: u32) {
        self.slots.get_mut(at).due = self.now;
        self.slots.prepend(at, Queue::Result(0));
    }

    /// Asks for the message's reports after `step` doublings of the wait.
    pub(super) fn await_report(&mut self, at: u32, step: u8) {
        let step = step.min(STEPS - 1);
        let wait = self.waits.backed_off_sent(self.waits.first_report, step);
        let slot = self.slots.get_mut(at);
        (slot.attempt, slot.due) = (step, self.now.plus(wait));
        self.slots.append(at, Queue::Report(step));
    }
}

impl Iterator for Submission<'_> {
    type Item = Outgoing;

    fn next(&mut self) -> Option<Outgoing> {
        let slot = self.slots.get(self.at as usize)?;
        self.at = slot.next;
        Some(Outgoing { id: UserId::new(slot.user_id.into()).ok()?, number: NumberBuf::new(&slot.digits) })
    }
}

/// Whether the first sequence number came after the second.
pub(super) fn is_later(number: u32, than: u32) -> bool {
    let ahead = number.wrapping_sub(than);
    ahead != 0 && ahead <= u32::MAX / 2
}
