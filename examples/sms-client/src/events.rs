//! Events, as lines for people and as objects for scripts.

use serde::Serialize;
use sms_client::{
    table::SCREEN,
    text::{escape, wrap},
};
use sms_gateway::{
    core::{
        TaskId, Timestamp, UserId,
        track::{Message, MessageFailure, Report, TpStatus},
    },
    messenger::{Event, Flaw, Incoming},
};

/// An event. Its fields have the names in the gateway's API.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Happened<'a> {
    Message(Change<'a>),
    Incoming(&'a Incoming),
    Trouble {
        error: &'a str,
    },
    Recovered,
    /// An event of the library, which has its own tag.
    #[serde(untagged)]
    Library(&'a Event),
}

/// An update of a message.
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
    /// The number of delivered segments.
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

impl<'a> Change<'a> {
    /// Creates an update of a message, with a number or a reference.
    pub(crate) fn new(number: Option<&'a str>, reference: Option<&'a str>, message: &'a Message) -> Self {
        let (error_code, status_code) = match message.failure {
            Some(MessageFailure::Refused(code)) => (Some(code), None),
            Some(MessageFailure::Reported { status, .. }) => (None, Some(status)),
            Some(MessageFailure::NotSent) | None => (None, None),
        };
        Self {
            number,
            reference,
            user_id: message.id,
            state: message.state.as_str(),
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
            reason: message.reason().to_string(),
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
        format!("{name}: {}", self.message)
    }
}

impl Happened<'_> {
    /// Returns the event for people: a line, or several if it is too long for one.
    pub(crate) fn lines(&self) -> String {
        let line = self.line();
        let escaped = escape(&line);
        // The first line has spare columns, because only the later ones are indented.
        wrap(&escaped, SCREEN - INDENT.len()).join(&format!("\n{INDENT}"))
    }

    fn line(&self) -> String {
        match self {
            Self::Message(change) => change.line(),
            Self::Incoming(sms) => incoming_line(sms),
            Self::Library(event) => event_line(event),
            Self::Trouble { error } => format!("trouble: {error}"),
            Self::Recovered => "the gateway answers again".to_owned(),
        }
    }
}

const INDENT: &str = "    ";

/// Describes an incoming message.
fn incoming_line(sms: &Incoming) -> String {
    let mut parts = vec![format!("from {}", sms.number)];
    parts.extend(sms.port.map(|port| format!("port {port}")));
    parts.extend(sms.time.map(|time| time.to_string()));
    let text = match sms.flaw {
        Some(Flaw::TooLong { needed }) => format!("[too long: {needed} bytes]"),
        Some(_) => format!("{} [unreadable in part]", sms.text),
        None => sms.text.clone(),
    };
    format!("{}: {text}", parts.join(", "))
}

/// Describes a status report.
fn report_line(report: &Report) -> String {
    let time = report.time.map_or_else(String::new, |time| format!(", {time}"));
    let Report { port, number, reference, .. } = report;
    format!("{}, port {port}, reference {reference}{time}: {}", number.as_str(), TpStatus(report.status))
}

/// Describes an event of the library.
fn event_line(event: &Event) -> String {
    match event {
        Event::Unmatched(report) => format!("unmatched report: {}", report_line(report)),
        Event::Ambiguous(report) => format!("ambiguous report: {}", report_line(report)),
        Event::InboxRestarted => {
            "the gateway numbers its inbox anew: some messages may come again".to_owned()
        }
        Event::Missed { events } => format!("{events} reports were not shown in time"),
        Event::RecordsSkipped { records } => {
            format!("{records} damaged records of the store were skipped, so some messages may be missing")
        }
        _ => "an event that this version does not know".to_owned(),
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_events_have_a_line_and_an_object() {
        let event = Event::Missed { events: 3 };
        let missed = Happened::Library(&event);
        assert_eq!(missed.lines(), "3 reports were not shown in time");
        assert_eq!(serde_json::to_string(&missed).unwrap(), r#"{"event":"missed","events":3}"#);
    }
}
