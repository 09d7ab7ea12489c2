//! What to ask next: one question for as many messages as it can serve, and only for what is due.

use core::time::Duration;

use super::{
    ask::{Ask, Token},
    slot::{
        CHANGED, DOUBTED, HAS_TASK, LOCATED, NIL, NO_TIME, Queue, REPORTED, RESEND, STEPS, STOP, STOPPED,
        State,
    },
    timing::{MAX_IDS, Tick},
    tracker::{Tracker, is_later},
};
use crate::{
    Ports, TaskId, UserId,
    call::{QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, SendSms, StopSms},
    value::from_seconds,
};

/// How many messages one question for reports is asked for, so that a step stays short.
const MAX_REPORTS: u32 = 256;

/// How many waiting messages are looked at for a submission.
const MAX_LOOKS: u32 = 512;

/// A message is sent within so many seconds of its time of sending (document §11: 5 to 8), rarely more.
const SENDING_SECONDS: u32 = 16;

/// A sweep that would reach back further is not worth its answer.
const LONGEST_SWEEP: u32 = 600;

/// While results are swept, single messages are asked for only after so many doublings.
const SWEPT_STEP: u8 = 3;

/// The question that is being asked, and when the next ones may be.
#[derive(Debug)]
pub(super) struct Question {
    serial: u32,
    pub(super) kind: Kind,
    /// The sequence number when it was asked.
    pub(super) started: u32,
    ids: [UserId; MAX_IDS],
    count: usize,
    next_request: Tick,
    results_at: Tick,
    reports_at: Tick,
    queue_at: Tick,
    incoming_at: Tick,
    /// How many requests failed in a row, and how often the gateway's queue was not empty.
    failures: u8,
    queue_step: u8,
    queue_wanted: bool,
    /// The sequence number when the gateway's queue was last seen empty.
    emptied: Option<u32>,
    /// Whether the last question for results was a sweep.
    swept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    None,
    Submit,
    /// Results of the messages in hand.
    Results,
    /// Results since then, of all messages; `latest` is what the gateway's clock had surely reached.
    Sweep {
        after: u32,
        latest: u32,
    },
    Reports {
        ports: Ports,
        after: u32,
    },
    Queue,
    Incoming,
    Stop(TaskId),
}

/// Results asked for by time instead of by user_id. Sweeps without a gap tell of a message which they don't have that it
/// has not begun to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    valid: bool,
    /// Messages submitted after `from` had not begun to be sent by `to`, both sequence numbers, unless they were told of.
    from: u32,
    to: u32,
    /// The gateway's time up to which there is no gap.
    reach: u32,
}

impl Question {
    pub(super) fn new(now: Tick) -> Self {
        Self {
            serial: 0,
            kind: Kind::None,
            started: 0,
            ids: [UserId::MAX; MAX_IDS],
            count: 0,
            next_request: now,
            results_at: now,
            reports_at: now,
            queue_at: now,
            incoming_at: now,
            failures: 0,
            queue_step: 0,
            queue_wanted: false,
            emptied: None,
            swept: false,
        }
    }
}

impl Tracker<'_> {
    /// What to do next. While a token is out this says that its question was dropped.
    pub fn step(&mut self, now: Duration) -> Ask {
        self.now = Tick::at(now);
        if self.question.kind != Kind::None {
            self.lost();
        }
        self.forget_due();
        self.early.ripen(self.now, self.waits.unmatched);
        self.expire_asked();
        if !self.question.next_request.is_due(self.now) {
            return Ask::Wait(self.next_due().map(|due| due.instant(now)));
        }
        if let Some(task) = self.stops.iter_mut().find_map(Option::take) {
            return Ask::Stop(self.ask(Kind::Stop(task)));
        }
        if self.take_submission() {
            return Ask::Submit(self.ask(Kind::Submit));
        }
        if let Some(kind) = self.take_results() {
            self.question.results_at = self.now.plus(self.waits.results_every);
            return Ask::Results(self.ask(kind));
        }
        if let Some(kind) = self.take_reports() {
            self.question.reports_at = self.now.plus(self.waits.reports_every);
            return Ask::Reports(self.ask(kind));
        }
        if self.question.queue_wanted && self.question.queue_at.is_due(self.now) {
            return Ask::Queue(self.ask(Kind::Queue));
        }
        if self.inbox.is_polled() && self.question.incoming_at.is_due(self.now) {
            self.inbox.begin();
            return Ask::Incoming(self.ask(Kind::Incoming));
        }
        Ask::Wait(self.next_due().map(|due| due.instant(now)))
    }

    fn ask<C>(&mut self, kind: Kind) -> Token<C> {
        self.question.kind = kind;
        self.question.started = self.count();
        self.question.serial = self.question.serial.wrapping_add(1);
        self.question.next_request = self.now.plus(self.waits.request_gap);
        Token::new(self.question.serial)
    }

    pub(super) fn is_asked<C>(&self, token: &Token<C>) -> bool {
        self.question.kind != Kind::None && token.serial == self.question.serial
    }

    /// Takes a token back: what it was for, if that is what is being asked.
    fn close<C>(&mut self, token: &Token<C>, now: Duration) -> Kind {
        if !self.is_asked(token) {
            return Kind::None;
        }
        self.now = Tick::at(now);
        core::mem::replace(&mut self.question.kind, Kind::None)
    }

    fn expire_asked(&mut self) {
        loop {
            let at = self.slots.first(Queue::Asked);
            if at == NIL || !self.is_expired(at) {
                return;
            }
            self.give_up(at);
        }
    }

    /// Takes messages in hand that can go in one request.
    fn take_submission(&mut self) -> bool {
        let mut at = self.slots.first(Queue::Asked);
        let (mut group, mut bytes, mut looks) = (None, 0_u32, 0);
        let most = u32::from(self.limits.recipients.clamp(1, SendSms::MAX_RECIPIENTS as u8));
        while at != NIL && looks < MAX_LOOKS && self.slots.length(Queue::InHand) < most {
            if self.under_way >= self.limits.under_way {
                break;
            }
            let slot = self.slots.get(at);
            let next = slot.next;
            let key = (slot.ports, slot.alphabet(), slot.has(REPORTED));
            let with = bytes.saturating_add(slot.text_bytes.into());
            let fits = group.is_none() || group == Some(key) && with <= self.limits.request_bytes;
            if fits && self.port_has_room(slot.ports) {
                (group, bytes) = (Some(key), with);
                self.submit(at);
            }
            looks += 1;
            at = next;
        }
        group.is_some()
    }

    fn port_has_room(&self, ports: u32) -> bool {
        let port = if ports.is_power_of_two() { ports.trailing_zeros() } else { NIL };
        let count = self.under_way_by_port.get(port as usize);
        count.is_none_or(|count| *count < self.limits.under_way_per_port)
    }

    fn submit(&mut self, at: u32) {
        let sequence = self.count();
        self.set_state(at, State::Submitted);
        let slot = self.slots.get_mut(at);
        (slot.submitted, slot.heard, slot.absent) = (sequence, sequence, 0);
        self.slots.index_report(at);
        self.slots.append(at, Queue::InHand);
        self.change(at);
    }

    /// The queue whose first message has been due for longest.
    fn most_overdue(&self, queue: fn(u8) -> Queue) -> Option<Queue> {
        let steps = (0..STEPS as u8).map(queue);
        let due = |queue: &Queue| {
            let first = self.slots.first(*queue);
            let due = self.slots.get(first).due;
            (first != NIL && due.is_due(self.now)).then(|| due.ago(self.now))
        };
        steps
            .filter_map(|queue| Some((queue, due(&queue)?)))
            .max_by_key(|(_, ago)| *ago)
            .map(|(queue, _)| queue)
    }

    fn take_results(&mut self) -> Option<Kind> {
        if !self.question.results_at.is_due(self.now) {
            return None;
        }
        let sweep = self.sweep_after();
        if sweep.is_some() && !self.question.swept {
            self.question.swept = true;
            return sweep;
        }
        self.question.swept = false;
        self.question.count = 0;
        while let Some(queue) = self.most_overdue(Queue::Result) {
            let at = self.slots.first(queue);
            let most = usize::from(self.limits.ids).max(1);
            let Some(place) = self.question.ids.iter_mut().take(most).nth(self.question.count) else { break };
            let Ok(id) = UserId::new(self.slots.get(at).user_id.into()) else { break };
            *place = id;
            self.question.count += 1;
            self.slots.append(at, Queue::InHand);
        }
        if self.question.count > 0 {
            return Some(Kind::Results);
        }
        self.question.swept = sweep.is_some();
        sweep
    }

    /// Whether more messages are under way than one question can name.
    pub(super) fn is_sweeping(&self) -> bool {
        self.under_way > self.limits.ids.into() && self.clock.latest().is_some()
    }

    fn sweep_after(&self) -> Option<Kind> {
        let latest = self.clock.latest().filter(|_| self.is_sweeping())?;
        let after = latest.saturating_sub(SENDING_SECONDS);
        let joined = self.sweep.valid && latest.saturating_sub(self.sweep.reach) < LONGEST_SWEEP;
        Some(Kind::Sweep { after: if joined { after.min(self.sweep.reach) } else { after }, latest })
    }

    /// A sweep was answered whole.
    pub(super) fn swept(&mut self, after: u32, latest: u32) {
        if !self.sweep.valid || after > self.sweep.reach {
            self.sweep = Sweep { valid: true, from: self.clock.sequence(), to: 0, reach: 0 };
        }
        (self.sweep.to, self.sweep.reach) = (self.question.started, latest);
    }

    /// The sequence number until which the message had surely not begun to be sent.
    pub(super) fn not_begun(&self, at: u32) -> u32 {
        let slot = self.slots.get(at);
        let swept = self.sweep.valid
            && is_later(slot.submitted, self.sweep.from)
            && is_later(self.sweep.to, slot.heard)
            && slot.state != State::Sending;
        if swept { self.sweep.to } else { slot.heard }
    }

    /// The gateway's clock jumped: sweeps before it say nothing.
    pub(super) fn break_sweep(&mut self) {
        self.sweep.valid = false;
    }

    /// Takes messages in hand whose reports are due: those that have waited longest, and all that were sent more recently.
    fn take_reports(&mut self) -> Option<Kind> {
        if !self.question.reports_at.is_due(self.now) {
            return None;
        }
        let Queue::Report(last) = self.most_overdue(Queue::Report)? else { return None };
        let (mut ports, mut after) = (0_u32, Some(u32::MAX));
        for queue in (0..=last).map(Queue::Report) {
            loop {
                let at = self.slots.first(queue);
                let slot = self.slots.get(at);
                if at == NIL || !slot.due.is_due(self.now) || self.slots.length(Queue::InHand) >= MAX_REPORTS
                {
                    break;
                }
                ports |= 1_u32.checked_shl(slot.port.into()).unwrap_or(0);
                let known = self.clock.is_current(slot).then_some(slot.sent);
                after = after.and_then(|after| Some(after.min(known?)));
                self.slots.append(at, Queue::InHand);
            }
        }
        // One second wider, for gateways that leave out the second that is named.
        let after = after.map_or(NO_TIME, |after| after.saturating_sub(1));
        Some(Kind::Reports { ports: Ports::from_bits(ports), after })
    }

    /// When something is to be done next.
    fn next_due(&self) -> Option<Tick> {
        let question = &self.question;
        let first = |queue| Some(self.slots.first(queue)).filter(|at| *at != NIL);
        let due = |queue| first(queue).map(|at| self.slots.get(at).due);
        let steps = || 0..STEPS as u8;
        let results = steps().filter_map(|step| due(Queue::Result(step))).reduce(Tick::min);
        let results = results.or(self.is_sweeping().then_some(self.now));
        let reports = steps().filter_map(|step| due(Queue::Report(step))).reduce(Tick::min);
        let now = |is: bool| is.then_some(self.now);
        let submit = first(Queue::Asked).filter(|at| {
            self.under_way < self.limits.under_way && self.port_has_room(self.slots.get(*at).ports)
        });
        let requests = [
            now(submit.is_some() || self.stops.iter().any(Option::is_some)),
            results.map(|due| due.max(question.results_at)),
            reports.map(|due| due.max(question.reports_at)),
            now(question.queue_wanted).map(|_| question.queue_at),
            now(self.inbox.is_polled()).map(|_| question.incoming_at),
        ];
        let request =
            requests.into_iter().flatten().reduce(Tick::min).map(|due| due.max(question.next_request));
        let expiry = first(Queue::Asked).map(|at| self.slots.get(at).added.plus(self.waits.expire));
        [request, expiry, due(Queue::Short), due(Queue::Long), self.early.next_due()]
            .into_iter()
            .flatten()
            .reduce(Tick::min)
    }

    /// The question of [`Ask::Results`].
    pub fn results_request(&self, token: &Token<QuerySmsResult<'static>>) -> QuerySmsResult<'_> {
        match self.question.kind {
            Kind::Sweep { after, .. } if self.is_asked(token) => {
                QuerySmsResult::new().after(from_seconds(after))
            }
            _ => {
                let ids = self.question.ids.get(..self.question.count).unwrap_or_default();
                QuerySmsResult::new().user_ids(ids)
            }
        }
    }

    /// The question of [`Ask::Reports`].
    pub fn reports_request(
        &self,
        _: &Token<QuerySmsDeliverStatus<'static>>,
    ) -> QuerySmsDeliverStatus<'static> {
        let Kind::Reports { ports, after } = self.question.kind else { return QuerySmsDeliverStatus::new() };
        let request = QuerySmsDeliverStatus::new().ports(ports);
        if after == NO_TIME { request } else { request.after(from_seconds(after)) }
    }

    /// The question of [`Ask::Stop`].
    pub fn stop_request(&self, _: &Token<StopSms>) -> StopSms {
        let task = if let Kind::Stop(task) = self.question.kind { task } else { TaskId::new(0) };
        StopSms::new(task)
    }

    /// The gateway accepted the messages, under this task.
    pub fn handle_accepted(&mut self, token: Token<SendSms<'static>>, task: Option<TaskId>, now: Duration) {
        if self.close(&token, now) != Kind::Submit {
            return;
        }
        self.succeeded();
        let mut stop = false;
        let step = if self.is_sweeping() { SWEPT_STEP } else { 0 };
        while let Some(at) = self.in_hand() {
            self.set_state(at, State::Accepted);
            let slot = self.slots.get_mut(at);
            if let Some(task) = task {
                slot.task = task.get();
                slot.set(HAS_TASK, true);
                stop |= slot.has(STOP);
            }
            self.await_result(at, step);
            self.tell(at);
        }
        if let (Some(task), true) = (task, stop) {
            self.stop_task(task, now);
        }
    }

    /// The gateway refused the messages with this error_code: they have failed.
    pub fn handle_refused(&mut self, token: Token<SendSms<'static>>, code: u32, now: Duration) {
        if self.close(&token, now) != Kind::Submit {
            return;
        }
        self.succeeded();
        while let Some(at) = self.in_hand() {
            self.slots.get_mut(at).code = code;
            self.finish(at, State::Failed);
        }
    }

    /// The gateway told how many messages wait to be sent.
    pub fn handle_queue(&mut self, token: Token<QuerySmsInQueue>, in_queue: Option<u32>, now: Duration) {
        if self.close(&token, now) != Kind::Queue {
            return;
        }
        self.succeeded();
        self.question.queue_wanted = false;
        let step = self.question.queue_step;
        if in_queue == Some(0) {
            self.question.emptied = Some(self.question.started);
            self.question.queue_step = 0;
        } else {
            self.question.queue_step = step.saturating_add(1);
        }
        self.question.queue_at = self.now.plus(self.waits.backed_off(self.waits.first_result, step));
    }

    /// The gateway stopped the task, or (`found` is false) knows no such task.
    pub fn handle_stopped(&mut self, token: Token<StopSms>, found: bool, now: Duration) {
        let Kind::Stop(task) = self.close(&token, now) else { return };
        self.succeeded();
        for at in 0..self.slots.len() {
            let slot = self.slots.get_mut(at);
            if slot.task() != Some(task) || !slot.has(STOP) {
                continue;
            }
            slot.set(STOP, false);
            if found && slot.state.is_under_way() {
                slot.set(STOPPED, true);
                slot.absent = 0;
                self.hurry_result(at);
            }
            self.change(at);
        }
    }

    /// The answer came whole and says that all is well.
    pub fn handle_end<C>(&mut self, token: Token<C>, now: Duration) {
        match self.close(&token, now) {
            Kind::Results => {
                while let Some(at) = self.in_hand() {
                    self.not_found(at);
                }
            }
            Kind::Sweep { after, latest } => self.swept(after, latest),
            Kind::Reports { .. } => {
                while let Some(at) = self.in_hand() {
                    self.not_reported(at);
                }
            }
            Kind::Incoming => {
                let more = self.inbox.end();
                self.question.incoming_at = self.now.plus(if more { 0 } else { self.waits.incoming });
            }
            Kind::None => return,
            // An end says nothing of what was asked.
            kind @ (Kind::Submit | Kind::Queue | Kind::Stop(_)) => {
                self.question.kind = kind;
                return self.lost();
            }
        }
        self.succeeded();
    }

    /// The request may have reached the gateway, and its answer is missing, cut or can't be read. What was handed over
    /// of it stands.
    pub fn handle_lost<C>(&mut self, token: Token<C>, now: Duration) {
        if self.is_asked(&token) {
            self.now = Tick::at(now);
            self.lost();
        }
    }

    /// Nothing of the request left, or the gateway refused the login: it is asked again later.
    pub fn handle_not_sent<C>(&mut self, token: Token<C>, now: Duration) {
        if !self.is_asked(&token) {
            return;
        }
        self.now = Tick::at(now);
        if self.question.kind == Kind::Submit {
            self.question.kind = Kind::None;
            while let Some(at) = self.last_in_hand() {
                self.ask_again(at);
                self.slots.prepend(at, Queue::Asked);
            }
            self.failed();
        } else {
            self.lost();
        }
    }

    /// What came of the question is not known.
    fn lost(&mut self) {
        match core::mem::replace(&mut self.question.kind, Kind::None) {
            Kind::Submit => {
                let step = 0;
                while let Some(at) = self.in_hand() {
                    self.set_state(at, State::Uncertain);
                    self.await_result(at, step);
                    self.tell(at);
                }
            }
            Kind::Results => {
                while let Some(at) = self.last_in_hand() {
                    let step = self.slots.get(at).attempt;
                    self.slots.prepend(at, Queue::Result(step));
                }
            }
            Kind::Reports { .. } => {
                while let Some(at) = self.last_in_hand() {
                    let step = self.slots.get(at).attempt;
                    self.slots.prepend(at, Queue::Report(step));
                }
            }
            Kind::Stop(task) => {
                if let Some(place) = self.stops.iter_mut().find(|place| place.is_none()) {
                    *place = Some(task);
                }
            }
            Kind::None | Kind::Sweep { .. } | Kind::Queue | Kind::Incoming => {}
        }
        self.failed();
    }

    fn in_hand(&self) -> Option<u32> {
        Some(self.slots.first(Queue::InHand)).filter(|at| *at != NIL)
    }

    fn last_in_hand(&self) -> Option<u32> {
        Some(self.slots.last(Queue::InHand)).filter(|at| *at != NIL)
    }

    fn succeeded(&mut self) {
        self.question.failures = 0;
    }

    /// The next request waits, the longer the more have failed.
    fn failed(&mut self) {
        let wait = self.waits.backed_off(self.waits.retry, self.question.failures);
        self.question.failures = self.question.failures.saturating_add(1);
        self.question.next_request = self.now.plus(wait);
    }

    /// The message is to be submitted as if it never had been.
    fn ask_again(&mut self, at: u32) {
        self.slots.unindex_report(at);
        self.set_state(at, State::Asked);
        self.slots.get_mut(at).submitted = 0;
        self.change(at);
    }

    /// A complete answer does not have the result of a message that it was asked for.
    fn not_found(&mut self, at: u32) {
        let started = self.question.started;
        let slot = self.slots.get_mut(at);
        let step = slot.attempt.saturating_add(1);
        if slot.has(LOCATED) || !slot.state.is_under_way() {
            return self.unchanged(at, step);
        }
        let emptied = self.question.emptied.filter(|emptied| is_later(*emptied, slot.submitted));
        slot.heard = started;
        if slot.has(STOPPED) || emptied.is_some_and(|emptied| is_later(started, emptied)) {
            slot.absent = slot.absent.saturating_add(1);
        }
        if slot.absent >= 2 {
            return self.absent(at);
        }
        if emptied.is_none() && step > 1 {
            self.question.queue_wanted = true;
        }
        self.unchanged(at, step);
    }

    /// The gateway, its queue empty, does not know the message.
    fn absent(&mut self, at: u32) {
        let slot = self.slots.get(at);
        if slot.has(STOPPED) {
            self.finish(at, State::Stopped);
        } else if slot.state == State::Uncertain && slot.has(RESEND) && !slot.has(STOP) {
            self.ask_again(at);
            self.slots.append(at, Queue::Asked);
        } else {
            self.finish(at, State::Unresolved);
        }
    }

    /// Nothing new of the message: asks again later, or not any more.
    pub(super) fn unchanged(&mut self, at: u32, step: u8) {
        let slot = self.slots.get(at);
        if slot.has(DOUBTED) {
            // A report says that it failed, and the gateway does not say otherwise.
            self.finish(at, State::Failed);
        } else if self.is_expired(at) {
            self.give_up(at);
        } else if slot.state == State::Sent && slot.has(LOCATED) {
            self.await_report(at, step);
        } else {
            self.await_result(at, step);
        }
    }

    /// A complete answer has no final report of the message.
    fn not_reported(&mut self, at: u32) {
        let slot = self.slots.get_mut(at);
        let changed = slot.has(CHANGED);
        slot.set(CHANGED, false);
        let step = if changed { 0 } else { slot.attempt.saturating_add(1) };
        // Some gateways tell by the result what no report told: ask for that now and then.
        let ask_result = step > 1 && !self.is_expired(at);
        if ask_result { self.await_result(at, step) } else { self.unchanged(at, step) }
    }
}
