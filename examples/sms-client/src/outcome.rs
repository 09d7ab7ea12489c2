//! The outcome of a message in the cells of a table, and the polling intervals.

use std::time::Duration;

use sms_gateway::core::track::{Message, Timing};

use crate::table::Column;

/// Returns the headings of [`cells`].
pub const fn columns() -> [Column; 4] {
    [Column::word("STATE"), Column::number("PORT"), Column::number("SEGMENTS"), Column::text("REASON")]
}

/// Returns the message's state, its port, its delivered segments, and the reason for its state.
pub fn cells(message: &Message) -> [String; 4] {
    [
        message.state.to_string(),
        port(message).unwrap_or_default(),
        segments(message),
        message.reason().to_string(),
    ]
}

fn port(message: &Message) -> Option<String> {
    message.sent.map(|sent| sent.port.to_string())
}

fn segments(message: &Message) -> String {
    let delivered = message.segments.delivered.count_ones();
    message.sent.map_or_else(String::new, |sent| format!("{delivered}/{}", sent.segments))
}

/// Returns the usual [`Timing`] with polling intervals multiplied by this factor.
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
        track::{MessageFailure, NumberBuf, Segments, Sent, State, TpStatus},
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
    fn outcomes_are_formatted() {
        assert_eq!(message(State::Delivered, 1).to_string(), "delivered, port 2");
        let mut sent = message(State::Sent, 3);
        assert_eq!(sent.to_string(), "sent, port 2, 1/3 segments");
        sent.ambiguous = true;
        assert_eq!(cells(&sent), ["sent", "2", "1/3", "ambiguous: a report may be another message's"]);
    }

    #[test]
    fn reasons_are_formatted() {
        let failed = |failure| {
            let mut message = message(State::Failed, 3);
            message.failure = Some(failure);
            message
        };
        let reported = failed(MessageFailure::Reported { segment: 1, status: 70 });
        assert_eq!(reported.to_string(), "failed: segment 2: status 70, validity expired");
        let refused = |code| failed(MessageFailure::Refused(code)).reason().to_string();
        assert_eq!(refused(500), "the gateway refused it: 500, other error");
        assert_eq!(refused(7), "the gateway refused it: 7");
        assert_eq!(TpStatus(130).to_string(), "status 130, reserved");
    }

    #[test]
    fn intervals_are_multiplied_by_the_factor() {
        let usual = Timing::default();
        assert_eq!(pace(1.0), usual);
        // These are the values in the help for --interval.
        assert_eq!((usual.results_every, usual.incoming), (Duration::from_secs(6), Duration::from_secs(10)));
        let fast = pace(0.001);
        assert_eq!((fast.first_result, fast.expire), (usual.first_result / 1000, usual.expire));
    }
}
