//! An executor that runs the tasks, and sleeps when none of them is ready.
//!
//! embassy's executor for Cortex-M sleeps with WFE. QEMU before version 9 does not wait at a WFE, so it would use a whole
//! processor of the host.

use core::{
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use embassy_executor::{Spawner, raw::Executor};
use static_cell::StaticCell;

/// Whether a task was woken since the tasks last ran.
static WOKEN: AtomicBool = AtomicBool::new(false);

/// Notes that a task was woken, possibly by an interrupt.
// SAFETY: this is the name and the signature that `embassy_executor` links to. None of its enabled features defines this
// function.
#[unsafe(export_name = "__pender")]
fn wake(_executor: *mut ()) {
    WOKEN.store(true, Ordering::Release);
}

/// Runs the tasks that `start` spawns.
pub(super) fn run(start: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let executor: &'static Executor = EXECUTOR.init(Executor::new(ptr::null_mut()));
    begin(start, executor.spawner());
    loop {
        // SAFETY: the executor is polled only here, and tasks do not call this function.
        unsafe { executor.poll() };
        sleep();
    }
}

/// Spawns the tasks. It is not inlined, so that its part of the stack is free when the tasks run.
#[inline(never)]
fn begin(start: impl FnOnce(Spawner), spawner: Spawner) {
    start(spawner);
}

/// Waits for an interrupt, unless a task is ready. Interrupts are masked, so that none of them can make a task ready between the check
/// and the sleep. A pending interrupt still ends the sleep, and is handled when interrupts are unmasked.
fn sleep() {
    cortex_m::interrupt::free(|_| {
        if !WOKEN.swap(false, Ordering::Acquire) {
            cortex_m::asm::wfi();
        }
    });
}
