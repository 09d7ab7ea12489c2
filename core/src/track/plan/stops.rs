//! Tasks that wait to be stopped.

use crate::TaskId;

/// The maximum number of tasks that can wait to be stopped.
const MAX_STOPS: usize = 8;

/// Tasks that wait to be stopped, in no order.
#[derive(Debug)]
pub(super) struct Stops([Option<TaskId>; MAX_STOPS]);

impl Stops {
    pub(super) const NONE: Self = Self([None; MAX_STOPS]);

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Adds a task. Returns `false` if there is no place for it.
    pub(super) fn add(&mut self, task: TaskId) -> bool {
        if self.0.contains(&Some(task)) {
            return true;
        }
        self.restore(task)
    }

    /// Adds a task whose request failed, without looking for it.
    pub(super) fn restore(&mut self, task: TaskId) -> bool {
        let Some(place) = self.0.iter_mut().find(|place| place.is_none()) else { return false };
        *place = Some(task);
        true
    }

    pub(super) fn take(&mut self) -> Option<TaskId> {
        self.0.iter_mut().find_map(Option::take)
    }
}

#[cfg(test)]
mod tests {
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
}
