//! USSD: distinguishes the reply to a code from the text that the port showed before the code was sent.

use core::time::Duration;

use super::Failure;
use crate::json::Text;

/// The limits of the wait for a USSD reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UssdWait {
    /// The time between two queries for the reply. Gateways need a few seconds.
    pub interval: Duration,
    /// The maximum duration of the whole wait.
    pub limit: Duration,
}

impl Default for UssdWait {
    /// Queries every 2 s for 30 s.
    fn default() -> Self {
        Self { interval: Duration::from_secs(2), limit: Duration::from_secs(30) }
    }
}

/// The schedule of the queries for a USSD reply.
#[derive(Clone, Copy, Debug)]
pub struct UssdPolls {
    interval: Duration,
    end: Duration,
}

impl UssdPolls {
    /// Creates the schedule for a code that was sent at `now`.
    pub const fn new(wait: UssdWait, now: Duration) -> Self {
        Self { interval: wait.interval, end: now.saturating_add(wait.limit) }
    }

    /// Returns the time of the next query. `None` if the limit has been reached.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        (now < self.end).then(|| now.saturating_add(self.interval).min(self.end))
    }

    /// Whether to query again after a failed query. A gateway that locks clients out is not queried again.
    pub fn may_go_on(&self, failure: &Failure, now: Duration) -> bool {
        failure.may_pass() && !failure.is_lock_out() && now < self.end
    }
}

/// A fingerprint of the text that one port shows: its length and a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trace {
    bytes: usize,
    hash: u64,
}

impl Trace {
    /// Returns the trace of a text. `None` for a blank text, which a port shows while it waits for a reply.
    fn of(text: Text<'_>) -> Option<Self> {
        match text {
            // Only the length of an overlong text is known.
            Text::TooLong { needed } => Some(Self { bytes: needed, hash: 0 }),
            text if text.as_str().trim().is_empty() => None,
            text => Some(Self { bytes: text.as_str().len(), hash: hash(text.as_str()) }),
        }
    }
}

/// Recognises the reply to a USSD code among the texts that one port shows.
///
/// A port shows its last reply until the next one arrives. So the old text, from before the code was sent, does not count as the
/// reply. After the port has shown a blank text, any text counts. If the old text is [unknown](Self::unknown), the first text that the
/// port shows after the code may be the old one, and counts as such.
#[derive(Clone, Copy, Debug, Default)]
pub struct UssdReplies {
    before: Option<Trace>,
    /// Whether the old text is unknown.
    is_unknown: bool,
}

impl UssdReplies {
    /// Starts with the text that the port showed before the code was sent.
    pub fn new(before: Text<'_>) -> Self {
        Self { before: Trace::of(before), is_unknown: false }
    }

    /// Starts without knowing the text that the port showed before the code was sent.
    pub const fn unknown() -> Self {
        Self { before: None, is_unknown: true }
    }

    /// Whether to send the code although the query for the old text failed.
    ///
    /// The code is sent if the gateway responded with an error, or if its response cannot be read. The gateway may still send codes then.
    /// The code is not sent if the login or the connection failed. HTTP 408 counts as a failed connection. HTTP 403 and 429 count as a
    /// failed login, because gateways lock clients out with them.
    pub const fn may_send_after(failure: &Failure) -> bool {
        match failure {
            Failure::Refused(_) | Failure::Malformed(_) => true,
            Failure::Http { status, request_sent } => {
                *request_sent && *status >= 400 && *status != 408 && !failure.is_lock_out()
            }
            _ => false,
        }
    }

    /// Takes the text that the port shows now. Returns whether it is the reply.
    pub fn take(&mut self, shown: Text<'_>) -> bool {
        let shown = Trace::of(shown);
        let is_reply = shown.is_some() && !self.is_unknown && shown != self.before;
        if shown.is_none() || self.is_unknown {
            // After a blank text, any text is new, even one that equals the old text.
            *self = Self { before: shown, is_unknown: false };
        }
        is_reply
    }

    /// Whether the port has shown the old text all the time. The result is meaningful only if no reply was recognised. The text may
    /// be the old reply, or a new reply that is the same.
    pub const fn is_unchanged(&self) -> bool {
        self.before.is_some()
    }
}

/// Returns the FNV-1a hash of a text.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_text_is_not_the_reply_until_the_port_has_shown_nothing() {
        let text = |text| Text::Exact(text);
        let mut replies = UssdReplies::new(text("old"));
        assert!(!replies.take(text("old")));
        assert!(replies.is_unchanged());
        assert!(replies.take(text("new")));
        for blank in [Text::Missing, text(" ")] {
            let mut replies = UssdReplies::new(text("old"));
            assert!(!replies.take(blank));
            assert!(!replies.is_unchanged());
            assert!(replies.take(text("old")));
        }
        assert!(UssdReplies::new(Text::Missing).take(text("first")));
    }

    #[test]
    fn the_first_text_may_be_old_if_the_text_before_is_unknown() {
        let text = |text| Text::Exact(text);
        let mut replies = UssdReplies::unknown();
        assert!(!replies.is_unchanged());
        assert!(!replies.take(text("first")));
        assert!(replies.is_unchanged() && !replies.take(text("first")));
        assert!(replies.take(text("second")));
        let mut replies = UssdReplies::unknown();
        assert!(!replies.take(text(" ")));
        assert!(!replies.is_unchanged() && replies.take(text("first")));
    }

    #[test]
    fn an_overlong_text_is_told_from_others_by_its_length() {
        let mut replies = UssdReplies::new(Text::TooLong { needed: 900 });
        assert!(!replies.take(Text::TooLong { needed: 900 }));
        assert!(replies.take(Text::TooLong { needed: 901 }));
    }

    #[test]
    fn questions_end_with_the_limit() {
        let second = Duration::from_secs;
        let wait = UssdWait { interval: second(2), limit: second(5) };
        let polls = UssdPolls::new(wait, second(10));
        assert_eq!(polls.next(second(10)), Some(second(12)));
        assert_eq!(polls.next(second(14)), Some(second(15)));
        assert_eq!(polls.next(second(15)), None);
        let lost = Failure::Http { status: 500, request_sent: true };
        assert!(polls.may_go_on(&lost, second(14)));
        assert!(!polls.may_go_on(&lost, second(15)));
        assert!(!polls.may_go_on(&Failure::LoginRefused, second(14)));
        for status in [403, 429] {
            assert!(!polls.may_go_on(&Failure::Http { status, request_sent: true }, second(14)));
        }
    }
}
