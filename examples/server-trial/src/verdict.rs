//! The result of a trial.

use std::{collections::BTreeMap, fmt, time::Duration};

/// The maximum number of flaws that are printed.
const PRINTED: usize = 20;

/// The reason the server could not find out whether a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unresolved {
    /// The response to its submission was dropped, cut or unclear, and the gateway does not have it.
    Dropped,
    /// The gateway hides its record.
    Hidden,
    /// The server was killed while it was being submitted, and the gateway does not have it.
    Killed,
}

/// The result of a trial.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The number of messages that the server has promised to send.
    pub messages: usize,
    /// The number of kills.
    pub kills: usize,
    /// The number of kills before the server listened.
    pub kills_before_ready: u32,
    /// The number of messages that the gateways have accepted.
    pub accepted: usize,
    /// The number of promised messages that were neither sent nor reported as unresolved.
    pub lost: usize,
    /// The number of messages that were sent more than once.
    pub doubled: usize,
    /// The number of messages by the last state that a webhook reported.
    pub states: BTreeMap<String, usize>,
    /// The number of unresolved messages by reason.
    pub unresolved: BTreeMap<Unresolved, usize>,
    /// The number of events.
    pub events: usize,
    /// The number of events that were repeated with the same id and body.
    pub repeated_events: u64,
    /// The number of incoming messages.
    pub incoming: usize,
    /// The longest time from the start of the server until it listened.
    pub longest_start: Duration,
    /// The time of the whole trial.
    pub elapsed: Duration,
    /// Everything that is wrong.
    pub flaws: Vec<String>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_flawless(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.flaws.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "promised       {}", self.messages)?;
        writeln!(
            f,
            "kills          {}, {} of them before the server listened",
            self.kills, self.kills_before_ready
        )?;
        writeln!(f, "accepted       {} by the gateways", self.accepted)?;
        writeln!(f, "lost           {}", self.lost)?;
        writeln!(f, "doubled        {}", self.doubled)?;
        for (state, count) in &self.states {
            writeln!(f, "{state:14} {count}")?;
        }
        for (why, count) in &self.unresolved {
            writeln!(f, "- {:12} {count}", format!("{why:?}").to_lowercase())?;
        }
        writeln!(f, "events         {}, {} of them repeated", self.events, self.repeated_events)?;
        writeln!(f, "incoming       {}", self.incoming)?;
        writeln!(f, "longest start  {:.2} s", self.longest_start.as_secs_f64())?;
        writeln!(f, "time           {:.0} s", self.elapsed.as_secs_f64())?;
        for flaw in self.flaws.iter().take(PRINTED) {
            writeln!(f, "WRONG: {flaw}")?;
        }
        write!(f, "{} flaws", self.flaws.len())
    }
}
