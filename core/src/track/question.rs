//! What to ask next: one question for as many messages as it can serve, and only for what is due.

use core::time::Duration;

use super::{
    ask::{Ask, Token},
    slot::{NIL, NO_TIME, Queue, REPORTED, SLOWEST_STEP, STEPS, Slot, State},
    timing::{MAX_IDS, MAX_RECIPIENTS, Tick},
    tracker::Tracker,
};
use crate::{
    Ports, TaskId, UserId,
    call::{QuerySmsDeliverStatus, QuerySmsResult, StopSms},
    value::from_seconds,
};

/// How many messages one question for reports is asked for, so that a step stays short.
const MAX_REPORTS: u32 = 256;

/// So many seconds of the gateway's clock after its sending a message is old: a report that carries the time of sending, or of
/// its segment's, carries a time before that. Reports of old messages are asked for apart, lest every answer reach back to them.
pub(super) const OLD: u32 = 600;

/// Reports that arrived since the last look are asked for with so many seconds more, for a clock that was put back by an hour
/// meanwhile.
const PUT_BACK: u32 = 3700;

/// How many waiting messages are looked at for a submission, or in a queue for their reports.
const MAX_LOOKS: u32 = 512;

/// The question that is being asked, and when the next ones may be.
#[derive(Debug)]
pub(super) struct Question {
    serial: u32,
    pub(super) kind: Kind,
    /// The sequence number when it was asked.
    pub(super) started: u32,
    ids: [UserId; MAX_IDS],
    count: usize,
    pub(super) next_request: Tick,
    results_at: Tick,
    reports_at: Tick,
    arrivals_at: Tick,
    /// The gateway's time up to which reports that arrived were looked for.
    pub(super) arrived: Option<u32>,
    pub(super) queue_at: Tick,
    pub(super) incoming_at: Tick,
    /// How many requests failed in a row, and how often the gateway's queue was not empty.
    pub(super) failures: u8,
    pub(super) queue_step: u8,
    pub(super) queue_wanted: bool,
    /// The sequence number when a request last failed.
    pub(super) failed_at: Option<u32>,
    /// The sequence number when the gateway's queue was last seen empty.
    pub(super) emptied: Option<u32>,
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
    /// Reports from then to then, for the messages in hand.
    Reports {
        ports: Ports,
        after: u32,
        before: u32,
    },
    /// Reports since then, for old messages whose reports carry the time of arrival; `reading` is what the gateway's clock
    /// said then.
    Arrivals {
        after: u32,
        reading: u32,
    },
    Queue,
    Incoming,
    Stop(TaskId),
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
            arrivals_at: now,
            arrived: None,
            queue_at: now,
            incoming_at: now,
            failures: 0,
            queue_step: 0,
            queue_wanted: false,
            failed_at: None,
            emptied: None,
            swept: false,
        }
    }
}

impl Tracker<'_> {
    /// What to do next. While a token is out this says that its question was dropped.
    pub fn step(&mut self, now: Duration) -> Ask {
        self.now = self.tick(now);
        self.lose_dropped();
        self.forget_due();
        self.early.ripen(self.now, self.waits.unmatched);
        self.review_claims();
        self.expire_asked();
        self.save_time();
        if !self.question.next_request.is_due(self.now) {
            return Ask::Wait(self.next_due().map(|due| due.instant(self.now, now)));
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
        if self.polls_inbox && self.question.incoming_at.is_due(self.now) {
            self.inbox.begin();
            return Ask::Incoming(self.ask(Kind::Incoming));
        }
        Ask::Wait(self.next_due().map(|due| due.instant(self.now, now)))
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
        let most = u32::from(self.limits.recipients.clamp(1, MAX_RECIPIENTS));
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
        let steps = (0..STEPS).map(queue);
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
        let sweep = self.next_sweep();
        if sweep.is_some() && !self.question.swept {
            self.question.swept = true;
            return sweep;
        }
        self.question.swept = false;
        self.question.count = 0;
        while let Some(queue) = self.most_overdue(Queue::Result) {
            if !self.name(self.slots.first(queue)) {
                return Some(Kind::Results);
            }
        }
        if self.question.count > 0 {
            self.name_soon_due();
            return Some(Kind::Results);
        }
        self.question.swept = sweep.is_some();
        sweep
    }

    /// Adds a message to the question for results, if that has room.
    fn name(&mut self, at: u32) -> bool {
        let most = usize::from(self.limits.ids).max(1);
        let place = self.question.ids.iter_mut().take(most).nth(self.question.count);
        let (Some(place), Ok(id)) = (place, UserId::new(self.slots.get(at).user_id.into())) else {
            return false;
        };
        *place = id;
        self.question.count += 1;
        self.slots.append(at, Queue::InHand);
        true
    }

    /// Adds messages that are rarely asked for and due before long, which saves them a question of their own.
    fn name_soon_due(&mut self) {
        let soon = self.now.plus(self.waits.slowest / 2);
        for queue in (SLOWEST_STEP..STEPS).map(Queue::Result) {
            loop {
                let at = self.slots.first(queue);
                if at == NIL || !self.slots.get(at).due.is_due(soon) || !self.name(at) {
                    break;
                }
            }
        }
    }

    /// A question for reports, if one is due.
    fn take_reports(&mut self) -> Option<Kind> {
        if !self.question.reports_at.is_due(self.now) {
            return None;
        }
        if self.wants_arrivals() && self.question.arrivals_at.is_due(self.now) {
            return Some(self.arrivals());
        }
        let queue = self.most_overdue(Queue::Report)?;
        let first = self.slots.first(queue);
        if self.is_old(self.slots.get(first)) { Some(self.take_old(queue)) } else { self.take_recent(queue) }
    }

    fn is_old(&self, slot: &Slot) -> bool {
        let reading = self.clock.reading(self.now).filter(|_| self.clock.is_current(slot));
        slot.sent != NO_TIME && reading.is_none_or(|reading| reading.saturating_sub(slot.sent) > OLD)
    }

    /// Takes messages in hand that are due and not old: those that have waited longest, and all that were sent more recently.
    fn take_recent(&mut self, queue: Queue) -> Option<Kind> {
        let Queue::Report(last) = queue else { return None };
        let (mut ports, mut after) = (0_u32, u32::MAX);
        for queue in (0..=last).map(Queue::Report) {
            let mut at = self.slots.first(queue);
            for _ in 0..MAX_LOOKS {
                let slot = self.slots.get(at);
                let has_room = self.slots.length(Queue::InHand) < MAX_REPORTS;
                if at == NIL || !has_room || !slot.due.is_due(self.now) {
                    break;
                }
                let next = slot.next;
                if !self.is_old(slot) {
                    ports |= 1_u32.checked_shl(slot.port.into()).unwrap_or(0);
                    // Without a time of sending there is no limit.
                    after = after.min(if slot.sent == NO_TIME { 0 } else { slot.sent });
                    self.slots.append(at, Queue::InHand);
                }
                at = next;
            }
        }
        Some(Kind::Reports { ports: Ports::from_bits(ports), after: wider(after), before: NO_TIME })
    }

    /// Takes an old message in hand, and others of the queue that were sent about then.
    fn take_old(&mut self, queue: Queue) -> Kind {
        let mut at = self.slots.first(queue);
        let from = self.slots.get(at).sent;
        let width = if self.clock.reports_equal() { 0 } else { OLD };
        let (mut ports, mut to) = (0_u32, from);
        for _ in 0..MAX_REPORTS {
            let slot = self.slots.get(at);
            if at == NIL {
                break;
            }
            let next = slot.next;
            if self.is_old(slot) && (from..=from.saturating_add(OLD)).contains(&slot.sent) {
                ports |= 1_u32.checked_shl(slot.port.into()).unwrap_or(0);
                to = to.max(slot.sent);
                self.slots.append(at, Queue::InHand);
            }
            at = next;
        }
        let before = to.saturating_add(width).saturating_add(1);
        Kind::Reports { ports: Ports::from_bits(ports), after: wider(from), before }
    }

    /// Whether messages have waited for so long that a report of theirs may have come with the time of its arrival.
    fn wants_arrivals(&self) -> bool {
        let is_old = |queue| {
            let slot = self.slots.get(self.slots.first(queue));
            slot.state == State::Sent && self.is_old(slot)
        };
        let waits = (0..STEPS).any(|step| is_old(Queue::Report(step)) || is_old(Queue::Result(step)));
        waits && !self.clock.reports_equal() && self.clock.latest().is_some()
    }

    /// The question for reports that arrived since the last look; the first look reaches back to the first message that waits,
    /// unless the clock was put back since.
    fn arrivals(&self) -> Kind {
        let reading = self.clock.reading(self.now).unwrap_or(0);
        let waits = |slot: &&Slot| slot.state == State::Sent && slot.sent != NO_TIME;
        let first = || self.slots.all().iter().filter(waits).map(|slot| slot.sent).min().unwrap_or(reading);
        let since = self.question.arrived.map(|arrived| arrived.saturating_sub(PUT_BACK));
        Kind::Arrivals { after: wider(since.unwrap_or_else(|| first().min(reading))), reading }
    }

    /// A look at what arrived was answered whole.
    pub(super) fn arrivals_seen(&mut self, reading: u32) {
        self.question.arrived = Some(reading);
        self.question.arrivals_at = self.now.plus(self.waits.slowest);
    }

    /// When something is to be done next.
    fn next_due(&self) -> Option<Tick> {
        let question = &self.question;
        let first = |queue| Some(self.slots.first(queue)).filter(|at| *at != NIL);
        let due = |queue| first(queue).map(|at| self.slots.get(at).due);
        let steps = || 0..STEPS;
        let results = steps().filter_map(|step| due(Queue::Result(step))).reduce(Tick::min);
        let results = results.or(self.is_sweeping().then_some(self.now));
        let reports = steps().filter_map(|step| due(Queue::Report(step))).reduce(Tick::min);
        let arrivals = self.wants_arrivals().then_some(question.arrivals_at);
        let reports = [reports, arrivals].into_iter().flatten().reduce(Tick::min);
        let now = |is: bool| is.then_some(self.now);
        let submit = first(Queue::Asked).filter(|at| {
            self.under_way < self.limits.under_way && self.port_has_room(self.slots.get(*at).ports)
        });
        let requests = [
            now(submit.is_some() || self.stops.iter().any(Option::is_some)),
            results.map(|due| due.max(question.results_at)),
            reports.map(|due| due.max(question.reports_at)),
            now(question.queue_wanted).map(|_| question.queue_at),
            now(self.polls_inbox).map(|_| question.incoming_at),
        ];
        let request =
            requests.into_iter().flatten().reduce(Tick::min).map(|due| due.max(question.next_request));
        let expiry = first(Queue::Asked).map(|at| self.slots.get(at).added.plus(self.waits.expire));
        [request, expiry, due(Queue::Short), due(Queue::Long), self.early.next_due(), self.time_save_due()]
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
        let request = QuerySmsDeliverStatus::new();
        match self.question.kind {
            Kind::Reports { ports, after: 0, .. } => request.ports(ports),
            Kind::Reports { ports, after, before: NO_TIME } => {
                request.ports(ports).after(from_seconds(after))
            }
            Kind::Reports { ports, after, before } => {
                request.ports(ports).after(from_seconds(after)).before(from_seconds(before))
            }
            Kind::Arrivals { after, .. } => request.after(from_seconds(after)),
            _ => request,
        }
    }

    /// The question of [`Ask::Stop`].
    pub fn stop_request(&self, _: &Token<StopSms>) -> StopSms {
        let task = if let Kind::Stop(task) = self.question.kind { task } else { TaskId::new(0) };
        StopSms::new(task)
    }
}

/// One second earlier, for gateways that leave out the second that is named.
const fn wider(after: u32) -> u32 {
    after.saturating_sub(1)
}
