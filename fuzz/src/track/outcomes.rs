//! The outcomes of requests.

use sms_gateway_core::{
    TaskId, UserId,
    call::IncomingSms,
    json::{Field, Text},
    track::Ask,
};

use super::{
    input::Input,
    life::Life,
    model::{self, Messages, Owner},
};

impl Life<'_> {
    /// Passes a record of the response to the tracker, if the response has records.
    pub(super) fn record(&mut self, input: &mut Input<'_>) {
        let before = self.found();
        let ids: Vec<_> = before.keys().copied().collect();
        let id = input.pick(&ids);
        let number = id.map_or_else(|| input.number(), |id| self.model.messages[&id].number);
        match &self.request {
            Some(Ask::Results(token)) => {
                let result = input.result(id.map_or(i64::MAX, |id| id.get().into()), number);
                self.tracker.handle_result(token, &result, self.now);
                // The reference in a result determines to which messages earlier reports may belong.
                let reported = self.model.reported();
                self.check_others_unchanged(&before, |other| Some(other) == id || reported.contains(&other));
            }
            Some(Ask::Reports(token)) => {
                let report = input.report(id.and_then(|id| before[&id].sent), number);
                let fitting: Vec<_> = self.model.fitting(&report).map(|(message, _)| message.id).collect();
                let owner = self.model.owner(&report);
                let _ = self.tracker.handle_report(token, &report.record(), self.now);
                self.check_others_unchanged(&before, |other| fitting.contains(&other));
                if let Owner::Segment(id, segment) = owner {
                    let after = self.tracker.message(id).expect("the message exists");
                    // The report stays undecided if another program may have sent its message, or if the report may be old.
                    if after.segments != before[&id].segments {
                        model::reported(&before[&id], &after, segment, report.status);
                    }
                }
            }
            Some(Ask::Incoming(token)) => {
                let sms = IncomingSms {
                    incoming_sms_id: Field::Known((input.byte() & 7).into()),
                    text: Text::Exact(number),
                    ..IncomingSms::default()
                };
                if let Some(mark) = self.tracker.handle_incoming(token, &sms, self.now) {
                    self.tracker.acknowledge_incoming(mark);
                }
            }
            _ => {}
        }
    }

    /// Checks that only messages for which `of` holds have changed.
    fn check_others_unchanged(&self, before: &Messages, of: impl Fn(UserId) -> bool) {
        let others = |messages: &Messages| {
            let mut messages = messages.clone();
            messages.retain(|id, _| !of(*id));
            messages
        };
        assert_eq!(others(before), others(&self.found()));
    }

    /// Completes the response to the request in flight.
    pub(super) fn complete(&mut self, input: &mut Input<'_>) {
        let Some(ask) = self.request.take() else { return };
        (self.in_flight, self.last) = (false, self.now);
        let (bits, now) = (input.byte(), self.now);
        let yes = bits & 1 == 1;
        let tracker = &mut self.tracker;
        match ask {
            Ask::Submit(token) if bits & 6 == 0 => {
                tracker.handle_refused(token, if yes { 550 } else { 400 }, now);
                self.submission.iter().for_each(|id| self.model.not_sent(*id));
            }
            Ask::Submit(token) => {
                tracker.handle_accepted(token, yes.then(|| TaskId::new((bits >> 3 & 1).into())), now);
            }
            Ask::Results(token) => tracker.handle_end(token, now),
            Ask::Reports(token) => tracker.handle_end(token, now),
            Ask::Incoming(token) => tracker.handle_end(token, now),
            Ask::Queue(token) => tracker.handle_queue(token, Some((bits & 3 == 3).into()), now),
            Ask::Stop(token) => tracker.handle_stopped(token, yes, now),
            Ask::Wait(_) => {}
        }
    }

    /// Ends a request without a response: the request was not sent, or its response was lost.
    pub(super) fn fail(&mut self, choice: u8) {
        let Some(ask) = self.request.take() else { return };
        (self.in_flight, self.last) = (false, self.now);
        let (not_sent, now) = (choice & 16 == 0, self.now);
        macro_rules! fail {
            ($token:expr) => {
                if not_sent {
                    self.tracker.handle_not_sent($token, now);
                } else {
                    self.tracker.handle_lost($token, now);
                }
            };
        }
        match ask {
            Ask::Submit(token) => {
                fail!(token);
                if not_sent {
                    self.submission.iter().for_each(|id| self.model.not_sent(*id));
                }
            }
            Ask::Results(token) => fail!(token),
            Ask::Reports(token) => fail!(token),
            Ask::Incoming(token) => fail!(token),
            Ask::Queue(token) => fail!(token),
            Ask::Stop(token) => fail!(token),
            Ask::Wait(_) => {}
        }
    }
}
