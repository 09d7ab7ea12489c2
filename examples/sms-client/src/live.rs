//! How messages get on, on stderr: lines that are rewritten on a terminal, else a line for each change.

use std::{
    env,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use sms_client::{
    table::SCREEN,
    text::{cut, escape, width},
};
use sms_gateway::core::track::{Message, State};

use crate::events::{Change, Happened};

/// So many messages have a line of their own at most: terminals are at least this high.
const ROWS: usize = 10;

/// What is known of the messages.
pub(crate) struct Board {
    pub(crate) numbers: Vec<String>,
    pub(crate) messages: Vec<Message>,
    /// What is wrong with the gateway now.
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
    /// What stands on the terminal.
    shown: Vec<String>,
}

impl Live {
    /// For waiting so long, beside an output for scripts or for people.
    pub(crate) fn new(limit: Duration, is_json: bool) -> Self {
        let is_screen = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let form = match (is_screen, is_json) {
            // Records that run over the terminal are progress enough.
            (true, true) if io::stdout().is_terminal() => Form::None,
            (true, _) => Form::Screen,
            (false, true) => Form::None,
            (false, false) => Form::Lines,
        };
        Self { form, begin: Instant::now(), limit, shown: Vec::new() }
    }

    /// Tells of something, where lines are written.
    pub(crate) fn tell(&self, happened: &Happened<'_>) {
        let is_news = !matches!(happened, Happened::Message(change) if change.is_idle());
        if self.form == Form::Lines && is_news {
            // Nobody reads it, then.
            let _ = writeln!(io::stderr(), "{}", happened.lines());
        }
    }

    /// Shows the board in place of what was shown, at once, so that it does not flicker. Lines are not wrapped, or there would be
    /// more of them than are known.
    pub(crate) fn draw(&mut self, board: &Board) {
        if self.form != Form::Screen {
            return;
        }
        let frame = frame(board, self.begin.elapsed(), self.limit);
        if frame != self.shown {
            let lines = frame.join("\x1b[K\r\n");
            let text = format!("{}\x1b[?7l{lines}\x1b[K\r\n\x1b[?7h\x1b[J", self.back());
            let _ = io::stderr().write_all(text.as_bytes());
            self.shown = frame;
        }
    }

    /// Takes away what was shown.
    pub(crate) fn clear(&mut self) {
        if !self.shown.is_empty() {
            let _ = write!(io::stderr(), "{}\x1b[J", self.back());
            self.shown.clear();
        }
    }

    /// The way to the first line.
    fn back(&self) -> String {
        match self.shown.len() {
            0 => String::new(),
            lines => format!("\r\x1b[{lines}A"),
        }
    }
}

impl Change<'_> {
    /// Whether nothing has happened.
    fn is_idle(&self) -> bool {
        matches!(self.message().state, State::Unsent | State::Stopped)
    }
}

/// The lines that show the board: the messages, those under way if they are too many, and how many have come to their end.
fn frame(board: &Board, elapsed: Duration, limit: Duration) -> Vec<String> {
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
    lines.into_iter().map(|line| cut(&escape(&line), SCREEN - 1).into_owned()).collect()
}

/// Whether it has not come to an end that nobody wanted.
pub(crate) fn is_well(message: &Message) -> bool {
    !message.is_final || matches!(message.state, State::Sent | State::Delivered)
}

/// `0:07`, `1:00:00`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
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
        frame(board, Duration::from_secs(67), Duration::from_secs(3600))
    }

    #[test]
    fn few_messages_are_all_shown() {
        let mut board =
            board([State::Sent, State::Failed].into_iter().cycle().take(10).map(message).collect());
        board.trouble = Some(format!("\x1b[2J{}", "long ".repeat(30)));
        let lines = lines(&board);
        assert_eq!(lines[..2], ["10000   sent", "20000   failed"]);
        assert_eq!((lines.len(), &*lines[10]), (12, "5 of 10 finished, 5 failed; 1:07 of 1:00:00"));
        assert!(lines[11].starts_with(r"trouble: \u{1b}[2Jlong") && width(&lines[11]) < SCREEN);
    }

    #[test]
    fn of_many_those_that_are_open() {
        let states = [State::Delivered, State::Sent].into_iter().cycle().take(40);
        let lines = lines(&board(states.map(message).collect()));
        assert_eq!((&*lines[0], lines.len()), ("20000   sent", 12));
        assert_eq!(lines[10..], ["… and 10 more", "20 of 40 finished; 1:07 of 1:00:00"]);
    }
}
