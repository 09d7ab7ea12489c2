//! One life of the client: from a start, or a reset, to the next reset. It follows the order of calls in the tracker's
//! documentation: save all changes before a request, report the outcome of the request, acknowledge updates.

use std::time::Duration;

use sms_gateway_core::{
    Number, Port, Ports,
    text::Alphabet,
    track::{AddError, Ask, Draft, Event, PendingReport, RestoreError, Slot, StopResult, Tracker},
};

use crate::{
    caller::Action,
    config::{HOUR, SECOND},
    oracle::{Failure, Requested},
    world::World,
};

/// The end of a life.
pub(crate) enum End {
    /// A reset.
    Reset,
    /// All messages are finished.
    Done,
    Broken(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

fn broken(what: impl Into<String>) -> End {
    End::Broken(Failure { message: None, what: what.into() })
}

pub(crate) struct Life<'w, 'm> {
    pub(crate) world: &'w mut World,
    pub(crate) tracker: Tracker<'m>,
    /// The origin of the client's clock, and the time of the next reset, in simulated time.
    zero: u64,
    reset_at: u64,
    /// Messages whose last update is acknowledged, but not saved yet.
    closing: Vec<u32>,
    /// Number of consecutive waits.
    idle: u32,
}

/// Runs the client until a reset, or until all messages are finished.
pub(crate) fn live(world: &mut World) -> End {
    let mut slots = vec![Slot::EMPTY; world.config.caller.slots];
    let mut pending = vec![PendingReport::EMPTY; world.config.caller.pending_reports];
    let zero = if world.config.caller.boot_time { world.now } else { 0 };
    let mut settings = world.config.settings;
    settings.first_block = settings.first_block.wrapping_add(world.oracle.life * 77);
    let tracker = Tracker::new(&mut slots, &mut pending, settings, Duration::from_millis(world.now - zero));
    let is_first = !std::mem::replace(&mut world.has_started, true);
    let reset_at = draw_reset(world);
    let mut life = Life { world, tracker, zero, reset_at, closing: Vec::new(), idle: 0 };
    let restored = if is_first { Ok(()) } else { life.restore() };
    match restored.and_then(|()| life.run()) {
        Ok(()) => End::Done,
        Err(end) => end,
    }
}

/// Draws the time of the next reset. There are no resets after the last message was added, because on a board without a clock
/// they might keep messages from ever expiring.
fn draw_reset(world: &mut World) -> u64 {
    match world.config.caller.resets {
        0 => u64::MAX,
        _ if world.caller.left() == 0 => u64::MAX,
        mean => world.now + SECOND + world.rng.wait(mean),
    }
}

impl Life<'_, '_> {
    pub(crate) fn now(&self) -> Duration {
        Duration::from_millis(self.world.now - self.zero)
    }

    fn restore(&mut self) -> Result<(), End> {
        for (record, is_whole) in self.world.store.found() {
            match self.tracker.restore(&record) {
                Ok(()) if is_whole => {}
                Err(RestoreError::Torn) if !is_whole => self.world.oracle.figures.torn += 1,
                other => {
                    return Err(broken(format!("a record, whole: {is_whole}, was restored with {other:?}")));
                }
            }
        }
        let now = self.now();
        self.tracker.start(now);
        self.world.inbox_check.client_restarted();
        self.world.oracle.client_restarted(|id| self.tracker.message(id))?;
        Ok(())
    }

    fn run(&mut self) -> Result<(), End> {
        loop {
            self.do_what_is_due()?;
            self.save()?;
            self.listen()?;
            if self.world.caller.left() == 0 && self.world.oracle.is_all_closed() {
                return Ok(());
            }
            let now = self.now();
            let ask = self.tracker.step(now);
            self.save()?;
            self.carry_out(ask)?;
        }
    }

    fn carry_out(&mut self, ask: Ask) -> Result<(), End> {
        if !matches!(ask, Ask::Wait(_)) {
            self.world.oracle.figures.requests += 1;
            self.idle = 0;
        }
        match ask {
            Ask::Wait(until) => {
                self.world.transcript.wait(until);
                self.sleep(until)
            }
            Ask::Submit(token) => self.submit(token),
            Ask::Results(token) => self.query_results(token),
            Ask::Reports(token) => self.query_reports(token),
            Ask::Queue(token) => self.query_queue(token),
            Ask::Incoming(token) => self.query_incoming(token),
            Ask::Stop(token) => self.send_stop(token),
        }
    }

    fn sleep(&mut self, until: Option<Duration>) -> Result<(), End> {
        let until = until.map(|until| self.zero + until.as_nanos().div_ceil(1_000_000) as u64);
        let resets = Some(self.reset_at).filter(|at| *at < u64::MAX);
        let Some(next) = [until, self.world.caller.next(), resets].into_iter().flatten().min() else {
            return Err(broken("nothing is planned, although messages have not ended"));
        };
        self.idle += 1;
        // The caller's actions may be due at the same moment repeatedly, but not forever.
        if self.idle > 1_000_000 {
            return Err(broken("it waits without end"));
        }
        let wait = next.saturating_sub(self.world.now).max(u64::from(until == Some(next)));
        self.world.pass(wait);
        self.check_time()?;
        self.may_reset()
    }

    /// Checks that everything ends in time.
    fn check_time(&self) -> Result<(), End> {
        let settings = &self.world.config.settings.timing;
        let longest = 4 * settings.expire.as_millis() as u64 + 100 * HOUR;
        let last = self.world.oracle.truths.last().map_or(0, |truth| truth.added);
        let is_late = self.world.caller.left() == 0 && self.world.now > last + longest;
        if is_late { Err(broken("messages do not end")) } else { Ok(()) }
    }

    /// Ends the life if a reset is due, because the power may fail at this point.
    pub(crate) fn may_reset(&mut self) -> Result<(), End> {
        let due = self.world.now >= self.reset_at && self.world.rng.below(4) == 0;
        if due { Err(End::Reset) } else { Ok(()) }
    }

    fn do_what_is_due(&mut self) -> Result<(), End> {
        while let Some(action) = self.world.caller.due(self.world.now) {
            match action {
                Action::Add => self.add(1, true)?,
                Action::Burst(count) => self.add(count, false)?,
                Action::Stop(message) => self.stop(message)?,
                Action::Acknowledge { message, revision, life } => self.acknowledge(message, revision, life),
            }
        }
        Ok(())
    }

    fn add(&mut self, count: u32, plans_more: bool) -> Result<(), End> {
        let mut full = false;
        for _ in 0..count.min(self.world.caller.left()) {
            let requested = self.world.caller.next_message();
            if self.add_one(requested)? {
                self.world.caller.added();
            } else {
                full = true;
                break;
            }
        }
        if self.world.caller.left() == 0 {
            self.world.device.calm();
        } else if plans_more {
            self.world.caller.plan_more(full, self.world.now);
        }
        Ok(())
    }

    fn add_one(&mut self, requested: Requested) -> Result<bool, End> {
        let numbers = std::rc::Rc::clone(&self.world.numbers);
        let draft = draft(&requested, numbers.text(requested.number));
        let now = self.now();
        let id = match self.tracker.add(&draft, now) {
            Ok(id) => id,
            Err(AddError::Full) => {
                self.world.oracle.figures.full += 1;
                return Ok(false);
            }
            Err(other) => return Err(broken(format!("not added: {other:?}"))),
        };
        let message = self.world.oracle.added(id, requested)?;
        self.world.caller.plan_stop(message, self.world.now);
        Ok(true)
    }

    fn stop(&mut self, message: u32) -> Result<(), End> {
        let truth = self.world.oracle.truth_mut(message);
        if truth.vanished {
            return Ok(());
        }
        truth.stop_asked = true;
        let (id, now) = (truth.id, self.now());
        let mut outcome = self.tracker.stop(id, now);
        // Some callers then stop the other messages of the task, too.
        if matches!(outcome, StopResult::SharedTask { .. }) && message.is_multiple_of(2) {
            outcome = self.tracker.stop_task_of(id, now);
        }
        self.world.oracle.write(message, || format!("stop requested: {outcome:?}"));
        Ok(())
    }

    fn acknowledge(&mut self, message: u32, revision: u16, life: u32) {
        // A reset discards the caller's plans.
        if life != self.world.oracle.life {
            return;
        }
        self.tracker.acknowledge(self.world.oracle.truth(message).id, revision);
        if self.world.oracle.acknowledge(message, revision) {
            self.closing.push(message);
        }
    }

    /// Saves all changes. A reset may interrupt the saving at any point.
    pub(crate) fn save(&mut self) -> Result<(), End> {
        while let Some(change) = self.tracker.next_change() {
            self.world.transcript.change(&change);
            if self.may_reset().is_err() {
                if self.world.rng.below(2) == 0 {
                    self.world.store.tear(change.key(), change.record());
                }
                return Err(End::Reset);
            }
            self.world.store.save(change.key(), change.record());
            self.world.oracle.figures.saved += 1;
        }
        self.world.oracle.saved();
        for message in self.closing.drain(..) {
            self.world.oracle.closed(message);
        }
        self.may_reset()
    }

    fn listen(&mut self) -> Result<(), End> {
        while let Some(event) = self.tracker.next_event() {
            self.world.transcript.event(&event);
            match event {
                Event::Update(message) => {
                    let world = &mut *self.world;
                    let owner = world.oracle.find(message.id)?;
                    let is_lost = message.is_final && world.device.knows(owner, message.id.get());
                    world.oracle.receive_update(&message, is_lost)?;
                    world.caller.plan_acknowledgement(owner, message.revision, world.oracle.life, world.now);
                }
                Event::Unmatched(report) => self.world.oracle.receive_report(&report, false)?,
                Event::Ambiguous(report) => self.world.oracle.receive_report(&report, true)?,
                Event::InboxRestarted => self.world.inbox_check.ids_restarted(),
                Event::Unreadable { id } => panic!("message {id} is readable"),
                Event::UnknownStatus { status, .. } => panic!("the gateway does not write {status}"),
            }
            self.may_reset()?;
        }
        Ok(())
    }
}

fn draft<'a>(requested: &Requested, number: &'a str) -> Draft<'a> {
    let ports: Ports = (0..32)
        .filter(|port| requested.ports >> port & 1 == 1)
        .filter_map(|port| Port::new(port).ok())
        .collect();
    let draft =
        Draft::new(Number::new(number).unwrap()).ports(ports).text_bytes(60 * u16::from(requested.segments));
    let draft = draft.status_report(requested.report).resend(requested.resend);
    if requested.segments == 1 { draft.alphabet(Alphabet::Gsm7Bit) } else { draft }
}
