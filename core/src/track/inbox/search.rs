//! The search for a place past a record that makes its page unreadable.

/// The number of steps of length 1, after which steps grow. A longer step may skip messages if it ends before another unreadable record.
const SINGLE_STEPS: u8 = 32;
/// The number of steps after which the search is given up, because ids are not that far apart.
const MAX_STEPS: u8 = SINGLE_STEPS + 40;

/// Finds the lowest id after which a page can be requested without being blocked by an unreadable record.
///
/// The record's id may be unreadable, or forged by the sender of the message. So the id is found by trial. A page that is requested after a
/// lower id contains the record and is blocked. A page that is requested after the record's id is not blocked. A blocked page shows nothing
/// after the record, so no readable message is skipped, unless a long step ends before another unreadable record.
///
/// ```
/// use sms_gateway_core::track::InboxSearch;
/// let mut search = InboxSearch::new(6, None);
/// let found = loop {
///     let is_blocked = search.place() < 17; // Request messages after this id.
///     if let Some(id) = search.take(is_blocked) {
///         break id;
///     }
/// };
/// assert_eq!(found, 17);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InboxSearch {
    /// The greatest place from which pages are known to be blocked.
    blocked: i64,
    /// The smallest place from which pages are known not to be blocked; `i64::MAX` while there is none.
    free: i64,
    place: i64,
    /// The number of steps from the greatest blocked place; `None` while trying the place before the id that the record shows.
    steps: Option<u8>,
}

impl InboxSearch {
    /// Creates a search after the page from `from` was blocked. `id` is the id that the record shows, if any.
    pub const fn new(from: i64, id: Option<i64>) -> Self {
        let (place, steps) = match id {
            Some(id) if id > from.saturating_add(1) => (id.saturating_sub(1), None),
            _ => (from.saturating_add(1), Some(0)),
        };
        Self { blocked: from, free: i64::MAX, place, steps }
    }

    /// Returns the place from which the next page is requested.
    pub const fn place(&self) -> i64 {
        self.place
    }

    /// Continues after the page from [`place`](Self::place). `is_blocked` is whether that page was blocked. Returns the id of the
    /// unreadable message when it is found.
    pub const fn take(&mut self, is_blocked: bool) -> Option<i64> {
        let steps = match self.steps {
            Some(steps) => steps.saturating_add(1),
            None => 0,
        };
        if is_blocked {
            self.blocked = self.place;
        } else if self.steps.is_some() {
            self.free = self.place;
        }
        self.steps = Some(steps);
        let distance = self.free.saturating_sub(self.blocked);
        if distance <= 1 {
            return Some(self.free);
        }
        self.place = if self.free == i64::MAX {
            self.blocked.saturating_add(1_i64.wrapping_shl(steps.saturating_sub(SINGLE_STEPS) as u32))
        } else {
            self.blocked.wrapping_add(distance / 2)
        };
        None
    }

    /// Returns whether the search has failed, because no page can be read, wherever it begins.
    pub const fn is_hopeless(&self) -> bool {
        matches!(self.steps, Some(MAX_STEPS..)) && self.free == i64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(from: i64, hint: Option<i64>, id: i64) -> (i64, usize) {
        let mut search = InboxSearch::new(from, hint);
        let mut pages = 1;
        loop {
            if let Some(found) = search.take(search.place() < id) {
                return (found, pages);
            }
            pages += 1;
            assert!(!search.is_hopeless());
        }
    }

    #[test]
    fn the_id_is_found_with_and_without_a_hint_and_with_a_forged_one() {
        for from in [-1, 0, 1, 77] {
            for id in (from + 1..from + 40).chain([from + 5_000, from + 1_000_000_000]) {
                for hint in
                    [None, Some(id), Some(from), Some(id + 1), Some(id - 1), Some(9_000_000), Some(i64::MAX)]
                {
                    assert_eq!(find(from, hint, id).0, id, "{from} {hint:?}");
                }
            }
        }
    }

    #[test]
    fn a_record_with_its_id_takes_two_pages_and_one_without_few() {
        assert_eq!(find(6, Some(17), 17), (17, 2));
        assert_eq!(find(16, None, 17), (17, 1));
        assert!(find(0, None, 1_000_000).1 <= 72);
    }

    #[test]
    fn a_gateway_without_readable_pages_is_given_up() {
        let mut search = InboxSearch::new(0, None);
        let pages = (0..100).take_while(|_| search.take(true).is_none() && !search.is_hopeless()).count();
        assert!(pages < 76, "{pages}");
    }
}
