//! A line on the terminal that says how far long work has come.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use sms_client::{table::SCREEN, text::cut};

/// Between two changes of the line.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes to stderr, and only where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    wanted: bool,
    shown: bool,
    last: Option<Instant>,
}

impl Progress {
    /// No line where `wanted` is false.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted: wanted && io::stderr().is_terminal(), shown: false, last: None }
    }

    /// Shows this line in place of the one before, unless that was just shown.
    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        let now = Instant::now();
        if !self.wanted || self.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return;
        }
        self.last = Some(now);
        self.shown = true;
        // A terminal that does not take it has nothing to show.
        let _ = write!(io::stderr(), "\r{}\x1b[K", cut(&line(), SCREEN - 1));
    }

    /// Takes the line away, so that others can be written in its place.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
