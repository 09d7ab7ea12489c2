//! The program that uses the tracker: it adds, stops and acknowledges messages.

use crate::{
    config::{CallerConfig, MINUTE},
    device::Agenda,
    numbers::Numbers,
    oracle::Requested,
    rng::Rng,
};

/// An action of the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// Add a message, and plan the next one.
    Add,
    /// Add a number of messages at once.
    Burst(u32),
    Stop(u32),
    /// Acknowledge the updates of a message up to this number, if they were received since the client's last reset.
    Acknowledge {
        message: u32,
        revision: u16,
        life: u32,
    },
}

#[derive(Debug)]
pub(crate) struct Caller {
    config: CallerConfig,
    ports: u8,
    rng: Rng,
    agenda: Agenda<Action>,
    /// Number of messages that are not added yet.
    left: u32,
}

impl Caller {
    pub(crate) fn new(config: CallerConfig, ports: u8, rng: Rng) -> Self {
        let mut agenda = Agenda::new();
        agenda.plan(0, Action::Add);
        Self { left: config.messages, config, ports, rng, agenda }
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.agenda.next()
    }

    pub(crate) fn due(&mut self, now: u64) -> Option<Action> {
        self.agenda.due(now).map(|(_, action)| action)
    }

    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// Notes an added message.
    pub(crate) fn added(&mut self) {
        self.left -= 1;
    }

    /// Plans the next message, sometimes a burst. Waits longer if the tracker was full.
    pub(crate) fn plan_more(&mut self, full: bool, now: u64) {
        let wait = if full { self.rng.between(10_000, 60_000) } else { self.rng.wait(self.config.every) };
        self.agenda.plan(now + wait, Action::Add);
        if !full && self.rng.below(2 * u64::from(self.config.burst)) == 0 {
            self.agenda.plan(now + wait, Action::Burst(self.config.burst));
        }
    }

    pub(crate) fn next_message(&mut self) -> Requested {
        let long = self.rng.happens(self.config.long);
        let one_port = self.rng.happens(self.config.one_port);
        Requested {
            number: Numbers::spell(self.rng.below(self.config.numbers.into()) as u32, &mut self.rng),
            segments: if long { self.rng.between(2, 5) as u8 } else { 1 },
            ports: if one_port { 1 << self.rng.below(self.ports.into()) } else { 0 },
            report: !self.rng.happens(self.config.unreported),
            resend: self.rng.happens(self.config.resend),
        }
    }

    /// Plans whether the caller stops an added message.
    pub(crate) fn plan_stop(&mut self, message: u32, now: u64) {
        if self.rng.happens(self.config.stopped) {
            let wait = self.rng.pick(&[0, 1000, 10_000, MINUTE, 10 * MINUTE]);
            self.agenda.plan(now + self.rng.below(wait + 1), Action::Stop(message));
        }
    }

    pub(crate) fn plan_acknowledgement(&mut self, message: u32, revision: u16, life: u32, now: u64) {
        let wait = self.rng.below(self.config.acknowledges_within);
        self.agenda.plan(now + wait, Action::Acknowledge { message, revision, life });
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.rng.below(one_in) == 0
    }
}
