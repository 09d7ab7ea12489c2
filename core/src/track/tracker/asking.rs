//! [`Tracker::step`], and the requests for which its tokens stand.

use core::time::Duration;

use super::Tracker;
use crate::{
    call::{QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, SendSms, StopSms},
    track::{
        ask::{Ask, Submission, Token, Unsaved},
        clock::{Earliest, GatewaySeconds, Tick},
        matching::Matching,
        message::lifecycle::Input,
        plan::{Planner, Queue, Request, View},
        table::SlotId,
    },
};

impl Tracker<'_> {
    /// Returns what to do next. A request that is in flight counts as dropped.
    pub fn step(&mut self, now: Duration) -> Ask {
        self.set_time(now);
        self.lose_dropped();
        self.delete_due();
        self.matching.ripen(self.now, self.planner.waits().unmatched);
        self.review_claims();
        self.expire_unsent();
        self.journal.save_time(&self.table, self.now);
        match self.next_request() {
            Some(request) => self.ask(request),
            None => Ask::Wait(self.next_due().map(|due| due.instant(self.now, now))),
        }
    }

    /// Judges claimed reports once more.
    fn review_claims(&mut self) {
        let mut review = Matching::review();
        while let Some(report) = self.matching.next_reviewed(&mut review) {
            self.take_kept_report(&report);
        }
    }

    fn expire_unsent(&mut self) {
        while let Some(id) = self.table.first(Queue::UNSENT).filter(|id| self.is_expired(*id)) {
            if !self.happen(id, Input::Quiet { is_expired: true }) {
                return;
            }
        }
    }

    /// Returns whether a message had no outcome in time.
    pub(super) fn is_expired(&self, id: SlotId) -> bool {
        let expire = self.planner.waits().expire;
        self.table.get(id).is_some_and(|slot| slot.since.ago(self.now) >= expire)
    }

    fn next_request(&mut self) -> Option<Request> {
        if !self.planner.may_ask(self.now) {
            return None;
        }
        if let Some(task) = self.planner.take_stop() {
            return Some(Request::Stop(task));
        }
        if self.submit_selected() {
            return Some(Request::Submit);
        }
        let view = View { now: self.now, clock: &self.clock };
        self.planner.next_query(&mut self.table, &view)
    }

    /// Puts messages that share a send_sms into flight. Returns whether there are any.
    fn submit_selected(&mut self) -> bool {
        let mut selection = Planner::select(&self.table);
        let mut is_any = false;
        while let Some(id) = self.planner.next_selected(&mut selection, &self.table) {
            self.happen(id, Input::Submit);
            is_any = true;
        }
        if is_any {
            // The mark of the looks at reports bounds the reports that arrive until the next life.
            self.journal.touch_client();
        }
        is_any
    }

    fn ask(&mut self, request: Request) -> Ask {
        let started = self.counter.draw();
        match request {
            Request::Stop(_) => Ask::Stop(self.planner.begin(request, self.now, started)),
            Request::Submit => Ask::Submit(self.planner.begin(request, self.now, started)),
            Request::Results | Request::ResultsByTime { .. } => {
                Ask::Results(self.planner.begin(request, self.now, started))
            }
            Request::Reports { .. } | Request::Arrivals { .. } => {
                self.clock.looks.begin(self.now);
                Ask::Reports(self.planner.begin(request, self.now, started))
            }
            Request::Queue => Ask::Queue(self.planner.begin(request, self.now, started)),
            Request::Incoming => {
                self.inbox.begin();
                Ask::Incoming(self.planner.begin(request, self.now, started))
            }
        }
    }

    /// Returns when the next step is due.
    fn next_due(&self) -> Option<Tick> {
        let mut due = Earliest::NEVER;
        due.add_some(self.planner.next_due(&self.table, &self.view()));
        let expire = self.planner.waits().expire;
        due.add_some(self.table.front(Queue::UNSENT).map(|slot| slot.since.plus(expire)));
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
    /// [`Unsaved`] while changes wait to be saved: a request that was sent must be known after a restart.
    pub fn submission(&self, token: &Token<SendSms<'static>>) -> Result<Option<Submission<'_>>, Unsaved> {
        if self.has_unsaved() {
            return Err(Unsaved);
        }
        let first = self.planner.in_flight(token).and_then(|_| self.table.first(Queue::IN_FLIGHT));
        Ok(first.and_then(|first| Submission::new(self.table.all(), first)))
    }

    /// Returns the request of [`Ask::Results`]; `None` for a stale token.
    pub fn results_request(&self, token: &Token<QuerySmsResult<'static>>) -> Option<QuerySmsResult<'_>> {
        match self.planner.in_flight(token)? {
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
        let request = QuerySmsDeliverStatus::new();
        match self.planner.in_flight(token)? {
            Request::Reports { ports, after, before } => {
                let request = request.ports(ports);
                Some(match (after.map(GatewaySeconds::to_time), before.map(GatewaySeconds::to_time)) {
                    (None, _) => request,
                    (Some(after), None) => request.after(after),
                    (Some(after), Some(before)) => request.after(after).before(before),
                })
            }
            Request::Arrivals { after, .. } => Some(match after {
                Some(after) => request.after(after.to_time()),
                None => request,
            }),
            _ => None,
        }
    }

    /// Returns the request of [`Ask::Incoming`]; `None` for a stale token.
    pub fn incoming_request(&self, token: &Token<QueryIncomingSms>) -> Option<QueryIncomingSms> {
        match self.planner.in_flight(token)? {
            Request::Incoming => Some(self.inbox.request()),
            _ => None,
        }
    }

    /// Returns the request of [`Ask::Stop`]; `None` for a stale token.
    pub fn stop_request(&self, token: &Token<StopSms>) -> Option<StopSms> {
        match self.planner.in_flight(token)? {
            Request::Stop(task) => Some(StopSms::new(task)),
            _ => None,
        }
    }
}
