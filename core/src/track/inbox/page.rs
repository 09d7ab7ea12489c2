//! The observations of one page.

/// The observations of the page that is being read.
#[derive(Debug)]
// They are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Page {
    /// Whether the ids have not fallen so far.
    pub(super) is_rising: bool,
    /// The id of the latest record, which in a rising page is the greatest one.
    pub(super) last: i64,
    /// The two smallest ids above the place from which the page was asked for.
    pub(super) lowest: Option<i64>,
    second: Option<i64>,
    /// The smallest id of a new message that was not taken.
    pub(super) postponed: Option<i64>,
    /// Whether something was taken.
    pub(super) is_fresh: bool,
    /// Whether a known message was where it is expected.
    pub(super) is_verified: bool,
    /// Whether a new message found no room. Then the rest is not taken either, so that no message overtakes another.
    pub(super) is_full: bool,
}

impl Page {
    pub(super) const fn new(from: i64) -> Self {
        Self {
            is_rising: true,
            last: from,
            lowest: None,
            second: None,
            postponed: None,
            is_fresh: false,
            is_verified: false,
            is_full: false,
        }
    }

    /// Notes the id of a record.
    pub(super) fn note(&mut self, id: i64) {
        self.is_rising &= id >= self.last;
        self.last = id;
        match self.lowest {
            Some(lowest) if id == lowest => {}
            Some(lowest) if id > lowest => {
                self.second = Some(self.second.map_or(id, |second| second.min(id)));
            }
            lowest => (self.lowest, self.second) = (Some(id), lowest),
        }
    }

    pub(super) fn postpone(&mut self, id: i64) {
        self.postponed = Some(self.postponed.map_or(id, |postponed| postponed.min(id)));
    }

    /// Returns the place from which the next page is asked for, if this one was complete and leads on.
    ///
    /// In a rising page nothing is hidden before its last record, which is shown again in case that others have the same id. In any other
    /// order a page that the gateway cut may hide every id except those below its lowest, so the next page leaves out only the
    /// lowest, and only after a page without anything new.
    pub(super) fn next(&self) -> Option<i64> {
        let next = match (self.is_rising, self.is_fresh) {
            (true, _) => self.lowest.map(|_| self.last.saturating_sub(1)),
            (false, true) => None,
            (false, false) => self.second.map(|second| second.saturating_sub(1)),
        }?;
        Some(self.postponed.map_or(next, |postponed| next.min(postponed.saturating_sub(1))))
    }
}
