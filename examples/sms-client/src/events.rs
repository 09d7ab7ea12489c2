//! What happens, as lines for people and as objects for scripts.

use serde::Serialize;
use sms_client::{
    outcome::{line, reason, status, word},
    table::SCREEN,
    text::{escape, wrap},
};
use sms_gateway::{
    core::{
        TaskId, Timestamp, UserId,
        track::{Failure, Message, Report},
    },
    messenger::{Event, Flaw, Incoming},
};

/// What happened, with the fields' names of the gateway's API.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Happened<'a> {
    Message(Change<'a>),
    Incoming(Received<'a>),
    UnmatchedReport(Reported<'a>),
    AmbiguousReport(Reported<'a>),
    InboxRestarted,
    /// So many events were not told, since nobody read the output.
    Missed {
        events: u64,
    },
    Trouble {
        error: &'a str,
    },
    Recovered,
}

/// What became of a message.
#[derive(Serialize)]
pub(crate) struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    user_id: UserId,
    state: &'static str,
    #[serde(rename = "final")]
    is_final: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<i64>,
    #[serde(flatten)]
    sent: Option<Sent>,
    /// How many segments.
    delivered: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u8>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ambiguous: bool,
    #[serde(skip)]
    message: &'a Message,
}

#[derive(Serialize)]
struct Sent {
    port: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    ref_id: u8,
    count: u8,
    succ_count: u8,
}

#[derive(Serialize)]
pub(crate) struct Received<'a> {
    incoming_sms_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u32>,
    number: &'a str,
    smsc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    /// `None` when it is too long.
    text: Option<&'a str>,
    #[serde(skip)]
    flaw: Option<Flaw>,
}

#[derive(Serialize)]
pub(crate) struct Reported<'a> {
    port: u8,
    number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    ref_id: u8,
    status_code: u8,
}

impl<'a> Change<'a> {
    /// Of a message that is known by its number or by a reference.
    pub(crate) fn new(number: Option<&'a str>, reference: Option<&'a str>, message: &'a Message) -> Self {
        let (error_code, status_code) = match message.failure {
            Some(Failure::Refused(code)) => (Some(code), None),
            Some(Failure::Reported { status, .. }) => (None, Some(status)),
            Some(Failure::NotSent) | None => (None, None),
        };
        Self {
            number,
            reference,
            user_id: message.id,
            state: word(message.state),
            is_final: message.is_final,
            task_id: message.task.map(TaskId::get),
            sent: message.sent.map(|sent| Sent {
                port: sent.port,
                time: sent.time,
                ref_id: sent.reference,
                count: sent.segments,
                succ_count: sent.succeeded,
            }),
            delivered: message.segments.delivered.count_ones(),
            error_code,
            status_code,
            reason: reason(message),
            ambiguous: message.ambiguous,
            message,
        }
    }

    pub(crate) const fn message(&self) -> &Message {
        self.message
    }

    fn line(&self) -> String {
        let name = self.number.or(self.reference);
        let name = name.map_or_else(|| format!("user_id {}", self.user_id), ToOwned::to_owned);
        format!("{name}: {}", line(self.message))
    }
}

impl<'a> From<&'a Incoming> for Happened<'a> {
    fn from(sms: &'a Incoming) -> Self {
        Self::Incoming(Received {
            incoming_sms_id: sms.mark.id,
            port: sms.port,
            number: &sms.number,
            smsc: &sms.smsc,
            timestamp: sms.time,
            text: (!matches!(sms.flaw, Some(Flaw::TooLong { .. }))).then_some(&*sms.text),
            flaw: sms.flaw,
        })
    }
}

impl<'a> From<&'a Report> for Reported<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            port: report.port,
            number: report.number.as_str(),
            time: report.time,
            ref_id: report.reference,
            status_code: report.status,
        }
    }
}

impl<'a> Happened<'a> {
    /// `None` for what this version does not know.
    pub(crate) fn new(event: &'a Event) -> Option<Self> {
        Some(match event {
            Event::Unmatched(report) => Self::UnmatchedReport(report.into()),
            Event::Ambiguous(report) => Self::AmbiguousReport(report.into()),
            Event::InboxRestarted => Self::InboxRestarted,
            Event::Missed(events) => Self::Missed { events: *events },
            _ => return None,
        })
    }

    /// For people: a line, or several where it is too long for one.
    pub(crate) fn lines(&self) -> String {
        let line = self.line();
        let escaped = escape(&line);
        // The first line has more room than it takes, since only what follows is indented.
        wrap(&escaped, SCREEN - INDENT.len()).join(&format!("\n{INDENT}"))
    }

    fn line(&self) -> String {
        match self {
            Self::Message(change) => change.line(),
            Self::Incoming(received) => received.line(),
            Self::UnmatchedReport(report) => format!("unmatched report: {}", report.line()),
            Self::AmbiguousReport(report) => {
                format!("ambiguous report: {}", report.line())
            }
            Self::InboxRestarted => {
                "the gateway numbers its inbox anew: some messages may come again".to_owned()
            }
            Self::Missed { events } => format!("{events} reports were not shown in time"),
            Self::Trouble { error } => format!("trouble: {error}"),
            Self::Recovered => "the gateway answers again".to_owned(),
        }
    }
}

const INDENT: &str = "    ";

impl Received<'_> {
    fn line(&self) -> String {
        let mut parts = vec![format!("from {}", self.number)];
        parts.extend(self.port.map(|port| format!("port {port}")));
        parts.extend(self.timestamp.map(|time| time.to_string()));
        let text = match self.flaw {
            Some(Flaw::TooLong { needed }) => format!("[too long: {needed} bytes]"),
            Some(Flaw::Lossy) => format!("{} [unreadable in part]", self.text.unwrap_or_default()),
            None => self.text.unwrap_or_default().to_owned(),
        };
        format!("{}: {text}", parts.join(", "))
    }
}

impl Reported<'_> {
    fn line(&self) -> String {
        let time = self.time.map_or_else(String::new, |time| format!(", {time}"));
        let Self { port, number, ref_id, .. } = self;
        format!("{number}, port {port}, reference {ref_id}{time}: {}", status(self.status_code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_long_lines() {
        let number = "+8613800138000";
        let reported = Reported {
            port: 12,
            number,
            time: "2026-01-31 08:00:00".parse().ok(),
            ref_id: 7,
            status_code: 34,
        };
        assert_eq!(
            Happened::UnmatchedReport(reported).lines(),
            "unmatched report: +8613800138000, port 12, reference 7, 2026-01-31 08:00:00:\n    \
             status 34, no response from the recipient"
        );
        let many = Happened::Missed { events: 3 };
        assert_eq!(many.lines(), "3 reports were not shown in time");
    }
}
