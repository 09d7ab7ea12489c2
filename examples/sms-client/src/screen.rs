//! The width of the terminal.

use std::io::{self, IsTerminal};

use terminal_size::terminal_size;

use crate::table::SCREEN;

/// The minimum width that is reported. A narrower terminal wraps lines by itself.
const NARROWEST: usize = 40;

/// Returns the width of the terminal that shows standard output, or `None` if the output is piped or written to a file.
pub fn of_stdout() -> Option<usize> {
    io::stdout().is_terminal().then(width)
}

/// Returns the width of the terminal.
pub fn width() -> usize {
    // A serial console reports 0 columns.
    let columns = terminal_size().map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0);
    columns.unwrap_or(SCREEN).max(NARROWEST)
}
