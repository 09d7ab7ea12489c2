//! A gateway as in the vendor's document, with the habits of real ones, in simulated milliseconds.
//!
//! Nothing happens by itself: [`Device::advance`] carries out the events that are due.

mod facts;
mod inbox;
mod network;
mod queue;
mod records;
mod sending;

pub(crate) use facts::{Entry, Fact};
pub(crate) use inbox::IncomingRow;
pub(crate) use queue::{Agenda, Job};
pub(crate) use records::{ReportRow, ResultRow};

use inbox::Inbox;
use network::Outcome;
use queue::Queue;
use records::{Filter, Reports, Results};
use sending::Port;
use serde_json::Value;

use crate::{
    civil::Clock,
    config::{DeviceConfig, HOUR, MINUTE, SECOND},
    inbox_check::Received,
    numbers::{Numbers, Spelt},
    rng::Rng,
};

#[derive(Clone, Copy, Debug)]
enum Happening {
    /// A port has finished a segment, unless the gateway has restarted since.
    SegmentDone {
        port: u8,
        boot: u32,
    },
    /// The network reports on a segment.
    Outcome(Outcome),
    ClockStep,
    /// The gateway's clock jumps by a number of seconds.
    ClockJump(i64),
    ClockSet {
        boot: u32,
    },
    Restart,
    Up,
    Foreign,
    Incoming,
}

/// One recipient of a send_sms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) owner: Option<u32>,
    pub(crate) user_id: Option<u32>,
    pub(crate) number: Spelt,
    pub(crate) segments: u8,
}

/// Counts of the gateway's events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) restarts: u64,
    pub(crate) clock_steps: u64,
    pub(crate) foreign: u64,
}

#[derive(Debug)]
pub(crate) struct Device {
    config: DeviceConfig,
    rng: Rng,
    now: u64,
    clock: Clock,
    agenda: Agenda<Happening>,
    ports: Vec<Port>,
    queue: Queue,
    results: Results,
    reports: Reports,
    inbox: Inbox,
    /// Number of starts, and whether the gateway is running.
    boot: u32,
    is_up: bool,
    /// The first and the last task since the ids restarted.
    first_task: i64,
    last_task: i64,
    accepted: u32,
    /// Number of own subscribers, and of all.
    lines: (u32, u32),
    /// Facts that the oracle has not read yet.
    pub(crate) facts: Vec<Entry>,
    pub(crate) forgotten_reports: Vec<u32>,
    pub(crate) jumps_back: Vec<u64>,
    pub(crate) log: Vec<(u64, String)>,
    pub(crate) received: Vec<Received>,
    pub(crate) counts: Counts,
}

impl Device {
    pub(crate) fn new(config: DeviceConfig, lines: (u32, u32), mut rng: Rng) -> Self {
        let ports = (0..config.ports).map(|_| Port::new(rng.next() as u8)).collect();
        let reports = Reports::new(config.ports);
        let mut device = Self {
            config,
            rng,
            now: 0,
            clock: Clock::unset(),
            agenda: Agenda::new(),
            ports,
            queue: Queue::default(),
            results: Results::default(),
            reports,
            inbox: Inbox::default(),
            boot: 0,
            is_up: true,
            first_task: 1,
            last_task: 0,
            accepted: 0,
            lines,
            facts: Vec::new(),
            forgotten_reports: Vec::new(),
            jumps_back: Vec::new(),
            log: Vec::new(),
            received: Vec::new(),
            counts: Counts::default(),
        };
        device.start_clock();
        let jumps = device.config.mix.as_ref().map_or(Vec::new(), |mix| mix.gateway_jumps.clone());
        for (at, by) in jumps {
            device.plan(at, Happening::ClockJump(by));
        }
        for (mean, happening) in device.recurring() {
            device.plan_next(mean, happening);
        }
        device
    }

    fn recurring(&self) -> [(u64, Happening); 4] {
        [
            (self.config.clock_steps, Happening::ClockStep),
            (self.config.restarts, Happening::Restart),
            (self.config.foreign, Happening::Foreign),
            (self.config.incoming, Happening::Incoming),
        ]
    }

    fn plan_next(&mut self, mean: u64, happening: Happening) {
        if mean > 0 {
            let wait = self.rng.wait(mean) + 1;
            self.plan(wait, happening);
        }
    }

    fn plan(&mut self, wait: u64, happening: Happening) {
        self.agenda.plan(self.now + wait, happening);
    }

    fn note(&mut self, owner: Option<u32>, copy: u32, fact: Fact) {
        if let Some(owner) = owner {
            self.facts.push(Entry { at: self.now, owner, copy, fact });
        }
    }

    /// Carries out everything that is due by `now`.
    pub(crate) fn advance(&mut self, now: u64) {
        while let Some((at, happening)) = self.agenda.due(now) {
            self.now = at;
            self.happen(happening);
        }
        self.now = now;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::SegmentDone { port, boot } if boot == self.boot => self.segment_done(port),
            Happening::SegmentDone { .. } => {}
            Happening::Outcome(outcome) => self.outcome(outcome),
            Happening::ClockStep => self.step_clock(),
            Happening::ClockJump(by) => self.jump(by),
            Happening::ClockSet { boot } if boot == self.boot => self.change_clock(Clock::set),
            Happening::ClockSet { .. } => {}
            Happening::Restart => self.restart(),
            Happening::Up => self.is_up = true,
            Happening::Foreign if self.config.foreign > 0 => self.foreign(),
            Happening::Incoming if self.config.incoming > 0 => self.incoming(),
            Happening::Foreign | Happening::Incoming => {}
        }
    }

    /// Plans when NTP sets the clock of a gateway that starts in 1970: soon, or sometimes late.
    fn start_clock(&mut self) {
        if self.config.starts_in_1970 {
            let now = self.now;
            self.change_clock(|clock| clock.boot(now));
            let longest = self.rng.pick(&[30 * SECOND, 10 * MINUTE, 3 * HOUR]);
            let wait = self.rng.between(SECOND, longest);
            self.plan(wait, Happening::ClockSet { boot: self.boot });
        } else {
            self.change_clock(Clock::set);
        }
    }

    /// Moves the clock by an hour, like a change of the time zone or daylight saving.
    fn step_clock(&mut self) {
        let back = self.clock.zone() > 0 || self.clock.zone() == 0 && self.rng.below(2) == 0;
        self.change_clock(|clock| clock.step(if back { -3600 } else { 3600 }));
        self.counts.clock_steps += 1;
        self.plan_next(self.config.clock_steps, Happening::ClockStep);
    }

    fn jump(&mut self, by: i64) {
        self.counts.clock_steps += 1;
        self.change_clock(|clock| clock.step(by));
    }

    fn change_clock(&mut self, change: impl FnOnce(&mut Clock)) {
        let before = self.clock.at(self.now);
        change(&mut self.clock);
        let after = self.clock.at(self.now);
        if after < before {
            self.jumps_back.push(self.now);
        }
        if after != before {
            self.log.push((self.now, format!("the clock changes from {before} to {after}")));
        }
    }

    fn restart(&mut self) {
        self.boot += 1;
        self.is_up = false;
        self.counts.restarts += 1;
        self.log.push((self.now, "restart".to_owned()));
        let broken: Vec<Job> =
            self.ports.iter_mut().filter_map(Port::abort).chain(self.queue.clear()).collect();
        for job in broken {
            self.note(job.owner, job.copy, Fact::Broken);
        }
        if !self.config.keeps_records {
            self.results.clear();
            self.forgotten_reports.extend(self.reports.clear());
        }
        if self.config.restarts_ids {
            self.restart_ids();
        } else {
            self.first_task = self.last_task + 1;
        }
        self.start_clock();
        let downtime = self.rng.between(20 * SECOND, 3 * MINUTE);
        self.plan(downtime, Happening::Up);
        self.plan_next(self.config.restarts.max(2 * downtime), Happening::Restart);
    }

    fn restart_ids(&mut self) {
        (self.first_task, self.last_task) = (1, 0);
        self.ports.iter_mut().for_each(Port::restart_references);
        for serial in self.inbox.restart() {
            self.received[serial as usize].erased = Some(self.now);
        }
    }

    /// Sends a message of another client, with one of a few user_ids or none.
    fn foreign(&mut self) {
        let (ours, all) = self.lines;
        let line = if self.config.foreign_to_ours {
            self.rng.below(ours.into())
        } else {
            self.rng.between(ours.into(), u64::from(all) - 1)
        };
        let user_id = (self.rng.below(2) == 0).then(|| self.rng.below(1000) as u32);
        let number = Numbers::spell(line as u32, &mut self.rng);
        let segments = self.rng.between(1, 2) as u8;
        // Other programs do not fill the queue of a mix.
        let has_room = self.config.mix.is_none() || self.queue.len() < 50;
        if self.is_up && has_room {
            self.counts.foreign += 1;
            self.send_sms(0, true, &[Wanted { owner: None, user_id, number, segments }]);
        }
        self.plan_next(self.config.foreign, Happening::Foreign);
    }

    fn incoming(&mut self) {
        if self.is_up {
            let port = self.rng.below(self.config.ports.into()) as u8;
            self.inbox.receive(port, self.clock.at(self.now));
            self.received.push(Received { at: self.now, erased: None });
        }
        self.plan_next(self.config.incoming, Happening::Incoming);
    }
}

/// The API.
impl Device {
    pub(crate) fn is_up(&self) -> bool {
        self.is_up
    }

    /// Accepts a request, and returns its task.
    pub(crate) fn send_sms(&mut self, ports: u32, report: bool, recipients: &[Wanted]) -> i64 {
        self.last_task += 1;
        let task = self.last_task;
        let report = report || !self.config.heeds_request;
        for wanted in recipients {
            let Wanted { owner, user_id, number, segments } = *wanted;
            let copy = self.accepted;
            self.accepted += 1;
            let ports = if ports == 0 { u32::MAX } else { ports };
            self.note(owner, copy, Fact::Accepted { task });
            self.queue.push(Job { owner, copy, user_id, number, segments, report, ports, task });
        }
        self.dispatch();
        task
    }

    /// Removes a task's messages from the queue. Returns `false` if there is no such task.
    pub(crate) fn stop_sms(&mut self, task: i64) -> bool {
        for job in self.queue.drop_task(task) {
            self.note(job.owner, job.copy, Fact::Dropped);
        }
        (self.first_task..=self.last_task).contains(&task)
    }

    /// Ends the traffic from before the client's first start. From now on, only other programs send foreign messages.
    pub(crate) fn client_started(&mut self) {
        self.config.foreign = self.config.mix.as_ref().map_or(0, |mix| mix.foreign);
    }

    /// Stops the messages of other clients and the incoming messages.
    pub(crate) fn calm(&mut self) {
        (self.config.foreign, self.config.incoming) = (0, 0);
    }

    pub(crate) fn in_queue(&self) -> u32 {
        self.queue.len()
    }

    pub(crate) fn query_results(&self, request: &Value) -> Vec<ResultRow> {
        let hidden = self.config.mix.as_ref().is_some_and(|mix| !mix.shows_others);
        let filter = Filter::new(request, self.config.strict_times);
        let rows = self.results.select(request, &filter, hidden);
        self.in_order(rows)
    }

    pub(crate) fn query_reports(&self, request: &Value) -> Vec<ReportRow> {
        let rows = self.reports.select(&Filter::new(request, self.config.strict_times));
        self.in_order(rows)
    }

    pub(crate) fn query_incoming(&self, request: &Value) -> Vec<IncomingRow> {
        self.inbox.select(request)
    }

    fn in_order<T>(&self, mut rows: Vec<T>) -> Vec<T> {
        if self.config.newest_first {
            rows.reverse();
        }
        rows
    }

    /// Returns whether the gateway still has an own message: it is in the queue, or a result has its user_id.
    pub(crate) fn knows(&self, owner: u32, user_id: u32) -> bool {
        self.queue.holds(owner) || self.results.of_user(user_id).any(|row| row.owner == Some(owner))
    }
}
