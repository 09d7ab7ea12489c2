//! SIM cards whose messages fail.
//!
//! A card that has failed [`MAX_FAILURES`] times in a row gets no message for [`QUARANTINE`]. Then it gets one, the probe: if that is sent,
//! the card is in use again, and otherwise the next quarantine begins. A card is known by its ICCID, so its failures follow it to another
//! port or gateway. They are forgotten when the server ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The number of consecutive failures after which a card is quarantined.
const MAX_FAILURES: u32 = 5;

/// The time of a quarantine, and the time for the outcome of a probe.
const QUARANTINE: Duration = Duration::from_secs(10 * 60);

/// The cards that have failed. Clones share them.
#[derive(Clone, Default)]
pub struct Sims(Arc<Mutex<HashMap<Box<str>, Failures>>>);

#[derive(Default)]
struct Failures {
    in_a_row: u32,
    /// The end of the quarantine, or of the wait for the probe's outcome.
    until: Option<Instant>,
}

/// What a card may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimUse {
    /// Any message.
    Any,
    /// One message, the probe.
    Probe,
    /// No message until this time.
    Quarantined(Instant),
}

impl Sims {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a card could not send a message. Returns whether this quarantines it.
    pub fn failed(&self, iccid: &str, now: Instant) -> bool {
        let mut sims = self.lock();
        let failures = sims.entry(iccid.into()).or_default();
        failures.in_a_row += 1;
        let is_quarantined = failures.in_a_row >= MAX_FAILURES;
        if is_quarantined {
            failures.until = Some(now + QUARANTINE);
        }
        is_quarantined
    }

    /// Notes that a card has sent a message.
    pub fn succeeded(&self, iccid: &str) {
        self.lock().remove(iccid);
    }

    /// Returns what a card may be used for.
    pub fn allowed(&self, iccid: &str, now: Instant) -> SimUse {
        match self.lock().get(iccid).and_then(|failures| failures.until) {
            None => SimUse::Any,
            Some(until) if until > now => SimUse::Quarantined(until),
            Some(_) => SimUse::Probe,
        }
    }

    /// Takes the probe of a card: it gets no other message until the outcome is known, or does not arrive in time.
    pub fn probe(&self, iccid: &str, now: Instant) {
        if let Some(failures) = self.lock().get_mut(iccid) {
            failures.until = Some(now + QUARANTINE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = "8949";

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn quarantined(now: Instant) -> Sims {
        let sims = Sims::default();
        for number in 1..=MAX_FAILURES {
            assert_eq!(sims.failed(CARD, now), number == MAX_FAILURES);
        }
        sims
    }

    #[test]
    fn a_card_that_fails_five_times_in_a_row_is_quarantined_and_then_probed_once() {
        let begin = Instant::now();
        let (sims, end) = (quarantined(begin), begin + QUARANTINE);
        assert_eq!(sims.allowed(CARD, end - MILLISECOND), SimUse::Quarantined(end));
        assert_eq!(sims.allowed("other", begin), SimUse::Any);
        assert_eq!(sims.allowed(CARD, end), SimUse::Probe);
        sims.probe(CARD, end);
        assert_eq!(sims.allowed(CARD, end + MILLISECOND), SimUse::Quarantined(end + QUARANTINE));
        sims.succeeded(CARD);
        assert_eq!(sims.allowed(CARD, end + MILLISECOND), SimUse::Any);
    }

    #[test]
    fn a_probe_that_fails_begins_the_next_quarantine() {
        let begin = Instant::now();
        let (sims, failed) = (quarantined(begin), begin + QUARANTINE + MILLISECOND);
        sims.probe(CARD, begin + QUARANTINE);
        assert!(sims.failed(CARD, failed));
        assert_eq!(sims.allowed(CARD, failed), SimUse::Quarantined(failed + QUARANTINE));
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let (sims, now) = (Sims::default(), Instant::now());
        for _ in 0..2 {
            for _ in 1..MAX_FAILURES {
                assert!(!sims.failed(CARD, now));
            }
            sims.succeeded(CARD);
        }
        assert_eq!(sims.allowed(CARD, now), SimUse::Any);
    }
}
