//! Memory for the whole life of the program.
#![allow(unsafe_code)]

use core::cell::{Cell, UnsafeCell};

/// A value in a `static` that can be lent once. Its initial value is a constant, so the value is never on the stack.
pub struct Lent<T> {
    value: UnsafeCell<T>,
    is_lent: Cell<bool>,
}

// SAFETY: the programs have one thread and no interrupts.
unsafe impl<T> Sync for Lent<T> {}

impl<T> Lent<T> {
    /// Creates a value that can be lent.
    pub const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), is_lent: Cell::new(false) }
    }

    /// Lends the value. Returns `None` if it has been lent before.
    #[allow(clippy::mut_from_ref)]
    pub fn lend(&'static self) -> Option<&'static mut T> {
        if self.is_lent.replace(true) {
            return None;
        }
        // SAFETY: the value is lent only once.
        Some(unsafe { &mut *self.value.get() })
    }
}
