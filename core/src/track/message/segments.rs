//! The fates of a message's segments.

/// The fate of each segment: no report, temporary, delivered or failed. Each field has a bit for each segment. The lowest bit is that of
/// the first segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Fates {
    /// Segments with a final report.
    ended: u32,
    /// Segments whose final report is a failure, and segments with only temporary reports.
    marked: u32,
}

impl Fates {
    pub(in crate::track) const NONE: Self = Self { ended: 0, marked: 0 };

    /// Creates fates from three masks with a bit for each segment. Delivered overrules failed, and both overrule temporary.
    pub(in crate::track) const fn new(delivered: u32, temporary: u32, failed: u32) -> Self {
        let ended = delivered | failed;
        Self { ended, marked: failed & !delivered | temporary & !ended }
    }

    /// Returns the segments with a final report.
    pub(in crate::track) const fn ended(self) -> u32 {
        self.ended
    }

    pub(in crate::track) const fn delivered(self) -> u32 {
        self.ended & !self.marked
    }

    pub(in crate::track) const fn temporary(self) -> u32 {
        self.marked & !self.ended
    }

    pub(in crate::track) const fn failed(self) -> u32 {
        self.ended & self.marked
    }

    /// Returns whether a segment has a final report.
    pub(in crate::track) const fn is_ended(self, segment: u8) -> bool {
        self.ended >> (segment & 31) & 1 == 1
    }

    /// Notes a report of the segment with this bit, unless the segment already has a final one.
    pub(in crate::track) fn note(&mut self, bit: u32, outcome: Outcome) {
        if self.ended & bit != 0 {
            return;
        }
        match outcome {
            Outcome::Delivered => (self.ended, self.marked) = (self.ended | bit, self.marked & !bit),
            Outcome::Failed => (self.ended, self.marked) = (self.ended | bit, self.marked | bit),
            Outcome::Temporary => self.marked |= bit,
        }
    }
}

/// The outcome of a segment in a status report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Outcome {
    Delivered,
    Temporary,
    Failed,
}

impl Outcome {
    /// Reads a TP-Status (3GPP TS 23.040 §9.2.3.15).
    pub(in crate::track) fn of(status: u8) -> Self {
        use crate::call::Delivery;
        match Delivery::from(status) {
            Delivery::Received => Self::Delivered,
            Delivery::Permanent | Delivery::GaveUp => Self::Failed,
            Delivery::Reserved if status >= 128 => Self::Failed,
            Delivery::Unconfirmed | Delivery::Replaced | Delivery::Temporary | Delivery::Reserved => {
                Self::Temporary
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_report_overrules_a_temporary_one_and_stays() {
        let mut fates = Fates::NONE;
        for (bit, outcome) in [
            (1, Outcome::Temporary),
            (2, Outcome::Temporary),
            (1, Outcome::Delivered),
            (4, Outcome::Failed),
            (1, Outcome::Failed),
            (4, Outcome::Temporary),
        ] {
            fates.note(bit, outcome);
        }
        assert_eq!((fates.delivered(), fates.temporary(), fates.failed(), fates.ended()), (1, 2, 4, 5));
        assert_eq!(Fates::new(1, 2 | 1, 4), fates);
        assert!(fates.is_ended(0) && !fates.is_ended(1) && fates.is_ended(2));
    }
}
