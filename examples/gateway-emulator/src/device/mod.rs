//! The gateway without its API: ports, queue, reports, inbox and USSD, as they change over time.
//!
//! Nothing here runs in the background. Future events are kept in order of time, and each access first processes all events
//! that are due. So no response depends on the accuracy of timers.

mod event;
pub(crate) mod inbox;
pub(crate) mod message;
mod past;
pub(crate) mod port;
pub(crate) mod reports;
mod sending;
pub(crate) mod ussd;

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use self::{
    event::{Events, Happening},
    inbox::Inbox,
    message::Outbox,
    port::{Port, Ports, Reg},
    reports::Reports,
    ussd::Ussd,
};
use crate::{
    clock::{Civil, Clock},
    fate::Plan,
    options::Options,
    quirks::Quirks,
    rng::Rng,
};

pub(crate) struct Device {
    pub(crate) quirks: Quirks,
    pub(crate) answer_limit: usize,
    pub(crate) clock: Clock,
    pub(crate) ports: Vec<Port>,
    pub(crate) outbox: Outbox,
    pub(crate) reports: Reports,
    pub(crate) inbox: Inbox,
    pub(crate) ussd: Ussd,
    rng: Rng,
    events: Events,
    /// The time up to which events have been processed.
    pub(crate) now: Instant,
    /// The index of the port at which the search for a free port begins.
    next_port: usize,
    fates: HashMap<String, Plan>,
    default_fate: Plan,
    random_fates: bool,
}

impl Device {
    pub(crate) fn new(options: &Options, rng: Rng, now: Instant) -> Self {
        let mut device = Self {
            quirks: options.quirks.clone(),
            answer_limit: options.answer_limit,
            clock: Clock::new(now, options.start_time, options.speed),
            ports: (0..options.ports).map(|port| Port::new(port, options.sims)).collect(),
            outbox: Outbox::default(),
            reports: Reports::default(),
            inbox: Inbox::default(),
            ussd: Ussd::default(),
            rng,
            events: Events::default(),
            now,
            next_port: 0,
            fates: HashMap::new(),
            default_fate: options.default_fate.clone(),
            random_fates: options.random_fates,
        };
        device.have_sent(options.sent, now);
        device.have_received(options.received);
        device
    }

    /// Processes every event that is due by `now`.
    pub(crate) fn advance(&mut self, now: Instant) {
        while let Some((at, happening)) = self.events.due(now) {
            self.now = at;
            self.happen(happening);
            self.dispatch();
        }
        self.now = self.now.max(now);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::SegmentSent(message) => self.segment_sent(message),
            Happening::SendingEnds(message, failed) => self.sending_ends(message, failed),
            Happening::ReportArrives(report) => self.report_arrives(report),
            Happening::UssdAnswered(port, session, text) => self.ussd_answered(port, session, text),
        }
    }

    /// Returns the time of the next event; `None` if there is none.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        self.events.next()
    }

    pub(crate) fn civil_now(&self) -> Civil {
        self.clock.civil(self.now)
    }

    pub(crate) fn set_fate(&mut self, number: &str, plan: Plan) {
        self.fates.insert(number.to_owned(), plan);
    }

    /// Changes the registration state of a port. A port that becomes registered starts to send waiting messages.
    pub(crate) fn set_reg(&mut self, port: u8, reg: Reg) {
        if let Some(port) = self.ports.get_mut(usize::from(port)) {
            port.reg = reg;
        }
        self.dispatch();
    }

    /// Returns the registered ports.
    pub(crate) fn registered(&self) -> Ports {
        self.ports.iter().filter(|port| port.reg == Reg::RegisterOk).map(|port| port.number).collect()
    }

    pub(crate) fn receive_sms(&mut self, port: u8, number: &str, text: &str) -> u64 {
        let received = self.civil_now();
        self.inbox.receive(port, number, text, received, self.quirks.equal_ids)
    }

    /// Drops the queue, the tasks, the results and the received reports. Reports that the network still holds arrive later.
    pub(crate) fn restart(&mut self, how: Restart) {
        self.outbox.forget(how.ids_restart);
        self.reports.forget();
        self.ussd.forget(how.ids_restart);
        self.inbox.restart(how);
        self.events.keep_reports();
        for port in &mut self.ports {
            port.restart(how.ids_restart);
        }
    }

    fn schedule(&mut self, at: Instant, happening: Happening) {
        self.events.add(at, happening);
    }

    /// Returns a random duration of `from` to `to` milliseconds in the gateway's time, converted to outside time.
    fn lasting(&mut self, from: u64, to: u64) -> Duration {
        let inside = self.rng.millis(from, to);
        self.clock.outside(inside)
    }
}

/// The optional losses in a restart. Queue, tasks, results, reports, nonces, lock-outs and connections are always lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restart {
    /// The numbering of tasks, USSD requests and references begins again, and the messages in the inbox get new ids.
    pub ids_restart: bool,
    /// The inbox is emptied.
    pub inbox_lost: bool,
}

impl Device {
    /// Returns the `imsi` field, which later versions add to every record.
    pub(crate) fn imsi_field(&self, port: u8) -> Option<(&'static str, serde_json::Value)> {
        let port = self.ports.get(usize::from(port)).filter(|_| self.quirks.later_version)?;
        Some(("imsi", port.imsi().into()))
    }
}
