//! The rules for repeating requests: after a broken connection, after a refused login, and after a refused or lost submission.
//!
//! If a submission reaches the gateway twice, its messages are sent twice. So a request is repeated only if the gateway cannot have
//! carried out the first one, or if carrying it out twice is harmless:
//!
//! | observed | meaning | action |
//! |---|---|---|
//! | no byte of the request was written to a kept connection | not received | the same bytes again on a new connection, once |
//! | a stale connection ([`Loss::Stale`]); the call changes nothing | perhaps received, harmless | sent again once with a new nonce count |
//! | a stale connection while the challenge is fetched | harmless | the same bytes again on a new connection, once |
//! | 401 | not accepted | sent again with credentials for the new challenge, at most [`MAX_SENDINGS`] times in all |
//! | no byte of the request was written to a new connection | not received | [`Failure::Unreachable`] |
//! | any other broken connection while the challenge is fetched | the call was not sent | [`Failure::ChallengeLost`] |
//! | any other broken connection | unknown | [`Failure::Lost`]; the caller decides |
//! | 3xx, 4xx other than 401 | not accepted | [`Failure::Redirect`], [`Failure::Http`] |
//! | 101 (every other 1xx is skipped), 5xx | unknown | [`Failure::Http`]; the caller decides |
//!
//! After a failed submission, its messages may be submitted again. [`Submission::of`] decides:
//!
//! | observed | meaning | action |
//! |---|---|---|
//! | error_code 550 | not accepted, but only for now | submitted again later, until the messages expire |
//! | error_code 401, 403, 408, 429; HTTP 4xx except 400, 413 | not accepted: login or gateway at fault | resubmitted whole after back-off |
//! | error_code 500, HTTP 5xx | probably not accepted | gateway is queried; submitted again in halves if certainly not there |
//! | any other error_code; HTTP 400, 413 | not accepted: a message is at fault, or too many | divided until the message at fault is alone |
//! | no response, an unreadable response, or one without an error_code | unknown | gateway is queried |
//!
//! Every call ends after a limited number of exchanges. It is sent with at most [`MAX_SENDINGS`] different values of `Authorization`.
//! For each of these values, at most one probe is sent first. The bytes of each probe and each call may be sent once more. That makes
//! at most 12 exchanges. A call that changes nothing may also meet a stale connection once for each `Authorization`, which doubles
//! the maximum to 24.

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

/// The loss of a connection before the head of the response was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// How far the exchange had got.
    pub loss: Loss,
    /// The reason for the loss.
    pub cause: Cause,
}

impl Broken {
    /// The connection could not be opened.
    pub const fn unopened(cause: Cause) -> Self {
        Self { loss: Loss::Unsent { kept: false }, cause }
    }

    /// An open connection broke when the exchange had made this progress.
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

/// The progress of an exchange at the time when its connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whether the connection was kept from an earlier exchange.
    pub is_kept: bool,
    /// Whether a byte of the request was written.
    pub has_written: bool,
    /// Whether a byte of the response was read.
    pub has_read: bool,
}

/// How far an exchange had got when its connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// No byte of the request was written.
    Unsent {
        /// Whether the connection was kept from an earlier exchange. The gateway may have closed it since.
        kept: bool,
    },
    /// The connection was kept from an earlier exchange, and no byte of the response arrived. The gateway may have closed
    /// the connection before the request reached it.
    Stale,
    /// Part or all of the request may have been written.
    Lost,
}

/// The consequence of a failed send_sms for its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submission {
    /// The gateway may have accepted the messages. It is queried for them.
    Unknown,
    /// The gateway refused the messages with this error_code or HTTP status.
    Refused(u32),
    /// The gateway has probably not accepted the messages. It is queried for them. Messages that it does not have are submitted again.
    Unclear,
    /// The request did not reach the gateway, or the login or the gateway is at fault. The messages are submitted later.
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

/// The request in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    Nothing,
    Probe,
    Call { is_authorized: bool },
}

/// The progress of one call, and its remaining repetitions.
pub(super) struct Attempt {
    sending: Sending,
    /// Whether the call changes nothing at the gateway.
    is_repeatable: bool,
    sendings_left: u8,
    /// The number of times that the call may be sent again after a stale connection.
    repeats_left: u8,
    /// The number of times that the same bytes may be sent again.
    resends_left: u8,
    /// Whether a probe was already sent ahead of this sending of the call.
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

    /// Whether a probe may be sent: at most one ahead of each sending of the call.
    pub(super) const fn may_probe(&self) -> bool {
        !self.has_probed
    }

    /// Whether a probe must come before the request if it is doubtful that the gateway responds.
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

    /// Decides whether a request is sent again after a 401 response, which the login has already handled.
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

/// Decrements `left`. Returns `false` if it was 0 already.
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
