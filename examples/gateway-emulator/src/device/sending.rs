//! Sending: the choice of a port for each message, and the timing of its segments.

use std::time::Duration;

use super::{
    Device,
    event::Happening,
    message::{Message, Sending, Status},
    port::{Activity, Port},
};
use crate::fate::{Fate, Plan};

impl Device {
    /// Accepts a task and returns its id.
    pub(crate) fn accept(&mut self, messages: Vec<Message>) -> u64 {
        let planned: Vec<_> = messages.into_iter().map(|message| self.planned(message)).collect();
        self.outbox.accept(planned)
    }

    fn planned(&mut self, message: Message) -> Message {
        let plan = match self.fates.get(&message.number) {
            Some(plan) => plan.clone(),
            None if self.random_fates => self.drawn_plan(),
            None => self.default_fate.clone(),
        };
        Message { plan, ..message }
    }

    /// Draws a random plan. Seven of ten messages are delivered as usual; the rest are spread evenly over nine other plans.
    fn drawn_plan(&mut self) -> Plan {
        let late = Duration::from_secs(60 + self.rng.below(3540));
        match self.rng.below(30) {
            0 => Fate::Fail.into(),
            1 => Fate::FailAfter(1).into(),
            2 => Fate::Undelivered(64 + u8::try_from(self.rng.below(7)).unwrap_or(0)).into(),
            3 => Fate::NoReport.into(),
            4 => Fate::Deliver.late(late),
            5 => Fate::Deliver.doubled(),
            6 => Fate::Deliver.reversed(),
            7 => Fate::Deliver.temporary(33),
            8 => Fate::Deliver.early(),
            _ => Fate::Deliver.into(),
        }
    }

    /// Assigns waiting messages to free ports, in the order of the queue.
    pub(crate) fn dispatch(&mut self) {
        let mut place = 0;
        while self.ports.iter().any(Port::is_idle) {
            let Some(&id) = self.outbox.queue.get(place) else { return };
            match self.free_port(id) {
                Some(port) => {
                    self.outbox.queue.remove(place);
                    self.start(id, port);
                }
                None => place += 1,
            }
        }
    }

    /// Finds a free port that may send the message. The search begins after the port found last, so that the ports take turns.
    fn free_port(&mut self, id: u64) -> Option<u8> {
        let allowed = self.outbox.get(id)?.ports;
        let count = self.ports.len();
        let order = (0..count).map(|step| (self.next_port + step) % count);
        let free =
            order.filter_map(|at| self.ports.get(at)).find(|port| port.is_idle() && allowed.has(port.number));
        let found = free.map(|port| port.number)?;
        self.next_port = usize::from(found) + 1;
        Some(found)
    }

    /// Starts to send a message, which takes 5 to 8 seconds (§11.3 of the document). Its segments are evenly spaced within this time.
    fn start(&mut self, id: u64, port: u8) {
        let lasting = self.lasting(5000, 8000);
        let (now, ends, time) = (self.now, self.now + lasting, self.civil_now());
        if let Some(port) = self.ports.get_mut(usize::from(port)) {
            port.activity = Activity::Sms(id);
        }
        let Some(message) = self.outbox.get_mut(id) else { return };
        message.status = Status::Sending;
        message.sending = Some(Sending { port, time, ends, first_ref: None });
        let (segments, fate) = (message.segments, message.plan.fate);
        let (going, ending) = match fate {
            Fate::Fail => (0, Status::Failed),
            Fate::FailAfter(sent) => (sent.min(segments), Status::Failed),
            Fate::Stuck => (0, Status::Sending),
            Fate::Deliver | Fate::Undelivered(_) | Fate::NoReport | Fate::Hidden => {
                (segments, Status::SentOk)
            }
        };
        for segment in 1..=going {
            self.schedule(now + lasting * segment / (segments + 1), Happening::SegmentSent(id));
        }
        self.schedule(ends, Happening::SendingEnds(id, ending));
    }

    pub(super) fn segment_sent(&mut self, id: u64) {
        let Some(message) = self.outbox.get_mut(id) else { return };
        let Some(sending) = &mut message.sending else { return };
        let Some(port) = self.ports.get_mut(usize::from(sending.port)) else { return };
        let reference = port.take_ref();
        message.sent_at.get_or_insert(self.now);
        sending.first_ref.get_or_insert(reference);
        let segment = message.sent;
        message.sent += 1;
        self.expect_reports(id, segment, reference);
    }

    pub(super) fn sending_ends(&mut self, id: u64, status: Status) {
        let Some(message) = self.outbox.get_mut(id) else { return };
        let all_received = status == Status::SentOk && message.is_received();
        message.status = if all_received { Status::Delivered } else { status };
        for port in &mut self.ports {
            if port.activity == Activity::Sms(id) {
                port.activity = Activity::Idle;
            }
        }
    }
}
