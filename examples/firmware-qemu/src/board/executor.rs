//! Runs the tasks, and sleeps when none has anything to do.
//!
//! The crate's own executor for Cortex-M sleeps by WFE. QEMU before 9 does not wait there, and so takes all of a processor of the host.

use core::{
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use embassy_executor::{Spawner, raw::Executor};
use static_cell::StaticCell;

/// A task was woken since the tasks ran last.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Called whenever a task is woken, also by interrupts.
// SAFETY: this is the name and the signature that `embassy_executor` links to, and no feature of it defines another.
#[unsafe(export_name = "__pender")]
fn wake(_executor: *mut ()) {
    WOKEN.store(true, Ordering::Release);
}

/// Runs what `start` spawns.
pub(super) fn run(start: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let executor: &'static Executor = EXECUTOR.init(Executor::new(ptr::null_mut()));
    begin(start, executor.spawner());
    loop {
        // SAFETY: it is polled only here, and no task gets here.
        unsafe { executor.poll() };
        sleep();
    }
}

/// Out of line: what it takes of the stack is free again when the tasks run.
#[inline(never)]
fn begin(start: impl FnOnce(Spawner), spawner: Spawner) {
    start(spawner);
}

/// Waits for an interrupt unless a task is ready. With interrupts masked, none can make a task ready between the question and the
/// sleep; one that is pending ends the sleep all the same, and runs as soon as they are unmasked.
fn sleep() {
    cortex_m::interrupt::free(|_| {
        if !WOKEN.swap(false, Ordering::Acquire) {
            cortex_m::asm::wfi();
        }
    });
}
