//! The time driver for embassy.

use core::{cell::Cell, task::Waker};

use cortex_m::interrupt::Mutex;
use embassy_time_driver::Driver;

use crate::end;

/// A clock that advances only while something waits for it.
struct Clock {
    now: Mutex<Cell<u64>>,
    next: Mutex<Cell<u64>>,
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        cortex_m::interrupt::free(|token| self.now.borrow(token).get())
    }

    fn schedule_wake(&self, at: u64, _: &Waker) {
        cortex_m::interrupt::free(|token| {
            let next = self.next.borrow(token);
            next.set(next.get().min(at));
        });
    }
}

embassy_time_driver::time_driver_impl!(
    static CLOCK: Clock = Clock { now: Mutex::new(Cell::new(0)), next: Mutex::new(Cell::new(u64::MAX)) }
);

/// Advances the clock to the next time that something waits for. If nothing waits, the program ends with an error.
pub fn advance() {
    cortex_m::interrupt::free(|token| {
        let next = CLOCK.next.borrow(token).replace(u64::MAX);
        if next == u64::MAX {
            end(false);
        }
        CLOCK.now.borrow(token).set(next);
    });
}
