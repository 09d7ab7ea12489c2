//! Everything except the tracker. It survives the tracker's resets.

use std::rc::Rc;

use crate::{
    caller::Caller,
    config::Config,
    device::{Device, ResultRow},
    figures::Figures,
    inbox_check::InboxCheck,
    link::Link,
    numbers::Numbers,
    oracle::{Failure, Oracle},
    rng::Rng,
    store::Store,
    transcript::Transcript,
};

/// Number of subscribers to which only other clients write.
const FOREIGN_LINES: u32 = 40;

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) numbers: Rc<Numbers>,
    pub(crate) device: Device,
    pub(crate) link: Link,
    pub(crate) store: Store,
    pub(crate) caller: Caller,
    pub(crate) inbox_check: InboxCheck,
    pub(crate) oracle: Oracle,
    pub(crate) rng: Rng,
    pub(crate) transcript: Transcript,
    pub(crate) now: u64,
    /// Whether the client has started before.
    pub(crate) has_started: bool,
}

impl World {
    pub(crate) fn new(config: &Config, watched: Option<u32>) -> Self {
        let mut rng = Rng::new(config.seed);
        let ours = config.caller.numbers;
        // Only own numbers have twins: a foreign message to a twin could not be distinguished from an own message to the other.
        let numbers = Rc::new(Numbers::new(ours, ours + FOREIGN_LINES, config.caller.twins));
        Self {
            device: Device::new(config.device.clone(), (ours, ours + FOREIGN_LINES), rng.fork()),
            link: Link::new(config.link.clone(), rng.fork()),
            store: Store::new(rng.fork()),
            caller: Caller::new(config.caller.clone(), config.device.ports, rng.fork()),
            inbox_check: InboxCheck::default(),
            oracle: Oracle::new(config.clone(), Rc::clone(&numbers), watched),
            config: config.clone(),
            numbers,
            rng,
            transcript: Transcript::new(),
            now: 0,
            has_started: false,
        }
    }

    /// Lets time pass, and reports the events to the oracle.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.oracle.now = self.now;
        self.device.advance(self.now);
        self.update_oracle();
    }

    pub(crate) fn update_oracle(&mut self) {
        for entry in self.device.facts.drain(..) {
            self.oracle.note(&entry);
        }
        for serial in self.device.forgotten_reports.drain(..) {
            self.oracle.report_forgotten(serial);
        }
        for line in self.device.log.drain(..) {
            self.oracle.write_all(|| format!("[gateway, at {:.3} s] {}", line.0 as f64 / 1000.0, line.1));
        }
        self.oracle.jumps_back.append(&mut self.device.jumps_back);
    }

    /// Returns the number as a result contains it, with separators if the gateway writes them.
    pub(crate) fn result_number(&self, row: &ResultRow) -> String {
        let text = self.numbers.text(row.number);
        match text.split_at_checked(text.len() / 2) {
            Some((first, last)) if self.config.device.mix.as_ref().is_some_and(|mix| mix.separates) => {
                format!("{first}-{last}")
            }
            _ => text.to_owned(),
        }
    }

    /// Ends the simulation, and returns its figures.
    pub(crate) fn close(&mut self) -> Result<Figures, Failure> {
        self.oracle.close()?;
        self.inbox_check.close(&self.device.received, self.now)?;
        let counts = self.device.counts;
        let figures = &mut self.oracle.figures;
        figures.milliseconds = self.now;
        (figures.device_restarts, figures.clock_steps, figures.foreign) =
            (counts.restarts, counts.clock_steps, counts.foreign);
        figures.incoming = self.inbox_check.count();
        Ok(*figures)
    }
}
