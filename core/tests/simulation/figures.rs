//! The figures of a run.

use std::{fmt, ops::AddAssign};

use sms_gateway_core::track::State;

macro_rules! figures {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// Counts of one run, or of several added up.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Figures {
            $($(#[doc = $doc])* pub(crate) $name: u64,)*
        }

        impl AddAssign for Figures {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl fmt::Display for Figures {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(write!(f, "{} {}, ", stringify!($name).replace('_', " "), self.$name)?;)*
                write!(f, "hours {}", self.milliseconds / 3_600_000)
            }
        }
    };
}

figures! {
    messages,
    sent,
    delivered,
    failed,
    stopped,
    expired,
    /// Expired messages that were ambiguous.
    ambiguous,
    unresolved,
    /// Messages lost in a reset before they were saved, and before anything was sent.
    vanished,
    sent_again,
    refused,
    /// Messages that did not fit the tracker.
    full,
    updates,
    repeated_updates,
    events_unmatched,
    events_ambiguous,
    /// Reports that were returned again, because the tracker had no memory to recognise them.
    events_repeated,
    /// Reports that were returned as unmatched although their message's result had been shown.
    events_of_ours,
    requests,
    results,
    reports,
    not_sent,
    lost,
    cut,
    resets,
    torn,
    saved,
    device_restarts,
    clock_steps,
    foreign,
    incoming,
    /// Messages that expired although a decisive report was shown. The time in the report is before the send time, because the clock
    /// had jumped back.
    hidden_by_clock,
    /// Segments of own messages with a final report: all of them, those decided with the status of one of their reports, those decided
    /// without such a report, and those whose report was never shown.
    segments_reported,
    segments_right,
    segments_wrong,
    segments_unseen,
    /// Segments decided with a status that contradicts their fate.
    segments_untrue,
    milliseconds,
}

impl Figures {
    pub(crate) fn end(&mut self, state: State, ambiguous: bool) {
        let count = match state {
            State::Sent => &mut self.sent,
            State::Delivered => &mut self.delivered,
            State::Failed => &mut self.failed,
            State::Stopped => &mut self.stopped,
            State::Unresolved => &mut self.unresolved,
            _ => &mut self.expired,
        };
        *count += 1;
        self.ambiguous += u64::from(ambiguous && state == State::Expired);
    }
}
