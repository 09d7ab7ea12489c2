//! The result of `send --wait`.

use std::{sync::Arc, time::Duration};

use sms_gateway::{
    Error, Failure as CallFailure,
    core::track::{Message, State},
};

use crate::{
    args::Send,
    cells::count,
    failure::{Exit, Failure, explain},
    live::{Board, is_well},
};

/// Maximum number of messages that are listed on a line.
const IDS: usize = 8;

/// The reason why the wait ended.
pub(super) enum End {
    /// All messages have ended.
    Finished,
    TimeUp,
    Interrupted,
    /// An error that no retry can overcome.
    Hopeless(Arc<Error>),
    /// The messenger has ended by itself.
    Closed,
}

/// Checks that every message has the requested outcome.
pub(super) fn judge(end: &End, board: &Board, args: &Send) -> Result<(), Failure> {
    let messages = &board.messages;
    let number = |of: fn(&Message) -> bool| messages.iter().filter(|message| of(message)).count();
    let open = number(|message| !message.is_final);
    let unsent = number(|message| message.state == State::Stopped);
    let failed = number(|message| !is_well(message)) - unsent;
    let all = count(messages.len() as u64, "message");
    let failed = (failed > 0).then(|| format!("{failed} of {all} failed"));
    if open + unsent == 0 {
        return failed.map_or(Ok(()), |failed| Err(Failure::new(Exit::Failed, failed)));
    }
    let (mut exit, cause) = match end {
        End::Hopeless(error) => (Exit::Transport, explain(error)),
        End::Interrupted => (Exit::Open, "interrupted".to_owned()),
        _ => (Exit::Open, format!("time is up after {}", span(args.timeout))),
    };
    let mut parts = vec![cause];
    if let Some(trouble) = board.trouble.as_ref().filter(|_| exit == Exit::Open) {
        parts.push(trouble.clone());
        // If nothing was sent, the trouble with the gateway is the cause, not the time limit.
        exit = if unsent == messages.len() { Exit::Transport } else { exit };
    }
    parts.extend(failed);
    if unsent == messages.len() {
        parts.push("nothing was sent".to_owned());
    } else if unsent > 0 {
        parts.push(format!("{unsent} of {all} not sent"));
    }
    if open > 0 {
        let waiting = number(|message| message.state == State::Unsent);
        let waiting = if waiting > 0 { format!(", {waiting} not sent yet") } else { String::new() };
        parts.push(format!("{open} of {all} still open{waiting}; follow with: {}", advice(board, args)));
    }
    Err(Failure::new(exit, parts.join("; ")))
}

/// Returns the command that shows the state of open messages.
fn advice(board: &Board, args: &Send) -> String {
    if let Some(command) = watch(args) {
        return command;
    }
    let open = || board.messages.iter().filter(|message| !message.is_final);
    let ids: Vec<_> = open().map(|message| message.id.to_string()).take(IDS).collect();
    let more = if open().count() > IDS { ",…" } else { "" };
    // A sent message gets no further results, but may still get reports.
    let reports = if open().any(|message| message.state == State::Sent) { " and deliveries" } else { "" };
    format!("sms-client {}results --user-id {}{more}{reports}", args.options, ids.join(","))
}

/// Returns the command that follows the messages in the store.
pub(super) fn watch(args: &Send) -> Option<String> {
    let store = quoted(&args.store.as_ref()?.to_string_lossy());
    Some(format!("sms-client {}watch --store {store}", args.options))
}

/// Returns whether retrying later is pointless. With `at_first`, this includes responses that are not from a gateway's API: if the first
/// one is not, later ones won't be either.
pub(super) fn is_hopeless(error: &Error, at_first: bool) -> bool {
    match error.failure {
        CallFailure::Untrusted
        | CallFailure::LoginRefused
        | CallFailure::NoCredentials
        | CallFailure::BasicNotAllowed
        | CallFailure::Credentials(_) => true,
        CallFailure::Challenge(_) | CallFailure::Redirect | CallFailure::Http { status: 404, .. } => at_first,
        _ => false,
    }
}

/// Quotes a word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+:@%,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if time.subsec_nanos() == 0 && seconds >= 60 && seconds % 60 == 0 => {
            format!("{} min", seconds / 60)
        }
        _ => format!("{} s", time.as_secs_f32()),
    }
}
