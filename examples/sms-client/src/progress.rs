//! A line on the terminal that shows the progress of long work.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use sms_client::{screen, text::cut};

/// Minimum time between two changes of the line.
const PAUSE: Duration = Duration::from_millis(100);

/// A line on stderr, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    wanted: bool,
    shown: bool,
    last: Option<Instant>,
}

impl Progress {
    /// Creates the line. If `wanted` is false, it is never shown.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted: wanted && io::stderr().is_terminal(), shown: false, last: None }
    }

    /// Replaces the line, unless it changed a moment ago.
    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        let now = Instant::now();
        if !self.wanted || self.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return;
        }
        self.last = Some(now);
        self.shown = true;
        // A failure only means that the progress is not shown.
        let _ = write!(io::stderr(), "\r{}\x1b[K", cut(&line(), screen::width() - 1));
    }

    /// Removes the line, so that other output can take its place.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
