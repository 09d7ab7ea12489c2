//! A USSD code on one port: when to query for its reply, and its outcome.

use core::{fmt, time::Duration};

use super::{Buffer, Failure, UssdPolls, UssdReplies, UssdWait};
use crate::{
    Port,
    call::{UssdOutcome, UssdReply, UssdStatus},
    json::Text,
    writer::copy,
};

/// The outcome of a USSD code on one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ussd<S> {
    /// The network's reply.
    Reply(S),
    /// The port showed this text before the code was sent, and still shows it. The text may be the old reply, or a new reply that is
    /// the same. If the query before the code failed, the port has shown this text since the first query after the code. The text may
    /// then be the old reply or the new one.
    Unchanged(S),
    /// No reply arrived within the limit.
    NoReply,
    /// The port did not send the code.
    NotSent(UssdOutcome),
    /// The response to send_ussd does not state whether the port sent the code.
    Untold,
}

/// Sends a USSD code on one port and recognises its reply, without I/O.
///
/// # Order of calls
/// 1. Query the text that the port shows. Call [`begin_reading`](Self::begin_reading), hand each record to
///    [`take_reply`](Self::take_reply), and call [`end_reading`](Self::end_reading). If the query fails, go on only if
///    [`UssdReplies::may_send_after`] allows it.
/// 2. Send the code, and hand each record of the response to [`take_status`](Self::take_status). Call
///    [`sent`](Self::sent).
/// 3. While [`next_query`](Self::next_query) returns a time, wait until then and repeat the first step. If the query fails, go on
///    only if [`may_go_on`](Self::may_go_on) allows it.
/// 4. [`outcome`](Self::outcome) returns the result.
pub struct UssdDialog<'b> {
    port: Port,
    replies: UssdReplies,
    outcome: Option<UssdOutcome>,
    polls: Option<UssdPolls>,
    /// Whether the current query_ussd_reply response mentions the port.
    is_mentioned: bool,
    /// Whether the reply has arrived.
    has_reply: bool,
    /// The memory for the last text.
    buffer: &'b mut [u8],
    /// The length of the last text, or the reason why that text is not in the buffer.
    length: Result<usize, Failure>,
}

impl<'b> UssdDialog<'b> {
    /// Creates a dialog on `port`. The reply is written into `buffer`.
    pub const fn new(port: Port, buffer: &'b mut [u8]) -> Self {
        Self {
            port,
            replies: UssdReplies::unknown(),
            outcome: None,
            polls: None,
            is_mentioned: false,
            has_reply: false,
            buffer,
            length: Ok(0),
        }
    }

    /// Returns the port.
    pub const fn port(&self) -> Port {
        self.port
    }

    /// Begins a response to query_ussd_reply.
    pub const fn begin_reading(&mut self) {
        self.is_mentioned = false;
    }

    /// Takes a record of query_ussd_reply.
    pub fn take_reply(&mut self, reply: &UssdReply<'_>) {
        if reply.port.get() == Some(self.port.get().into()) {
            self.is_mentioned = true;
            self.take(reply.text);
        }
    }

    /// Ends a response to query_ussd_reply. If the response did not mention the port, the port shows no text.
    pub fn end_reading(&mut self) {
        if !self.is_mentioned {
            self.take(Text::Missing);
        }
    }

    fn take(&mut self, text: Text<'_>) {
        // A reply that has arrived stays in the buffer.
        if self.has_reply {
            return;
        }
        self.length = self.copy(text);
        self.has_reply = self.replies.take(text);
    }

    fn copy(&mut self, text: Text<'_>) -> Result<usize, Failure> {
        if let Text::TooLong { needed } = text {
            return Err(Failure::TooSmall { buffer: Buffer::Record, needed });
        }
        let needed = text.as_str().len();
        let space = self.buffer.get_mut(..needed);
        let space = space.ok_or(Failure::TooSmall { buffer: Buffer::Lent, needed })?;
        copy(space, text.as_str().as_bytes());
        Ok(needed)
    }

    /// Takes a record of send_ussd.
    pub fn take_status(&mut self, status: &UssdStatus<'_>) {
        if status.port.get() == Some(self.port.get().into()) {
            self.outcome = status.status.get();
        }
    }

    /// Starts the wait for the reply. Call this method after the response to send_ussd.
    pub const fn sent(&mut self, wait: UssdWait, now: Duration) {
        self.polls = Some(UssdPolls::new(wait, now));
    }

    /// Returns the time of the next query. `None` if the outcome is known.
    pub fn next_query(&self, now: Duration) -> Option<Duration> {
        if self.has_reply || self.outcome != Some(UssdOutcome::Sent) {
            return None;
        }
        self.polls.as_ref()?.next(now)
    }

    /// Whether to query again after a failed query.
    pub fn may_go_on(&self, failure: &Failure, now: Duration) -> bool {
        self.polls.is_some_and(|polls| polls.may_go_on(failure, now))
    }

    /// Returns the outcome.
    ///
    /// # Errors
    /// [`Failure::TooSmall`] if the text did not fit the buffer.
    pub fn outcome(self) -> Result<Ussd<&'b str>, Failure> {
        let is_unchanged = self.replies.is_unchanged();
        match self.outcome {
            None => Ok(Ussd::Untold),
            Some(UssdOutcome::Sent) if self.has_reply => self.text().map(Ussd::Reply),
            Some(UssdOutcome::Sent) if is_unchanged => self.text().map(Ussd::Unchanged),
            Some(UssdOutcome::Sent) => Ok(Ussd::NoReply),
            Some(outcome) => Ok(Ussd::NotSent(outcome)),
        }
    }

    fn text(self) -> Result<&'b str, Failure> {
        let text = self.buffer.get(..self.length?).unwrap_or_default();
        Ok(core::str::from_utf8(text).unwrap_or_default())
    }
}

/// Shows nothing of the texts.
impl fmt::Debug for UssdDialog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UssdDialog").field("port", &self.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Field;

    const SECOND: Duration = Duration::from_secs(1);

    fn read(dialog: &mut UssdDialog<'_>, shown: &[(u32, &str)]) {
        dialog.begin_reading();
        for &(port, text) in shown {
            dialog.take_reply(&UssdReply { port: Field::Known(port), text: Text::Exact(text) });
        }
        dialog.end_reading();
    }

    fn send(dialog: &mut UssdDialog<'_>, status: UssdOutcome) {
        dialog.take_status(&UssdStatus { port: Field::Known(3), status: Field::Known(status) });
        dialog.sent(UssdWait::default(), Duration::ZERO);
    }

    fn dialog(buffer: &mut [u8]) -> UssdDialog<'_> {
        UssdDialog::new(Port::new(3).unwrap(), buffer)
    }

    #[test]
    fn a_new_text_of_the_port_is_the_reply() {
        let mut buffer = [0; 16];
        let mut dialog = dialog(&mut buffer);
        read(&mut dialog, &[(3, "old")]);
        send(&mut dialog, UssdOutcome::Sent);
        assert_eq!(dialog.next_query(Duration::ZERO), Some(2 * SECOND));
        read(&mut dialog, &[(2, "other"), (3, "old")]);
        assert!(dialog.next_query(2 * SECOND).is_some());
        read(&mut dialog, &[(3, "new")]);
        assert_eq!(dialog.next_query(4 * SECOND), None);
        assert_eq!(dialog.outcome(), Ok(Ussd::Reply("new")));
    }

    #[test]
    fn an_old_text_without_a_new_one_is_unchanged() {
        let mut buffer = [0; 16];
        let mut dialog = dialog(&mut buffer);
        read(&mut dialog, &[(3, "old")]);
        send(&mut dialog, UssdOutcome::Sent);
        read(&mut dialog, &[(3, "old")]);
        assert_eq!(dialog.next_query(30 * SECOND), None);
        assert_eq!(dialog.outcome(), Ok(Ussd::Unchanged("old")));
    }

    #[test]
    fn the_first_text_after_a_refused_query_may_be_old() {
        let mut buffer = [0; 16];
        let mut same = dialog(&mut buffer);
        // The response breaks off before the port.
        same.begin_reading();
        same.take_reply(&UssdReply { port: Field::Known(2), text: Text::Exact("other") });
        send(&mut same, UssdOutcome::Sent);
        read(&mut same, &[(3, "text")]);
        assert!(same.next_query(2 * SECOND).is_some());
        assert_eq!(same.outcome(), Ok(Ussd::Unchanged("text")));
        let mut other = dialog(&mut buffer);
        send(&mut other, UssdOutcome::Sent);
        read(&mut other, &[(3, "text")]);
        read(&mut other, &[(3, "new")]);
        assert_eq!(other.outcome(), Ok(Ussd::Reply("new")));
        let mut silent = dialog(&mut buffer);
        send(&mut silent, UssdOutcome::Sent);
        assert_eq!(silent.outcome(), Ok(Ussd::NoReply));
    }

    #[test]
    fn a_code_that_was_not_sent_has_no_wait() {
        let mut buffer = [0; 16];
        let mut refused = dialog(&mut buffer);
        read(&mut refused, &[]);
        send(&mut refused, UssdOutcome::Busy);
        assert_eq!(refused.next_query(Duration::ZERO), None);
        assert_eq!(refused.outcome(), Ok(Ussd::NotSent(UssdOutcome::Busy)));
        let mut other = dialog(&mut buffer);
        read(&mut other, &[]);
        other.sent(UssdWait::default(), Duration::ZERO);
        assert_eq!(other.next_query(Duration::ZERO), None);
        assert_eq!(other.outcome(), Ok(Ussd::Untold));
    }

    #[test]
    fn a_reply_that_does_not_fit_is_an_error() {
        let mut buffer = [0; 2];
        let mut dialog = dialog(&mut buffer);
        read(&mut dialog, &[]);
        send(&mut dialog, UssdOutcome::Sent);
        read(&mut dialog, &[(3, "long")]);
        assert_eq!(dialog.outcome(), Err(Failure::TooSmall { buffer: Buffer::Lent, needed: 4 }));
    }
}
