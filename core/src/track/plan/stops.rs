//! Tasks that wait to be stopped.

use crate::TaskId;

/// The maximum number of tasks that can wait to be stopped.
const MAX_STOPS: usize = 8;

/// Tasks that wait to be stopped, in no order. There is room for one task more than [`MAX_STOPS`]. So a task whose request failed can be
/// put back even if others were added meanwhile.
#[derive(Debug)]
pub(super) struct Stops([Option<TaskId>; MAX_STOPS + 1]);

impl Stops {
    pub(super) const NONE: Self = Self([None; MAX_STOPS + 1]);

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Adds a task. Returns `false` if there is no room for it.
    pub(super) fn add(&mut self, task: TaskId) -> bool {
        if self.0.contains(&Some(task)) {
            return true;
        }
        let has_room = self.0.iter().flatten().count() < MAX_STOPS;
        if has_room {
            self.restore(task);
        }
        has_room
    }

    /// Adds the task that was taken last, because its request failed.
    pub(super) fn restore(&mut self, task: TaskId) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(task);
        }
    }

    pub(super) fn take(&mut self) -> Option<TaskId> {
        self.0.iter_mut().find_map(Option::take)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_task_that_waits_already_takes_no_other_place() {
        let mut stops = Stops::NONE;
        for _ in 0..=MAX_STOPS {
            assert!(stops.add(TaskId::new(1)));
        }
        for task in 2..=8 {
            assert!(stops.add(TaskId::new(task)), "{task}");
        }
        assert!(!stops.add(TaskId::new(9)));
    }

    #[test]
    fn a_task_whose_request_failed_returns_although_others_were_added_meanwhile() {
        let mut stops = Stops::NONE;
        for task in 1..=8 {
            assert!(stops.add(TaskId::new(task)), "{task}");
        }
        let taken = stops.take().unwrap();
        assert!(stops.add(TaskId::new(9)));
        stops.restore(taken);
        assert!(!stops.add(TaskId::new(10)));
        let mut left: Vec<_> = core::iter::from_fn(|| stops.take()).map(TaskId::get).collect();
        left.sort_unstable();
        assert_eq!(left, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
