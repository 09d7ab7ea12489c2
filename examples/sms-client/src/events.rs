//! Events, as lines for people and as objects for scripts.

use serde::Serialize;
use sms_client::text::{escape, wrap};
use sms_gateway::{
    core::{
        TaskId, Timestamp, UserId,
        track::{Message, MessageFailure, Report, TpStatus},
    },
    messenger::{Event, Flaw, Incoming},
};

/// An event. A field that also exists in the gateway's API has the same name there.
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
    number: &'a str,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    imsi: Option<&'a str>,
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
    /// Creates an update of a message. A reference equal to the number is omitted: it means that the message has no label.
    pub(crate) fn new(number: &'a str, reference: Option<&'a str>, message: &'a Message) -> Self {
        let (error_code, status_code) = match message.failure {
            Some(MessageFailure::Refused(code)) => (Some(code), None),
            Some(MessageFailure::Reported { status, .. }) => (None, Some(status)),
            Some(MessageFailure::NotSent) | None => (None, None),
        };
        Self {
            number,
            reference: reference.filter(|reference| *reference != number),
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
            imsi: None,
            delivered: message.segments.delivered.count_ones(),
            error_code,
            status_code,
            reason: message.reason().to_string(),
            ambiguous: message.ambiguous,
            message,
        }
    }

    /// Adds the IMSI of the SIM card that sent the message.
    pub(crate) const fn imsi(mut self, imsi: Option<&'a str>) -> Self {
        self.imsi = imsi;
        self
    }

    pub(crate) const fn message(&self) -> &Message {
        self.message
    }

    fn line(&self) -> String {
        let label = self.reference.map_or_else(String::new, |reference| format!(" ({reference})"));
        format!("{}{label}: {}", self.number, self.message)
    }
}

impl Happened<'_> {
    /// Returns the event for people, on one line. If the line is too long for the screen, it is wrapped.
    pub(crate) fn lines(&self, screen: Option<usize>) -> String {
        let line = self.line();
        let escaped = escape(&line);
        let Some(screen) = screen else { return escaped.into_owned() };
        // The first line has spare columns, because only the later ones are indented.
        wrap(&escaped, screen.saturating_sub(INDENT.len())).join(&format!("\n{INDENT}"))
    }

    fn line(&self) -> String {
        match self {
            Self::Message(change) => change.line(),
            Self::Incoming(sms) => incoming_line(sms),
            Self::Library(event) => event_line(event),
            Self::Trouble { error } => format!("trouble: {error}"),
            Self::Recovered => "the gateway responds again".to_owned(),
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
        Event::UnreadableMessage { incoming_sms_id } => format!(
            "message {incoming_sms_id} in the inbox cannot be read, because it makes the gateway's response malformed; it is left out"
        ),
        Event::InboxRestarted => {
            "the gateway numbers its inbox anew: some messages may come again".to_owned()
        }
        Event::UnknownStatus { user_id, status } => format!("user_id {user_id}: unknown status {status}"),
        Event::Missed { events } => format!("{events} reports were not shown in time"),
        Event::RecordsSkipped { records } => {
            format!("{records} damaged records of the store were skipped, so some messages may be missing")
        }
        _ => "an event that this version does not know".to_owned(),
    }
}
#[cfg(test)]
mod tests {
    use sms_gateway::core::track::StatusWord;

    use super::*;

    #[test]
    fn missed_events_have_a_line_and_an_object() {
        let event = Event::Missed { events: 3 };
        let missed = Happened::Library(&event);
        assert_eq!(missed.lines(None), "3 reports were not shown in time");
        assert_eq!(serde_json::to_string(&missed).unwrap(), r#"{"event":"missed","events":3}"#);
    }

    #[test]
    fn an_unknown_status_has_a_line() {
        let status = StatusWord::from("QUEUED\n");
        let user_id = UserId::new(7).unwrap();
        let event = Event::UnknownStatus { user_id, status };
        assert_eq!(Happened::Library(&event).lines(None), r"user_id 7: unknown status QUEUED\n");
    }
}
