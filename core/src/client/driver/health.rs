//! The health of a gateway, judged by the outcomes of requests.

use crate::client::Failure;

/// The health of a gateway: whether a messenger's requests succeed.
///
/// If the gateway refuses a request, this kind of request (for example, queries for results) counts as failing. It does so until a
/// request of this kind succeeds, or until many requests of other kinds have succeeded since its last failure. So a gateway that returns
/// incoming messages but refuses all queries for results is not healthy. Any other failure concerns the gateway as a whole, and ends with
/// the next success or refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether any request has succeeded or failed yet.
    pub is_known: bool,
    /// The failure of the gateway as a whole if there is one, otherwise that of one kind of request. `None` if nothing fails.
    pub failure: Option<Failure>,
    /// The number of consecutive failures, of which `failure` is the latest. All concern the same kind of request, or the gateway
    /// as a whole. Requests that are not sent because the login is refused count, too.
    pub failures: u32,
}

/// The change of [`Health`] after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthChange {
    /// Nothing worth reporting: for example, requests still succeed, or still fail for a reason that only a person can remove.
    Nothing,
    /// Requests succeed again.
    Well,
    /// Requests have begun to fail. Or they keep failing, and either the reason is new and does not pass by itself, or the credentials are
    /// new and the same error is reported again.
    Failing,
    /// Another request has failed, for a reason that may pass by itself.
    StillFailing,
}

/// The kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Submit = 1,
    Results,
    Reports,
    Queue,
    Incoming,
    Stop,
}

/// The number of kinds, plus one for the gateway as a whole.
const KINDS: usize = 7;

/// The failure of one kind of request ends when more than this number of requests of other kinds have succeeded since. If requests of
/// the failing kind are still being sent, the next of them is sent before this number is reached.
const FORGOTTEN_AFTER: u8 = 16;

/// Consecutive failures of one kind, and the successes of other kinds since the last failure.
#[derive(Clone, Copy)]
struct Failing {
    /// The latest failure. If `None`, `count` and `others` are meaningless.
    failure: Option<Failure>,
    count: u32,
    others: u8,
}

/// Counts failures by kind, and summarizes them as [`Health`].
pub(super) struct Monitor {
    health: Health,
    kinds: [Failing; KINDS],
}

impl Monitor {
    // A function, because a constant that is not all zeros would be copied from flash.
    pub(super) const fn new() -> Self {
        let none = Failing { failure: None, count: 0, others: 0 };
        Self { health: Health { is_known: false, failure: None, failures: 0 }, kinds: [none; KINDS] }
    }

    pub(super) const fn health(&self) -> &Health {
        &self.health
    }

    /// Records the outcome of a request. `is_renewed` means that the credentials have changed since the last request, so that
    /// the same error is reported again.
    pub(super) fn take(&mut self, kind: Kind, failure: Option<&Failure>, is_renewed: bool) -> HealthChange {
        let is_whole = failure.is_some_and(|failure| !failure.is_refusal());
        let own = if is_whole { 0 } else { kind as usize };
        let last = self.health.failure;
        (self.health.is_known, self.health.failure, self.health.failures) = (true, None, 0);
        for (index, kind) in self.kinds.iter_mut().enumerate() {
            kind.take((index == own, index == 0 && !is_whole), failure);
            if kind.failure.is_some() && self.health.failure.is_none() {
                kind.show(&mut self.health);
            }
        }
        match (&last, &self.health.failure) {
            (Some(_), None) => HealthChange::Well,
            (None, Some(_)) => HealthChange::Failing,
            (Some(_), Some(shown)) if failure.is_some() && shown.may_pass() => HealthChange::StillFailing,
            (Some(last), Some(shown)) if !last.has_reason_of(shown) || is_renewed => HealthChange::Failing,
            _ => HealthChange::Nothing,
        }
    }
}

impl Failing {
    // A function of its own, so that the compiler knows that `self` and `health` do not overlap. If they could,
    // the copy would link `memmove`.
    fn show(&self, health: &mut Health) {
        (health.failure, health.failures) = (self.failure, self.count);
    }

    /// Records the outcome of a request. `is_own` means that the outcome belongs to the kind that `self` counts. `is_over` means that
    /// `self` is the failure of the gateway as a whole, and that a response has ended it.
    fn take(&mut self, (is_own, is_over): (bool, bool), failure: Option<&Failure>) {
        match failure {
            Some(failure) if is_own => {
                let count = if self.failure.is_some() { self.count } else { 0 };
                *self = Self { failure: Some(*failure), count: count.saturating_add(1), others: 0 };
            }
            Some(_) if !is_over => {}
            None if !is_own && !is_over && self.others < FORGOTTEN_AFTER => {
                self.others = self.others.saturating_add(1);
            }
            _ => self.failure = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Refusal;

    const REFUSED: Option<Failure> =
        Some(Failure::Refused(Refusal { call: "query", code: Some(500), meaning: "other error" }));

    #[test]
    fn a_lasting_error_is_news_once_and_again_after_other_credentials() {
        let mut monitor = Monitor::new();
        let mut take =
            |failure: Option<Failure>, is_renewed| monitor.take(Kind::Results, failure.as_ref(), is_renewed);
        assert_eq!(take(None, false), HealthChange::Nothing);
        let refused = Some(Failure::LoginRefused);
        assert_eq!(take(refused, false), HealthChange::Failing);
        assert_eq!(take(refused, false), HealthChange::Nothing);
        assert_eq!(take(refused, true), HealthChange::Failing);
        assert_eq!(take(Some(Failure::BasicNotAllowed), false), HealthChange::Failing);
        assert_eq!(monitor.health().failures, 4);
        assert_eq!(monitor.take(Kind::Queue, None, false), HealthChange::Well);
        assert_eq!(*monitor.health(), Health { is_known: true, failure: None, failures: 0 });
    }

    #[test]
    fn each_error_that_may_pass_is_news() {
        let mut monitor = Monitor::new();
        assert!(!monitor.health().is_known);
        let lost = Some(Failure::Http { status: 500, request_sent: true });
        assert_eq!(monitor.take(Kind::Submit, lost.as_ref(), false), HealthChange::Failing);
        assert_eq!(monitor.take(Kind::Submit, lost.as_ref(), false), HealthChange::StillFailing);
        assert_eq!(monitor.health().failures, 2);
    }

    #[test]
    fn refusals_of_one_kind_outlast_successes_of_another() {
        let mut monitor = Monitor::new();
        for count in 1..=11 {
            let _ = monitor.take(Kind::Results, REFUSED.as_ref(), false);
            assert_eq!(monitor.take(Kind::Incoming, None, false), HealthChange::Nothing);
            assert_eq!((monitor.health().failure, monitor.health().failures), (REFUSED, count));
        }
        assert_eq!(monitor.take(Kind::Results, None, false), HealthChange::Well);
        assert_eq!(monitor.health().failure, None);
    }

    #[test]
    fn a_kind_that_is_not_asked_any_more_is_forgotten() {
        let mut monitor = Monitor::new();
        let _ = monitor.take(Kind::Queue, REFUSED.as_ref(), false);
        for _ in 0..FORGOTTEN_AFTER {
            assert_eq!(monitor.take(Kind::Incoming, None, false), HealthChange::Nothing);
        }
        assert_eq!(monitor.take(Kind::Incoming, None, false), HealthChange::Well);
    }

    #[test]
    fn a_response_ends_the_failure_of_the_whole_and_shows_that_of_a_kind_again() {
        let mut monitor = Monitor::new();
        let _ = monitor.take(Kind::Reports, REFUSED.as_ref(), false);
        let unread = Some(Failure::Unread);
        assert_eq!(monitor.take(Kind::Incoming, unread.as_ref(), false), HealthChange::StillFailing);
        assert_eq!(monitor.health().failure, unread);
        assert_eq!(monitor.take(Kind::Incoming, None, false), HealthChange::Failing);
        assert_eq!((monitor.health().failure, monitor.health().failures), (REFUSED, 1));
    }
}
