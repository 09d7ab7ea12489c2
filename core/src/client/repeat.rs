//! The requests that may be repeated, in one place: after a broken connection, after a refused login, and after a refused or lost
//! submission.
//!
//! A request that reaches the gateway twice sends a message twice. So each repetition needs a reason why the gateway cannot
//! have done what the first request asked, or why doing it twice is harmless:
//!
//! | observed | meaning | action |
//! |---|---|---|
//! | no byte of the request was written to a kept connection | not received | the same bytes again on a new connection, once |
//! | a kept connection broke without a byte of the response, and the call changes nothing | perhaps received, harmless | sent again with a new nonce count, once |
//! | the same while the challenge is fetched | harmless | the same bytes again on a new connection, once |
//! | 401 | not accepted | sent again with an answer to the new challenge, at most [`MAX_SENDINGS`] times in all |
//! | no byte of the request was written to a new connection | not received | [`Failure::Unreachable`] |
//! | anything else while the challenge is fetched | the call was not sent | [`Failure::ChallengeLost`] |
//! | a broken connection otherwise | unknown | [`Failure::Lost`]; the caller decides |
//! | 3xx, 4xx other than 401 | not accepted | [`Failure::Redirect`], [`Failure::Http`] |
//! | 1xx other than an interim response, 5xx | unknown | [`Failure::Http`]; the caller decides |
//!
//! A submission that failed may be repeated by its messages, see [`Submission::of`]:
//!
//! | observed | meaning | action |
//! |---|---|---|
//! | error_code 550 | not accepted, may pass | submitted again later, until they expire |
//! | error_code 401, 403, 408, 429; HTTP 4xx other than 400 and 413 | not accepted, the login or the gateway is at fault | submitted again after a back-off, never divided |
//! | error_code 500, HTTP 5xx | probably not accepted | looked up; submitted again in halves if the gateway certainly does not have them |
//! | any other error_code, HTTP 400 and 413 | not accepted, one of them or their number is at fault | divided until the message at fault stands alone |
//! | no response, an unreadable one, or one without an error_code | unknown | looked up |
//!
//! So every call ends. It is sent with at most [`MAX_SENDINGS`] different values of `Authorization`. Before each of these a
//! challenge is fetched at most once, and each of the two requests may go out once more if no byte of it was written. That
//! makes at most 12 exchanges. A call that changes nothing may meet a stale connection once for each `Authorization`, which
//! doubles this to 24 exchanges.
//!
//! [`Submission::of`] decides what a failed submission means for its messages.

use super::{Cause, Failure};
use crate::http::login::Login;

/// The maximum number of different `Authorization` values with which a call is sent.
const MAX_SENDINGS: u8 = 3;

/// The next step of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// Read the body: the gateway accepted the request.
    Read,
    /// Write the next request with `Session::write`, and send it: the call with a new `Authorization`, or the probe.
    Send,
    /// Send the same bytes once more, on a new connection.
    Resend,
}

/// How a connection broke before the head of the response was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// How far the exchange had come.
    pub loss: Loss,
    /// Why it broke.
    pub cause: Cause,
}

impl Broken {
    /// The connection could not be opened.
    pub const fn unopened(cause: Cause) -> Self {
        Self { loss: Loss::Unsent { kept: false }, cause }
    }

    /// The exchange broke on an open connection, at this point.
    pub const fn during(progress: Progress, cause: Cause) -> Self {
        let loss = match (progress, cause) {
            // Bytes that were being written when a time limit expired may have been sent.
            (_, Cause::TimedOut { .. }) => Loss::Lost,
            (Progress { has_written: false, is_kept, .. }, _) => Loss::Unsent { kept: is_kept },
            (Progress { is_kept: true, has_read: false, .. }, _) => Loss::Stale,
            _ => Loss::Lost,
        };
        Self { loss, cause }
    }
}

/// The point that an exchange on an open connection had reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whether the connection was kept from an earlier exchange.
    pub is_kept: bool,
    /// Whether a byte of the request was written.
    pub has_written: bool,
    /// Whether a byte of the response was read.
    pub has_read: bool,
}

/// How far an exchange had come when it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// No byte of the request was written.
    Unsent {
        /// Whether the connection was kept from an earlier exchange, so that the gateway may have closed it since.
        kept: bool,
    },
    /// The connection was kept from an earlier exchange, and no byte of the response arrived. The gateway may have closed
    /// the connection before the request reached it.
    Stale,
    /// Part of the request was written, perhaps all of it.
    Lost,
}

/// The consequence of a failed send_sms for its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submission {
    /// The gateway may have accepted them: they are looked up.
    Unknown,
    /// The gateway refused them with this error_code, or HTTP status.
    Refused(u32),
    /// The gateway has probably not accepted them: they are looked up, and submitted again if that proves it.
    Unclear,
    /// The request did not reach the gateway, or the login is at fault: they are sent later.
    NotSent,
}

impl Submission {
    pub(super) const fn of(failure: &Failure) -> Self {
        let code = match failure {
            Failure::Refused(refusal) => refusal.code,
            Failure::Http { status: 500..=599, request_sent: true } => Some(500),
            Failure::Http { status: status @ (400 | 413), request_sent: true } => Some(*status as u32),
            _ => None,
        };
        match code {
            Some(500) => Self::Unclear,
            Some(401 | 403 | 408 | 429) => Self::NotSent,
            Some(code) => Self::Refused(code),
            None if failure.may_have_arrived() => Self::Unknown,
            None => Self::NotSent,
        }
    }
}

/// The request that is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    Nothing,
    Probe,
    Call { is_authorized: bool },
}

/// The progress of one call, and the repetitions that it has left.
pub(super) struct Attempt {
    sending: Sending,
    /// The call changes nothing at the gateway.
    is_repeatable: bool,
    sendings_left: u8,
    /// The number of times that the call may be sent again after a stale connection.
    repeats_left: u8,
    /// The number of times that the same bytes may be sent again.
    resends_left: u8,
    /// A challenge has been fetched for the request that is due.
    has_probed: bool,
}

impl Attempt {
    pub(super) const fn new() -> Self {
        Self {
            sending: Sending::Nothing,
            is_repeatable: false,
            sendings_left: 0,
            repeats_left: 0,
            resends_left: 0,
            has_probed: false,
        }
    }

    pub(super) const fn begin(&mut self, is_repeatable: bool) {
        *self = Self { is_repeatable, sendings_left: MAX_SENDINGS, ..Self::new() };
        self.renew_repeats();
    }

    const fn renew_repeats(&mut self) {
        self.repeats_left = if self.is_repeatable { 1 } else { 0 };
    }

    /// A challenge that has just been fetched is not fetched again.
    pub(super) const fn may_probe(&self) -> bool {
        !self.has_probed
    }

    /// Whether a probe must show that the gateway responds before the request is sent, if that is doubtful.
    pub(super) const fn may_prove(&self) -> bool {
        !self.is_repeatable && self.may_probe()
    }

    pub(super) const fn probe(&mut self) {
        (self.sending, self.resends_left, self.has_probed) = (Sending::Probe, 1, true);
    }

    pub(super) const fn call(&mut self, is_authorized: bool) {
        (self.sending, self.resends_left) = (Sending::Call { is_authorized }, 1);
    }

    pub(super) const fn is_probing(&self) -> bool {
        matches!(self.sending, Sending::Probe)
    }

    /// Whether the request that is due changes nothing at the gateway.
    pub(super) const fn is_harmless(&self) -> bool {
        self.is_repeatable || self.is_probing()
    }

    pub(super) const fn is_authorized(&self) -> bool {
        matches!(self.sending, Sending::Call { is_authorized: true })
    }

    /// Decides whether a request that was answered with 401 is sent again, now that the login has learnt from it.
    pub(super) fn unauthorized<B: AsRef<[u8]> + AsMut<[u8]>>(
        &mut self,
        login: &mut Login<B>,
    ) -> Result<Next, Failure> {
        if !self.is_probing() {
            self.sendings_left = self.sendings_left.saturating_sub(1);
            if self.sendings_left == 0 {
                return Err(login.give_up().into());
            }
            self.renew_repeats();
            self.has_probed = false;
        }
        Ok(Next::Send)
    }

    pub(super) fn lost(&mut self, broken: Broken) -> Result<Next, Failure> {
        let Broken { loss, cause } = broken;
        match (loss, self.sending) {
            (Loss::Unsent { kept: true }, _) | (Loss::Stale, Sending::Probe)
                if take_one(&mut self.resends_left) =>
            {
                Ok(Next::Resend)
            }
            (Loss::Unsent { .. }, _) => Err(Failure::Unreachable(cause)),
            (Loss::Stale, Sending::Call { .. }) if take_one(&mut self.repeats_left) => {
                self.has_probed = false;
                Ok(Next::Send)
            }
            (_, Sending::Probe) => Err(Failure::ChallengeLost(cause)),
            _ => Err(Failure::Lost(cause)),
        }
    }
}

/// Takes one of what is left; `false` if nothing is.
const fn take_one(left: &mut u8) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Wait;
    use core::time::Duration;

    #[test]
    fn only_an_exchange_without_a_written_byte_counts_as_unsent() {
        let timed_out = Cause::TimedOut { wait: Wait::Response, limit: Duration::ZERO };
        for bits in 0..8 {
            let [is_kept, has_written, has_read] = [1, 2, 4].map(|bit| bits & bit != 0);
            let progress = Progress { is_kept, has_written, has_read };
            let expected = match (is_kept, has_written, has_read) {
                (kept, false, _) => Loss::Unsent { kept },
                (true, true, false) => Loss::Stale,
                _ => Loss::Lost,
            };
            assert_eq!(Broken::during(progress, Cause::Transport).loss, expected, "{progress:?}");
            assert_eq!(Broken::during(progress, timed_out).loss, Loss::Lost, "{progress:?}");
            assert_eq!(Broken::unopened(timed_out).loss, Loss::Unsent { kept: false });
        }
    }

    #[test]
    fn each_failed_submission_has_its_meaning() {
        let refused = |code| Failure::Refused(crate::call::Refusal { call: "", code, meaning: "" });
        let http = |status| Failure::Http { status, request_sent: true };
        for (failure, meaning) in [
            (refused(Some(400)), Submission::Refused(400)),
            (refused(Some(413)), Submission::Refused(413)),
            (refused(Some(550)), Submission::Refused(550)),
            (refused(Some(486)), Submission::Refused(486)),
            (http(400), Submission::Refused(400)),
            (http(413), Submission::Refused(413)),
            (refused(Some(500)), Submission::Unclear),
            (http(500), Submission::Unclear),
            (http(550), Submission::Unclear),
            (http(599), Submission::Unclear),
            (refused(None), Submission::Unknown),
            (http(199), Submission::Unknown),
            (http(600), Submission::Unknown),
            (Failure::Lost(Cause::Transport), Submission::Unknown),
            (Failure::Http { status: 500, request_sent: false }, Submission::NotSent),
            (Failure::Http { status: 400, request_sent: false }, Submission::NotSent),
            (Failure::Unreachable(Cause::Transport), Submission::NotSent),
        ] {
            assert_eq!(Submission::of(&failure), meaning, "{failure:?}");
        }
        for status in [401, 403, 408, 429] {
            assert_eq!(Submission::of(&refused(Some(status.into()))), Submission::NotSent);
            assert_eq!(Submission::of(&http(status)), Submission::NotSent);
        }
        assert_eq!(Submission::of(&http(404)), Submission::NotSent);
    }
}
