//! When to ask, how long to wait, and how much at once.

use core::time::Duration;

use super::slot::{SLOWEST_STEP, STEPS};
use crate::call::SendSms;

/// How many user_ids a question for results names at most.
pub(super) const MAX_IDS: usize = 64;

/// The same in one byte, as [`SendSms::MAX_RECIPIENTS`].
#[allow(clippy::cast_possible_truncation)]
pub(super) const MAX_RECIPIENTS: u8 = SendSms::MAX_RECIPIENTS as u8;

/// How the tracker works for one gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// When to ask and how long to wait.
    pub timing: Timing,
    /// How much at once.
    pub limits: Limits,
    /// Whether the inbox is polled. Not by default.
    pub incoming: bool,
    /// Where user_ids begin when nothing was restored: any number, a random one where other programs, or an earlier life of this
    /// one whose storage is lost, use the same gateway.
    pub first_epoch: u32,
}

/// When to ask and how long to wait. Each is below 100 days and is kept to 10 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From acceptance to the first question for the result: 8 s (document §11). While nothing changes the waits double.
    pub first_result: Duration,
    /// From a message that was sent to the first question for its reports: 4 s. While nothing changes the waits double.
    pub first_report: Duration,
    /// Between two questions for results: at least 6 s.
    pub results_every: Duration,
    /// Between two questions for reports: at least 6 s.
    pub reports_every: Duration,
    /// Where doubling ends: 300 s. For a message that was sent it goes on up to 16 times that, 80 min.
    pub slowest: Duration,
    /// After a request that failed, doubling up to `slowest`: 2 s.
    pub retry: Duration,
    /// Between two looks into the inbox: 10 s.
    pub incoming: Duration,
    /// A message without an outcome so long after it was added ends [`Expired`](super::State::Expired): 72 h.
    pub expire: Duration,
    /// How long after a message's end reports may still come for it: 72 h.
    pub late: Duration,
    /// How long a message is remembered all of whose reports came: 2 h. It is to be longer than steps of the gateway's clock, since
    /// after a step back the gateway shows old reports as if they were new.
    pub reported: Duration,
    /// How long after a segment's last report that may come again: 10 min.
    pub doubled: Duration,
    /// A report that matches no message is handed out after so long, since its message's result may be on the way: 60 s.
    pub unmatched: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            first_result: seconds(8),
            first_report: seconds(4),
            results_every: seconds(6),
            reports_every: seconds(6),
            slowest: seconds(300),
            retry: seconds(2),
            incoming: seconds(10),
            expire: seconds(72 * 3600),
            late: seconds(72 * 3600),
            reported: seconds(2 * 3600),
            doubled: seconds(600),
            unmatched: seconds(60),
        }
    }
}

/// How much is asked at once, and how much the gateway has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between two requests of any kind: at least 20 ms.
    pub request_gap: Duration,
    /// Recipients of one send_sms: 128, which is also the most.
    pub recipients: u8,
    /// Bytes of text in one send_sms, as the messages' [`Draft::text_bytes`](super::Draft::text_bytes) add up: 64 KiB. A
    /// message alone may have more.
    pub request_bytes: u32,
    /// user_ids in one question for results: 64, which is also the most.
    pub ids: u8,
    /// Messages that the gateway has and has not sent yet: 4096.
    pub under_way: u32,
    /// The same for each port, of messages that name one port alone: 1024.
    pub under_way_per_port: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_gap: Duration::from_millis(20),
            recipients: MAX_RECIPIENTS,
            request_bytes: 64 * 1024,
            ids: 64,
            under_way: 4096,
            under_way_per_port: 1024,
        }
    }
}

/// A point in time, in steps of 10 ms from the caller's own zero. It wraps after 497 days; two are compared by what is between them,
/// which is always far less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tick(pub(super) u32);

/// Steps of a [`Tick`] in a second.
pub(super) const PER_SECOND: u32 = 100;

impl Tick {
    pub(super) fn at(now: Duration) -> Self {
        // The upper bits go: it wraps.
        #[allow(clippy::cast_possible_truncation)]
        let seconds = now.as_secs() as u32;
        Self(seconds.wrapping_mul(PER_SECOND).wrapping_add(now.subsec_millis() / 10))
    }

    pub(super) fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Whether it has come.
    pub(super) fn is_due(self, now: Self) -> bool {
        now.0.wrapping_sub(self.0) <= u32::MAX / 2
    }

    /// How long ago it was; nothing when it is still to come.
    pub(super) fn ago(self, now: Self) -> u32 {
        if self.is_due(now) { now.0.wrapping_sub(self.0) } else { 0 }
    }

    /// The earlier one.
    pub(super) fn min(self, other: Self) -> Self {
        if self.is_due(other) { self } else { other }
    }

    /// The later one.
    pub(super) fn max(self, other: Self) -> Self {
        if self.is_due(other) { other } else { self }
    }

    /// The caller's time of this tick, which is not before `tick`, the caller's `now`.
    pub(super) fn instant(self, tick: Self, now: Duration) -> Duration {
        let wait = tick.ago(self);
        let rest = Duration::new(u64::from(wait / PER_SECOND), wait % PER_SECOND * 10_000_000);
        // The part of `now` below a tick would make the wait end a little late.
        now.saturating_sub(Duration::from_nanos(u64::from(now.subsec_nanos() % 10_000_000)))
            .saturating_add(rest)
    }
}

/// Whole seconds of so many ticks.
pub(super) const fn seconds(ticks: u32) -> u32 {
    ticks / PER_SECOND
}

/// A duration in ticks, rounded up, 100 days at most.
pub(super) fn ticks(duration: Duration) -> u32 {
    let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).min(100 * 86_400);
    seconds * PER_SECOND + duration.subsec_millis().div_ceil(10)
}

/// The durations of [`Settings`] in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    pub(super) first_result: u32,
    pub(super) first_report: u32,
    pub(super) results_every: u32,
    pub(super) reports_every: u32,
    pub(super) slowest: u32,
    pub(super) retry: u32,
    pub(super) incoming: u32,
    pub(super) expire: u32,
    pub(super) late: u32,
    pub(super) reported: u32,
    pub(super) doubled: u32,
    pub(super) unmatched: u32,
    pub(super) request_gap: u32,
}

impl Waits {
    pub(super) fn new(settings: &Settings) -> Self {
        let timing = &settings.timing;
        Self {
            first_result: ticks(timing.first_result),
            first_report: ticks(timing.first_report),
            results_every: ticks(timing.results_every),
            reports_every: ticks(timing.reports_every),
            slowest: ticks(timing.slowest),
            retry: ticks(timing.retry),
            incoming: ticks(timing.incoming),
            expire: ticks(timing.expire),
            late: ticks(timing.late),
            reported: ticks(timing.reported),
            doubled: ticks(timing.doubled),
            unmatched: ticks(timing.unmatched),
            request_gap: ticks(settings.limits.request_gap),
        }
    }

    /// `first` doubled so many times, up to the slowest.
    pub(super) fn backed_off(&self, first: u32, times: u8) -> u32 {
        let doubled = first.checked_shl(times.into()).filter(|wait| wait >> times == first);
        doubled.map_or(self.slowest, |wait| wait.min(self.slowest)).max(first)
    }

    /// The same for a message that was sent: past the slowest it goes on.
    pub(super) fn backed_off_sent(&self, first: u32, step: u8) -> u32 {
        let past = step.min(STEPS - 1).saturating_sub(SLOWEST_STEP);
        self.backed_off(first, step).saturating_mul(1 << past).min(ticks(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let waits = Waits::new(&Settings::default());
        let steps = [0, 1, 2, 5, 6, 31, 40].map(|times| waits.backed_off(800, times));
        assert_eq!(steps, [800, 1600, 3200, 25_600, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn ticks_wrap() {
        let late = Tick(u32::MAX - 1);
        let later = late.plus(10);
        assert!(late.is_due(later) && !later.is_due(late));
        assert_eq!((late.ago(later), later.ago(late)), (10, 0));
        assert_eq!(late.min(later), late);
        let now = Duration::from_millis(12_345);
        assert_eq!(Tick::at(now).plus(100).instant(Tick::at(now), now), Duration::from_millis(13_340));
        assert_eq!(Tick::at(now).instant(Tick::at(now), now), Duration::from_millis(12_340));
    }
}
