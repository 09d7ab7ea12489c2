//! What became of a message, in words and in the cells of a table.

use std::time::Duration;

use sms_gateway::core::{
    call::{Call, Delivery, SendSms},
    track::{Message, MessageFailure, State, Timing},
};

use crate::table::Column;

/// The headings of [`cells`].
pub const fn columns() -> [Column; 4] {
    [Column::word("STATE"), Column::number("PORT"), Column::number("SEGMENTS"), Column::text("REASON")]
}

/// How far a message has come, its port, how many of its segments are delivered, and why.
pub fn cells(message: &Message) -> [String; 4] {
    [word(message.state).to_owned(), port(message).unwrap_or_default(), segments(message), reason(message)]
}

/// A state in a word.
pub const fn word(state: State) -> &'static str {
    match state {
        State::Unsent => "unsent",
        State::Submitted => "submitted",
        State::Uncertain => "uncertain",
        State::Accepted => "accepted",
        State::Sending => "sending",
        State::Sent => "sent",
        State::Delivered => "delivered",
        State::Failed => "failed",
        State::Stopped => "stopped",
        State::Expired => "expired",
        State::Unresolved => "unresolved",
    }
}

/// A state and what there is to say of it: `sent, port 2, 1/3 segments`.
pub fn line(message: &Message) -> String {
    let mut parts = vec![word(message.state).to_owned()];
    match message.state {
        State::Accepted => parts.extend(message.task.map(|task| format!("task {task}"))),
        State::Sending | State::Sent | State::Delivered => {
            parts.extend(port(message).map(|port| format!("port {port}")));
        }
        _ => {}
    }
    if matches!(message.state, State::Sent | State::Delivered) {
        parts.extend(message.sent.filter(|sent| sent.segments > 1).map(|_| segments(message) + " segments"));
    }
    let parts = parts.join(", ");
    let reason = reason(message);
    if reason.is_empty() { parts } else { format!("{parts}: {reason}") }
}

/// Why it failed, or what is not as it should be.
pub fn reason(message: &Message) -> String {
    let mut reason = message.failure.map_or_else(|| state_reason(message), |why| failure(message, why));
    if message.ambiguous {
        reason.push_str(if reason.is_empty() { "" } else { "; " });
        reason.push_str("ambiguous: a report may be another message's");
    }
    reason
}

fn port(message: &Message) -> Option<String> {
    message.sent.map(|sent| sent.port.to_string())
}

fn segments(message: &Message) -> String {
    let delivered = message.segments.delivered.count_ones();
    message.sent.map_or_else(String::new, |sent| format!("{delivered}/{}", sent.segments))
}

fn state_reason(message: &Message) -> String {
    match message.state {
        State::Uncertain => "the gateway's answer was lost",
        State::Sent if message.segments.temporary != 0 => "not delivered yet, the network tries",
        State::Stopped => "before it was sent",
        State::Expired => "no outcome came in time",
        State::Unresolved => "the gateway's answer was lost, and it knows nothing of the message",
        _ => "",
    }
    .to_owned()
}

fn failure(message: &Message, failure: MessageFailure) -> String {
    match failure {
        MessageFailure::Refused(code) => {
            let meaning = SendSms::MEANINGS.iter().find(|(known, _)| *known == code);
            let meaning = meaning.map_or_else(String::new, |(_, meaning)| format!(", {meaning}"));
            format!("the gateway refused it: {code}{meaning}")
        }
        MessageFailure::NotSent => match message.sent.filter(|sent| sent.succeeded > 0) {
            Some(sent) => format!("only {} of {} segments could be sent", sent.succeeded, sent.segments),
            None => "the gateway could not send it".to_owned(),
        },
        MessageFailure::Reported { segment, status } => {
            let which = match message.sent {
                Some(sent) if sent.segments > 1 => format!("segment {}: ", u32::from(segment) + 1),
                _ => String::new(),
            };
            format!("{which}{}", self::status(status))
        }
    }
}

/// A TP-Status with its meaning (3GPP TS 23.040 §9.2.3.15): `status 70, validity expired`.
pub fn status(status: u8) -> String {
    let meaning = match status {
        32 | 96 => "congestion",
        33 | 97 => "recipient busy",
        34 | 98 => "no response from the recipient",
        35 | 99 => "service rejected",
        36 | 68 | 100 => "quality of service not available",
        37 | 101 => "error at the recipient",
        64 => "remote procedure error",
        65 => "incompatible destination",
        66 => "rejected by the recipient",
        67 => "not obtainable",
        69 => "no interworking available",
        70 => "validity expired",
        71 => "deleted by the sender",
        72 => "deleted by the centre's administration",
        73 => "the centre does not know the message",
        status => Delivery::from(status).as_str(),
    };
    format!("status {status}, {meaning}")
}

/// The usual [`Timing`] with the waits for the gateway so many times as long.
pub fn pace(factor: f64) -> Timing {
    let usual = Timing::default();
    let scaled = |wait: Duration| wait.mul_f64(factor);
    Timing {
        first_result: scaled(usual.first_result),
        first_report: scaled(usual.first_report),
        results_every: scaled(usual.results_every),
        reports_every: scaled(usual.reports_every),
        slowest: usual.slowest.max(scaled(usual.results_every)),
        retry: scaled(usual.retry),
        incoming: scaled(usual.incoming),
        unmatched: scaled(usual.unmatched),
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use sms_gateway::core::{
        Number, UserId,
        track::{NumberBuf, Segments, Sent},
    };

    use super::*;

    fn message(state: State, segments: u8) -> Message {
        let number = NumberBuf::from(Number::new("10086").unwrap());
        let mut message = Message::new(UserId::new(1).unwrap(), number, state);
        message.sent = Some(Sent { port: 2, time: None, reference: 7, segments, succeeded: segments });
        message.segments = Segments { delivered: 1, ..Segments::default() };
        message
    }

    #[test]
    fn lines() {
        assert_eq!(line(&message(State::Delivered, 1)), "delivered, port 2");
        let mut sent = message(State::Sent, 3);
        assert_eq!(line(&sent), "sent, port 2, 1/3 segments");
        sent.ambiguous = true;
        assert_eq!(cells(&sent), ["sent", "2", "1/3", "ambiguous: a report may be another message's"]);
    }

    #[test]
    fn reasons() {
        let failed = |failure| {
            let mut message = message(State::Failed, 3);
            message.failure = Some(failure);
            message
        };
        let reported = failed(MessageFailure::Reported { segment: 1, status: 70 });
        assert_eq!(line(&reported), "failed: segment 2: status 70, validity expired");
        let refused = |code| reason(&failed(MessageFailure::Refused(code)));
        assert_eq!(refused(500), "the gateway refused it: 500, other error");
        assert_eq!(refused(7), "the gateway refused it: 7");
        assert_eq!(status(130), "status 130, reserved");
    }

    #[test]
    fn the_usual_pace_and_another() {
        let usual = Timing::default();
        assert_eq!(pace(1.0), usual);
        // As the help of --interval says.
        assert_eq!((usual.results_every, usual.incoming), (Duration::from_secs(6), Duration::from_secs(10)));
        let fast = pace(0.001);
        assert_eq!((fast.first_result, fast.expire), (usual.first_result / 1000, usual.expire));
    }
}
