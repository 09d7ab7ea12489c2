//! The fates of messages, and the arrival of their status reports.

use std::{str::FromStr, time::Duration};

/// The fate of a message. A [`Plan`] adds the arrival of its reports. A fate without a plan has the usual reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Sent, and every segment is reported received (status code 0).
    Deliver,
    /// FAILED; no segment is sent.
    Fail,
    /// FAILED after this number of segments. The segments sent are reported received.
    FailAfter(u32),
    /// Sent; the final report of every segment carries this code (TS 23.040 §9.2.3.15).
    Undelivered(u8),
    /// Sent, without any report.
    NoReport,
    /// Stays SENDING forever. Its port continues with the next message after the usual time.
    Stuck,
    /// Sent, but no result and no report shows it, as if the gateway had lost its record.
    Hidden,
}

/// The arrival of the reports of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Each report arrives when its segment is sent, while the message is still SENDING.
    Early,
    /// The first report arrives this long after the whole message was sent, in the gateway's time. The reports of the other segments
    /// follow at intervals of one second.
    After(Duration),
}

/// The fate of a message, and the arrival of its reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The fate.
    pub fate: Fate,
    /// The arrival of the reports.
    pub arrival: Arrival,
    /// Whether each report arrives again a second later.
    pub doubled: bool,
    /// Whether the reports of the segments arrive in reverse order.
    pub reversed: bool,
    /// If set, a temporary report with this status code (32 to 63) precedes each final report by ten seconds.
    pub temporary: Option<u8>,
    /// The segments, counted from 0, whose reports are lost.
    pub lost: Vec<u32>,
}

impl Default for Plan {
    fn default() -> Self {
        Fate::Deliver.into()
    }
}

impl From<Fate> for Plan {
    fn from(fate: Fate) -> Self {
        Self {
            fate,
            arrival: Arrival::After(Duration::from_secs(3)),
            doubled: false,
            reversed: false,
            temporary: None,
            lost: Vec::new(),
        }
    }
}

impl Fate {
    /// Returns a plan of this fate with reports that arrive before the message is `SENT_OK`.
    pub fn early(self) -> Plan {
        Plan::from(self).early()
    }

    /// Returns a plan of this fate with the first report this long after sending, in the gateway's time.
    pub fn late(self, after: Duration) -> Plan {
        Plan::from(self).late(after)
    }

    /// Returns a plan of this fate with every report twice.
    pub fn doubled(self) -> Plan {
        Plan::from(self).doubled()
    }

    /// Returns a plan of this fate with the reports of the segments in reverse order.
    pub fn reversed(self) -> Plan {
        Plan::from(self).reversed()
    }

    /// Returns a plan of this fate with a temporary report before each final report.
    pub fn temporary(self, status_code: u8) -> Plan {
        Plan::from(self).temporary(status_code)
    }

    /// Returns a plan of this fate without the reports of one segment. Segments are counted from 0.
    pub fn lost(self, segment: u32) -> Plan {
        Plan::from(self).lost(segment)
    }
}

impl Plan {
    /// The names of fates that [`Plan::from_str`] reads.
    pub const FATES: &str = "deliver, fail, fail-after:SEGMENTS, undelivered:CODE, no-report, stuck, hidden";
    /// The changes to reports that [`Plan::from_str`] reads after a fate, each after a plus sign.
    pub const REPORTS: &str = "early, late:SECONDS, doubled, reversed, temporary:CODE, lost:SEGMENT";

    /// Makes reports arrive before the message is `SENT_OK`.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.arrival = Arrival::Early;
        self
    }

    /// Makes the first report arrive this long after sending, in the gateway's time.
    #[must_use]
    pub fn late(mut self, after: Duration) -> Self {
        self.arrival = Arrival::After(after);
        self
    }

    /// Makes every report arrive twice.
    #[must_use]
    pub fn doubled(mut self) -> Self {
        self.doubled = true;
        self
    }

    /// Makes the reports of the segments arrive in reverse order.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reversed = true;
        self
    }

    /// Adds a temporary report with this status code before each final report.
    #[must_use]
    pub fn temporary(mut self, status_code: u8) -> Self {
        self.temporary = Some(status_code);
        self
    }

    /// Loses the reports of one segment. Segments are counted from 0. Can be repeated for several segments.
    #[must_use]
    pub fn lost(mut self, segment: u32) -> Self {
        self.lost.push(segment);
        self
    }

    /// Returns the final status code of a segment, or `None` if no report arrives.
    pub(crate) fn status_code(&self, segment: u32) -> Option<u8> {
        match self.fate {
            Fate::NoReport | Fate::Hidden => None,
            _ if self.lost.contains(&segment) => None,
            Fate::Undelivered(code) => Some(code),
            Fate::Deliver | Fate::Fail | Fate::FailAfter(_) | Fate::Stuck => Some(0),
        }
    }
}

/// Reads a fate: `deliver`, `fail`, `fail-after:2`, `undelivered:70`, `no-report`, `stuck` or `hidden`. Changes to the reports may
/// follow, each after a plus sign: `deliver+late:3600+doubled+reversed+temporary:33+lost:1`, or `deliver+early`.
impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split('+');
        let mut plan = Self::from(fate(words.next().unwrap_or_default())?);
        for word in words {
            plan = plan.with(word)?;
        }
        Ok(plan)
    }
}

impl Plan {
    fn with(self, word: &str) -> Result<Self, String> {
        Ok(match split(word) {
            ("early", "") => self.early(),
            ("doubled", "") => self.doubled(),
            ("reversed", "") => self.reversed(),
            ("late", seconds) => self.late(Duration::from_secs(number(word, seconds)?)),
            ("temporary", code) => self.temporary(number(word, code)?),
            ("lost", segment) => self.lost(number(word, segment)?),
            _ => return Err(format!("`{word}` does not describe reports; {} do", Self::REPORTS)),
        })
    }
}

fn fate(word: &str) -> Result<Fate, String> {
    Ok(match split(word) {
        ("deliver", "") => Fate::Deliver,
        ("fail", "") => Fate::Fail,
        ("no-report", "") => Fate::NoReport,
        ("stuck", "") => Fate::Stuck,
        ("hidden", "") => Fate::Hidden,
        ("fail-after", segments) => Fate::FailAfter(number(word, segments)?),
        ("undelivered", code) => Fate::Undelivered(number(word, code)?),
        _ => return Err(format!("`{word}` is not a fate; fates are {}", Plan::FATES)),
    })
}

fn split(word: &str) -> (&str, &str) {
    word.split_once(':').unwrap_or((word, ""))
}

fn number<T: FromStr>(word: &str, digits: &str) -> Result<T, String> {
    digits.parse().map_err(|_| format!("`{word}` lacks its number, or it is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read() {
        let hour = Duration::from_secs(3600);
        let plan = Fate::Deliver.late(hour).doubled().reversed().temporary(33).lost(1);
        assert_eq!("deliver+late:3600+doubled+reversed+temporary:33+lost:1".parse(), Ok(plan));
        assert_eq!("fail-after:2".parse(), Ok(Plan::from(Fate::FailAfter(2))));
        assert_eq!("undelivered:70+early".parse(), Ok(Fate::Undelivered(70).early()));
    }

    #[test]
    fn nonsense_is_named() {
        for text in ["", "delivered", "fail:1", "undelivered:256", "deliver+soon", "deliver+late:"] {
            assert!(text.parse::<Plan>().is_err(), "{text}");
        }
    }
}
