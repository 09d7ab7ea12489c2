//! The time driver of embassy-time, on the clock of the current tokio runtime. While that clock is paused, waits take no real time.

use std::{task::Waker, time::Duration};

use embassy_time_driver::Driver;
use tokio::time::Instant;

struct Clock;

thread_local! {
    /// Each test has its own thread and runtime.
    static START: Instant = Instant::now();
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        START.with(|start| u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        let (at, waker) = (START.with(|start| start.checked_add(Duration::from_micros(at))), waker.clone());
        // A time beyond the clock's range is never reached.
        if let Some(at) = at {
            tokio::spawn(async move {
                tokio::time::sleep_until(at).await;
                waker.wake();
            });
        }
    }
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock);
