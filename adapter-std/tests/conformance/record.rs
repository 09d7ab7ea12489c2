//! The record of a scenario, and its text.

use std::{fmt::Write as _, time::Duration};

use crate::{login, reply::Reply};

/// A connection that the client has opened or tried to open.
pub struct Connection {
    pub at: Duration,
    pub outcome: String,
    pub entries: Vec<(Duration, Entry)>,
}

impl Connection {
    /// Whether the connection was opened, and the client has not closed it.
    pub fn is_open(&self) -> bool {
        self.outcome == "open" && !self.entries.iter().any(|(_, entry)| matches!(entry, Entry::Closed(_)))
    }
}

pub enum Entry {
    Request { bytes: Vec<u8>, is_whole: bool },
    Reply(Reply),
    Closed(Closing),
}

/// The way in which the client has ended a connection.
#[derive(Clone, Copy)]
pub enum Closing {
    Closed,
    Dropped,
}

/// Formats a time in seconds.
pub fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

/// Formats connections as text. The client nonces are masked if they are random.
pub fn show(connections: &[Connection], are_nonces_random: bool) -> String {
    let mut out = String::new();
    let mut logins = login::Logins::default();
    for (number, connection) in (1..).zip(connections) {
        let _ = writeln!(out, "  connection {number} at {}: {}", seconds(connection.at), connection.outcome);
        for (at, entry) in &connection.entries {
            let at = seconds(*at);
            match entry {
                Entry::Request { bytes, is_whole } => {
                    let end = if *is_whole { "" } else { ", not whole" };
                    let _ = writeln!(out, "    {at} request{end}");
                    show_request(&mut out, bytes, &mut logins, are_nonces_random);
                }
                Entry::Reply(reply) => {
                    logins.sent(reply);
                    let _ = writeln!(out, "    {at} reply: {reply}");
                }
                Entry::Closed(Closing::Closed) => {
                    let _ = writeln!(out, "    {at} closed by the client");
                }
                Entry::Closed(Closing::Dropped) => {
                    let _ = writeln!(out, "    {at} dropped by the client");
                }
            }
        }
    }
    out
}

fn show_request(out: &mut String, bytes: &[u8], logins: &mut login::Logins, are_nonces_random: bool) {
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or_default().to_owned();
    let text = text.strip_suffix("\r\n").unwrap_or(&text);
    for line in text.split("\r\n") {
        let line = logins.checked(&first, line, are_nonces_random);
        let line = line.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        let _ = writeln!(out, "{}", format!("      | {line}").trim_end());
    }
}
