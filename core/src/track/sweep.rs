//! Results asked for by time, where a question by user_id would have to name too many.

use super::{question::Kind, tracker::Tracker};

/// A message is sent within so many seconds of its time of sending (document §11: 5 to 8), rarely more.
const SENDING_SECONDS: u32 = 16;

/// After so many sweeps without anything new the few messages that are left are asked for one by one.
const QUIET: u8 = 4;

/// A sweep that would reach back further is not worth its answer.
const LONGEST_SWEEP: u32 = 600;

/// Results asked for by time instead of by user_id. That a sweep does not have a message proves nothing: the gateway's clock may
/// have been in 1970 meanwhile. So messages are asked for one by one as well, only less often.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    valid: bool,
    /// The gateway's time up to which there is no gap.
    reach: u32,
    /// How many sweeps in a row told nothing new.
    quiet: u8,
}

impl Tracker<'_> {
    /// Whether results are asked for by time: more messages are under way than one question can name, or were until lately.
    pub(super) fn is_sweeping(&self) -> bool {
        let many = self.under_way > self.limits.ids.into();
        let lately = self.sweep.valid && self.sweep.quiet < QUIET && self.under_way > 0;
        (many || lately) && self.clock.latest().is_some()
    }

    /// A sweep, where there is need of one.
    pub(super) fn next_sweep(&self) -> Option<Kind> {
        let latest = self.clock.latest().filter(|_| self.is_sweeping())?;
        let joined = self.sweep.valid && latest.saturating_sub(self.sweep.reach) < LONGEST_SWEEP;
        // What was being sent at the last sweep is asked for once more.
        let from = if joined { self.sweep.reach } else { latest };
        Some(Kind::Sweep { after: from.saturating_sub(SENDING_SECONDS), latest })
    }

    /// A sweep was answered whole.
    pub(super) fn swept(&mut self, after: u32, latest: u32) {
        let quiet = if self.sweep.valid && after <= self.sweep.reach { self.sweep.quiet } else { 0 };
        self.sweep = Sweep { valid: true, reach: latest, quiet: quiet.saturating_add(1) };
    }

    /// A result told something new.
    pub(super) fn results_move(&mut self) {
        self.sweep.quiet = 0;
    }

    /// The gateway's clock jumped: sweeps before it say nothing.
    pub(super) fn break_sweep(&mut self) {
        self.sweep.valid = false;
    }
}
