//! Whether the gateway answers.

use crate::client::Failure;

/// Whether the gateway answers the requests of a messenger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether any request has succeeded or failed yet.
    pub is_known: bool,
    /// Why the last request failed; `None` if it succeeded.
    pub failure: Option<Failure>,
    /// The number of requests that have failed in a row, including those that were not sent because the login is refused.
    pub failures: u32,
}

/// The change of the [`Health`] by a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthChange {
    /// Nothing worth reporting: requests succeed as before, or an error persists that only a person can remove.
    Nothing,
    /// Requests succeed again.
    Well,
    /// Requests have begun to fail, or fail for another reason that does not pass by itself.
    Failing,
    /// Another request has failed, for a reason that may pass.
    StillFailing,
}

impl Health {
    /// Takes the outcome of a request. With `is_renewed` the credentials have changed since the last one, so that the same
    /// error is news.
    pub(super) fn take(&mut self, failure: Option<Failure>, is_renewed: bool) -> HealthChange {
        self.is_known = true;
        let last = core::mem::replace(&mut self.failure, failure);
        self.failures = if failure.is_some() { self.failures.saturating_add(1) } else { 0 };
        match (last, failure) {
            (Some(_), None) => HealthChange::Well,
            (None, Some(_)) => HealthChange::Failing,
            (Some(_), Some(failure)) if failure.may_pass() => HealthChange::StillFailing,
            (Some(last), Some(failure)) if last != failure || is_renewed => HealthChange::Failing,
            _ => HealthChange::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_error_is_news_once_and_again_after_other_credentials() {
        let mut health = Health::default();
        assert!(!health.is_known);
        assert_eq!(health.take(None, false), HealthChange::Nothing);
        assert!(health.is_known);
        let refused = Some(Failure::LoginRefused);
        assert_eq!(health.take(refused, false), HealthChange::Failing);
        assert_eq!(health.take(refused, false), HealthChange::Nothing);
        assert_eq!(health.take(refused, true), HealthChange::Failing);
        assert_eq!(health.take(Some(Failure::BasicNotAllowed), false), HealthChange::Failing);
        assert_eq!(health.failures, 4);
        assert_eq!(health.take(None, false), HealthChange::Well);
        assert_eq!((health.failures, health.failure), (0, None));
    }

    #[test]
    fn each_error_that_may_pass_is_news() {
        let mut health = Health::default();
        let lost = Some(Failure::Http { status: 500, request_sent: true });
        assert_eq!(health.take(lost, false), HealthChange::Failing);
        assert_eq!(health.take(lost, false), HealthChange::StillFailing);
        assert_eq!(health.failures, 2);
    }
}
