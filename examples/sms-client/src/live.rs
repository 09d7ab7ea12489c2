//! The progress of messages on stderr. On a terminal, lines are rewritten; otherwise each change is a new line.

use std::{
    env,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use sms_client::{
    screen,
    text::{cut, escape, width},
};
use sms_gateway::core::track::{Message, State};

use crate::events::{Change, Happened};

/// Maximum number of messages that have their own line. Terminals have at least this many lines.
const ROWS: usize = 10;

/// The known state of the messages.
pub(crate) struct Board {
    pub(crate) numbers: Vec<String>,
    pub(crate) messages: Vec<Message>,
    /// The current problem with the gateway.
    pub(crate) trouble: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Lines,
    Screen,
}

pub(crate) struct Live {
    form: Form,
    begin: Instant,
    limit: Duration,
    /// The lines on the terminal.
    shown: Vec<String>,
}

impl Live {
    /// Creates the display for a wait with this limit. `is_json` means that the output is for scripts.
    pub(crate) fn new(limit: Duration, is_json: bool) -> Self {
        let is_screen = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let form = match (is_screen, is_json) {
            // The records themselves show the progress if they are printed on the same terminal.
            (true, true) if io::stdout().is_terminal() => Form::None,
            (true, _) => Form::Screen,
            (false, true) => Form::None,
            (false, false) => Form::Lines,
        };
        Self { form, begin: Instant::now(), limit, shown: Vec::new() }
    }

    /// Prints an event, if the form is [`Form::Lines`].
    pub(crate) fn print(&self, happened: &Happened<'_>) {
        let is_news = !matches!(happened, Happened::Message(change) if change.is_idle());
        if self.form == Form::Lines && is_news {
            // A failure means that stderr has no reader.
            let _ = writeln!(io::stderr(), "{}", happened.lines(None));
        }
    }

    /// Replaces the shown board in one write, so that it does not flicker. Line wrapping is off during this write: wrapped lines
    /// would take more rows than [`Self::back`] moves up.
    pub(crate) fn draw(&mut self, board: &Board) {
        if self.form != Form::Screen {
            return;
        }
        let frame = frame(board, self.begin.elapsed(), self.limit, screen::width());
        if frame != self.shown {
            let lines = frame.join("\x1b[K\r\n");
            let text = format!("{}\x1b[?7l{lines}\x1b[K\r\n\x1b[?7h\x1b[J", self.back());
            let _ = io::stderr().write_all(text.as_bytes());
            self.shown = frame;
        }
    }

    /// Removes the shown lines.
    pub(crate) fn clear(&mut self) {
        if !self.shown.is_empty() {
            let _ = write!(io::stderr(), "{}\x1b[J", self.back());
            self.shown.clear();
        }
    }

    /// Returns the control sequence that moves to the first line.
    fn back(&self) -> String {
        match self.shown.len() {
            0 => String::new(),
            lines => format!("\r\x1b[{lines}A"),
        }
    }
}

impl Change<'_> {
    /// Returns whether the message has not been submitted.
    fn is_idle(&self) -> bool {
        matches!(self.message().state, State::Unsent | State::Stopped)
    }
}

/// Returns the lines that show the board. If there are more than [`ROWS`] messages, only the open ones are listed, and the
/// ended ones are counted.
fn frame(board: &Board, elapsed: Duration, limit: Duration, screen: usize) -> Vec<String> {
    let all = board.messages.len();
    let is_open = |message: &Message| all <= ROWS || !message.is_final;
    let rows: Vec<_> =
        board.numbers.iter().zip(&board.messages).filter(|(_, message)| is_open(message)).collect();
    let widest = rows.iter().take(ROWS).map(|(number, _)| width(number)).max().unwrap_or(0);
    let mut lines: Vec<_> =
        rows.iter().take(ROWS).map(|(number, message)| format!("{number:widest$}  {message}")).collect();
    if let Some(more) = rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
        lines.push(format!("… and {more} more"));
    }
    let ended = board.messages.iter().filter(|message| message.is_final).count();
    let failed = board.messages.iter().filter(|message| !is_well(message)).count();
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    lines.push(format!("{ended} of {all} finished{failed}; {} of {}", clock(elapsed), clock(limit)));
    lines.extend(board.trouble.as_ref().map(|trouble| format!("trouble: {trouble}")));
    lines.into_iter().map(|line| cut(&escape(&line), screen - 1).into_owned()).collect()
}

/// Returns whether the message has not failed.
pub(crate) fn is_well(message: &Message) -> bool {
    !message.is_final || matches!(message.state, State::Sent | State::Delivered)
}

/// Formats a time as `0:07` or `1:00:00`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use sms_client::table::SCREEN;
    use sms_gateway::core::{Number, UserId, track::NumberBuf};

    use super::*;

    fn message(state: State) -> Message {
        let number = NumberBuf::from(Number::new("10086").unwrap());
        Message::new(UserId::new(1).unwrap(), number, state)
    }

    fn board(messages: Vec<Message>) -> Board {
        let numbers = (0..messages.len()).map(|place| format!("{}", 10_000 + place * 10_000)).collect();
        Board { numbers, messages, trouble: None }
    }

    fn lines(board: &Board) -> Vec<String> {
        frame(board, Duration::from_secs(67), Duration::from_secs(3600), SCREEN)
    }

    #[test]
    fn few_messages_are_shown_completely() {
        let mut board =
            board([State::Sent, State::Failed].into_iter().cycle().take(10).map(message).collect());
        board.trouble = Some(format!("\x1b[2J{}", "long ".repeat(30)));
        let lines = lines(&board);
        assert_eq!(lines[..2], ["10000   sent", "20000   failed"]);
        assert_eq!((lines.len(), &*lines[10]), (12, "5 of 10 finished, 5 failed; 1:07 of 1:00:00"));
        assert!(lines[11].starts_with(r"trouble: \u{1b}[2Jlong") && width(&lines[11]) < SCREEN);
    }

    #[test]
    fn only_open_messages_are_shown_if_there_are_many() {
        let states = [State::Delivered, State::Sent].into_iter().cycle().take(40);
        let lines = lines(&board(states.map(message).collect()));
        assert_eq!((&*lines[0], lines.len()), ("20000   sent", 12));
        assert_eq!(lines[10..], ["… and 10 more", "20 of 40 finished; 1:07 of 1:00:00"]);
    }
}
