//! [`Tracker::step`], and the requests that its tokens represent.

use core::time::Duration;

use super::Tracker;
use crate::{
    Ports,
    call::{QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, SendSms, StopSms},
    track::{
        ask::{Ask, Submission, Token, Unsaved},
        clock::{Earliest, GatewaySeconds, Ledger, PER_SECOND, Tick},
        matching::Matching,
        message::{State, lifecycle::Input},
        plan::{Queue, Request, SHARES, View},
        table::{QueueId, SlotId},
    },
};

impl Tracker<'_> {
    /// Returns what to do next. If a request is still in flight, its token counts as dropped.
    pub fn step(&mut self, now: Duration) -> Ask {
        self.set_time(now);
        self.lose_dropped();
        self.delete_due();
        self.matching.ripen(self.now, self.planner.waits().unmatched);
        if Ledger::IS_USED && self.matching.take_lost_listed() {
            self.clock.ledger.lose(self.now);
        }
        self.review_claims();
        self.expire_unsent();
        self.journal.save_time(&self.table, self.now);
        match self.next_request() {
            Some(request) => self.ask(request),
            None => Ask::Wait(self.next_due().map(|due| due.instant(self.now, now))),
        }
    }

    /// Judges claimed reports again.
    fn review_claims(&mut self) {
        let mut review = Matching::review();
        while let Some(report) = self.matching.next_reviewed(&mut review) {
            self.take_kept_report(&report);
        }
    }

    fn expire_unsent(&mut self) {
        // Messages with their own validity are not queued in the order in which they expire.
        let is_all = self.validity_due.is_some_and(|due| due.is_due(self.now));
        if is_all {
            self.validity_due = None;
        }
        for queue in Queue::WAITING {
            self.expire_in(queue, is_all);
        }
        for share in 0..SHARES {
            self.expire_in(Queue::apart(share), true);
        }
        if is_all {
            // All waiting messages are checked at most once a second, because there may be many.
            self.validity_due = self.validity_due.map(|due| due.max(self.now.plus(PER_SECOND)));
        }
    }

    /// Expires those messages of a queue that have run out of time. Without `is_all`, stops at the first message that has time left.
    fn expire_in(&mut self, queue: QueueId, is_all: bool) {
        let mut next = self.table.first(queue);
        while let Some((id, slot)) = next.and_then(|id| Some((id, self.table.get(id)?))) {
            next = slot.next();
            if self.is_expired(id) {
                self.happen(id, Input::Quiet { is_expired: true });
            } else if !is_all {
                return;
            }
            self.note_validity(id);
        }
    }

    /// Notes when a message expires, if it is unsent and has its own validity.
    pub(super) fn note_validity(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id).filter(|slot| slot.state() == State::Unsent) else { return };
        if let Some(ticks) = slot.validity.ticks() {
            let due = slot.since.plus(ticks);
            self.validity_due = Some(self.validity_due.map_or(due, |earliest| earliest.min(due)));
        }
    }

    /// Returns whether the time for an outcome of this message is over.
    pub(super) fn is_expired(&self, id: SlotId) -> bool {
        let expire = self.planner.waits().expire;
        self.table.get(id).is_some_and(|slot| slot.since.ago(self.now) >= slot.expires_after(expire))
    }

    fn next_request(&mut self) -> Option<Request> {
        if !self.planner.may_ask(self.now) {
            return None;
        }
        if let Some(task) = self.planner.take_stop() {
            return Some(Request::Stop(task));
        }
        let view = View { now: self.now, clock: &self.clock };
        if let Some(look) = self.planner.take_first_look(&self.table, &view) {
            return Some(look);
        }
        if self.submit_selected() {
            return Some(Request::Submit);
        }
        let view = View { now: self.now, clock: &self.clock };
        self.planner.next_query(&mut self.table, &view)
    }

    /// Puts the messages of the next send_sms in flight. Returns whether there are any.
    fn submit_selected(&mut self) -> bool {
        let mut selection = self.planner.select(&mut self.table, self.now);
        let mut is_any = false;
        while let Some(id) = self.planner.next_selected(&mut selection, &self.table) {
            if self.is_expired(id) {
                self.happen(id, Input::Quiet { is_expired: true });
            } else {
                self.happen(id, Input::Submit);
                is_any = true;
            }
        }
        if is_any {
            // The client's record contains the `Mark`. After a restart, the `Mark` limits when a report can have arrived at the gateway.
            self.journal.touch_client();
        }
        is_any
    }

    fn ask(&mut self, request: Request) -> Ask {
        let started = self.counter.draw();
        let serial = self.planner.begin(request, self.now, started);
        match request {
            Request::Stop(_) => Ask::Stop(Token::new(serial)),
            Request::Submit => Ask::Submit(Token::new(serial)),
            Request::Results => Ask::Results(Token::new(serial)),
            Request::ResultsByTime { is_list, .. } => {
                if is_list {
                    self.clock.ledger.begin(self.now);
                }
                Ask::Results(Token::new(serial))
            }
            Request::Reports { .. } => {
                self.clock.looks.begin_limited();
                Ask::Reports(Token::new(serial))
            }
            Request::Arrivals { after, .. } => {
                self.clock.looks.begin(after, self.now);
                Ask::Reports(Token::new(serial))
            }
            Request::Queue => Ask::Queue(Token::new(serial)),
            Request::Incoming => {
                self.inbox.begin();
                Ask::Incoming(Token::new(serial))
            }
        }
    }

    /// Returns when the next step is due.
    fn next_due(&self) -> Option<Tick> {
        let mut due = Earliest::NEVER;
        due.add_some(self.planner.next_due(&self.table, &self.view()));
        let expire = self.planner.waits().expire;
        for queue in Queue::WAITING {
            due.add_some(self.table.front(queue).map(|slot| slot.since.plus(expire)));
        }
        due.add_some(self.validity_due);
        for queue in [Queue::SHORT, Queue::LONG] {
            due.add_some(self.table.front(queue).map(|slot| slot.due));
        }
        due.add_some(self.matching.next_due());
        due.add_some(self.journal.time_due(&self.table));
        due.get()
    }

    /// Returns the messages of [`Ask::Submit`]; `None` for a stale token.
    ///
    /// # Errors
    /// [`Unsaved`] while changes wait to be saved, because a sent request must still be known after a restart.
    pub fn submission(&self, token: &Token<SendSms<'static>>) -> Result<Option<Submission<'_>>, Unsaved> {
        if self.has_unsaved() {
            return Err(Unsaved);
        }
        let first = self.planner.in_flight(token.serial()).and_then(|_| self.table.first(Queue::IN_FLIGHT));
        Ok(first.and_then(|first| Submission::new(self.table.all(), first)))
    }

    /// Returns the request of [`Ask::Results`]; `None` for a stale token.
    pub fn results_request(&self, token: &Token<QuerySmsResult<'static>>) -> Option<QuerySmsResult<'_>> {
        match self.planner.in_flight(token.serial())? {
            Request::Results => Some(QuerySmsResult::new().user_ids(self.planner.named())),
            Request::ResultsByTime { after, .. } => Some(QuerySmsResult::new().after(after.to_time())),
            _ => None,
        }
    }

    /// Returns the request of [`Ask::Reports`]; `None` for a stale token.
    pub fn reports_request(
        &self,
        token: &Token<QuerySmsDeliverStatus<'static>>,
    ) -> Option<QuerySmsDeliverStatus<'static>> {
        let (ports, after, before) = match *self.planner.in_flight(token.serial())? {
            Request::Reports { ports, after, before } => (ports, after, before),
            Request::Arrivals { after, .. } => (Ports::NONE, after, None),
            _ => return None,
        };
        let [after, before] = [after, before].map(|time| time.map(GatewaySeconds::to_time));
        Some(QuerySmsDeliverStatus::new().ports(ports).between(after, before))
    }

    /// Returns the request of [`Ask::Incoming`]; `None` for a stale token.
    pub fn incoming_request(&self, token: &Token<QueryIncomingSms>) -> Option<QueryIncomingSms> {
        match self.planner.in_flight(token.serial())? {
            Request::Incoming => Some(self.inbox.request()),
            _ => None,
        }
    }

    /// Returns the request of [`Ask::Stop`]; `None` for a stale token.
    pub fn stop_request(&self, token: &Token<StopSms>) -> Option<StopSms> {
        match self.planner.in_flight(token.serial())? {
            Request::Stop(task) => Some(StopSms::new(*task)),
            _ => None,
        }
    }
}
