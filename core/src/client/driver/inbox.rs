//! Responses with incoming messages that were not read to their end.

use core::time::Duration;

use super::{Driver, MAX_RESPONSE_BYTES};
use crate::{
    call::QueryIncomingSms,
    client::Failure,
    track::{PageBreak, Token},
};

impl Driver<'_> {
    /// Takes the failure of a question for incoming messages, and the place at which its response became malformed. Returns whether
    /// the failure was handled, so that it does not count as an error of the gateway.
    pub(super) fn incoming_failed(
        &mut self,
        token: Token<QueryIncomingSms>,
        failure: &Failure,
        by: Option<PageBreak>,
        now: Duration,
    ) -> bool {
        match (failure, by) {
            (Failure::Malformed(_), Some(by)) => return !self.tracker.handle_broken(token, by, now),
            (Failure::TooLarge { .. }, _) if self.response_bytes < MAX_RESPONSE_BYTES => {
                self.accept_less(false);
                self.tracker.handle_cut(token, now);
            }
            _ => self.tracker.handle_lost(token, now),
        }
        false
    }
}
