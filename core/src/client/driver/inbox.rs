//! Responses with incoming messages that were not read to their end.

use core::time::Duration;

use super::{Driver, MAX_RESPONSE_BYTES};
use crate::{call::QueryIncomingSms, client::Failure, track::Token};

impl Driver<'_> {
    /// Takes the failure of a question for incoming messages. `broken` is the id of the record within which the response became
    /// malformed. Returns whether the failure is dealt with, so that it is not an error of the gateway's.
    pub(super) fn incoming_failed(
        &mut self,
        token: Token<QueryIncomingSms>,
        failure: Failure,
        broken: Option<i64>,
        now: Duration,
    ) -> bool {
        match (failure, broken) {
            (Failure::Malformed(_), Some(id)) => self.tracker.handle_unreadable(token, id, now),
            (Failure::TooLarge { .. }, _) if self.response_bytes < MAX_RESPONSE_BYTES => {
                self.accept_less(false);
                self.tracker.handle_cut(token, now);
            }
            _ => {
                self.tracker.handle_lost(token, now);
                return false;
            }
        }
        true
    }
}
