//! Handling of query_incoming_sms responses that were not read to their end.

use core::time::Duration;

use super::{Driver, MAX_RESPONSE_BYTES};
use crate::{
    call::QueryIncomingSms,
    client::Failure,
    track::{PageBreak, Token},
};

impl Driver<'_> {
    /// Handles the failure of a query for incoming messages. `by` is the position at which its response became malformed. Returns
    /// whether the client can get past that position. If so, the failure does not affect the gateway's health.
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
