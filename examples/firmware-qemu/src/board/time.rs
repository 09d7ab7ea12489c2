//! The clock, in milliseconds since the reset. A timer of the board counts cycles. SysTick raises an interrupt when the next
//! waiting task is due.
//!
//! Counting SysTick's interrupts would be simpler, but an emulator on a busy machine loses some of them, so the clock would run
//! slow.

use core::{
    cell::{Cell, RefCell},
    ptr,
    task::Waker,
};

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;

use super::reset;

/// The clock of the processor and of its timers, in Hz.
const CLOCK: u64 = 25_000_000;
const CYCLES_PER_TICK: u64 = CLOCK / TICK_HZ;
/// The maximum wait until SysTick's interrupt, in cycles. SysTick could wait for 0.67 s, and the counter for 171 s. But QEMU's
/// network checks the host's new and full connections only when something wakes QEMU. Without other events, only SysTick's
/// interrupt wakes it.
const LONGEST_WAIT: u64 = CLOCK / 1_000;

/// The board's timer 0, which counts down ("Cortex-M System Design Kit", table 4-8; its address: application note AN386, table
/// 3-1).
const COUNTER: usize = 0x4000_0000;
const COUNTER_CONTROL: usize = COUNTER;
const COUNTER_VALUE: usize = COUNTER + 0x4;
const COUNTER_RELOAD: usize = COUNTER + 0x8;
const COUNTER_ON: u32 = 1;

struct Clock {
    /// Number of cycles up to the last read of the counter.
    cycles: Mutex<Cell<u64>>,
    /// The counter's value at that time.
    counter: Mutex<Cell<u32>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static TIME: Clock = Clock {
    cycles: Mutex::new(Cell::new(0)),
    counter: Mutex::new(Cell::new(u32::MAX)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|masked| self.cycles(masked)) / CYCLES_PER_TICK
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|masked| {
            if self.queue.borrow_ref_mut(masked).schedule_wake(at, waker) {
                self.wake_and_wait(masked);
            }
        });
    }
}

impl Clock {
    fn cycles(&self, masked: CriticalSection<'_>) -> u64 {
        // SAFETY: the board has a register of a timer at this address. Reading it has no effect.
        let shows = unsafe { ptr::with_exposed_provenance::<u32>(COUNTER_VALUE).read_volatile() };
        let showed = self.counter.borrow(masked).replace(shows);
        let cycles = self.cycles.borrow(masked).get() + u64::from(showed.wrapping_sub(shows));
        self.cycles.borrow(masked).set(cycles);
        cycles
    }

    /// Wakes the tasks that are due, and sets SysTick's interrupt for the next one.
    fn wake_and_wait(&self, masked: CriticalSection<'_>) {
        let cycles = self.cycles(masked);
        let now = cycles / CYCLES_PER_TICK;
        let next = self.queue.borrow_ref_mut(masked).next_expiration(now).min(reset::due(masked));
        let wait = next.saturating_mul(CYCLES_PER_TICK).saturating_sub(cycles);
        interrupt_after(wait.clamp(1, LONGEST_WAIT));
        if reset::due(masked) <= now {
            reset::now();
        }
    }
}

/// Sets the interrupt again after the due times have changed.
pub(super) fn changed() {
    critical_section::with(|masked| TIME.wake_and_wait(masked));
}

/// Starts counting.
pub(super) fn start() {
    // SAFETY: the board has the registers of a timer at these addresses, and only this module uses them.
    unsafe {
        ptr::with_exposed_provenance_mut::<u32>(COUNTER_RELOAD).write_volatile(u32::MAX);
        ptr::with_exposed_provenance_mut::<u32>(COUNTER_VALUE).write_volatile(u32::MAX);
        ptr::with_exposed_provenance_mut::<u32>(COUNTER_CONTROL).write_volatile(COUNTER_ON);
    }
    let mut systick = systick();
    systick.set_clock_source(SystClkSource::Core);
    systick.enable_interrupt();
    changed();
}

fn interrupt_after(cycles: u64) {
    let mut systick = systick();
    // QEMU's timer stops permanently if its value is cleared while it runs.
    systick.disable_counter();
    systick.set_reload(u32::try_from(cycles).unwrap_or(u32::MAX));
    systick.clear_current();
    systick.enable_counter();
}

fn systick() -> SYST {
    // SAFETY: only this module uses SysTick, when the board starts and later with interrupts masked.
    unsafe { cortex_m::Peripherals::steal() }.SYST
}

#[exception]
fn SysTick() {
    changed();
}
