//! The board that QEMU calls `mps2-an386`: a Cortex-M4F with a LAN9118 Ethernet controller.
//!
//! This module replaces the hardware crates of a real board. Do not copy it into firmware. The network, log, entropy and
//! flash of a real board have their own crates, see `firmware-rp2040-w5500`.
//!
//! The firmware reaches the host by semihosting: the log goes to the host's standard output, the arguments come from QEMU's
//! command line, and the program ends with an exit status.
#![allow(unsafe_code, reason = "registers, the linker's symbols and the host are reached by address")]

pub(crate) mod entropy;
mod ethernet;
mod executor;
mod flash;
mod host;
mod interrupts;
mod log;
mod panic;
pub(crate) mod reset;
pub(crate) mod stack;
mod survivor;
mod time;

use embassy_executor::Spawner;
use static_cell::StaticCell;

pub(crate) use self::{
    ethernet::Ethernet,
    flash::{Error as FlashError, RamFlash},
    host::exit,
};

/// The parts of the board, each of which exists once.
pub(crate) struct Board {
    /// The Ethernet controller.
    pub(crate) ethernet: Ethernet,
    /// Storage that survives a reset.
    pub(crate) flash: RamFlash,
    /// QEMU's `-semihosting-config arg=…`, separated by spaces.
    pub(crate) arguments: &'static str,
    /// Number of resets since power-on.
    pub(crate) resets: u32,
}

/// Starts the board and runs the tasks that `start` spawns. Call it once, from the entry point.
///
/// # Panics
///
/// If it is called twice.
pub(crate) fn run(start: impl FnOnce(Spawner, Board)) -> ! {
    static ARGUMENTS: StaticCell<[u8; host::COMMAND_LINE]> = StaticCell::new();
    let arguments = host::command_line(ARGUMENTS.init([0; host::COMMAND_LINE]));
    log::start();
    time::start();
    let resets = survivor::start();
    let board = Board { ethernet: Ethernet::start(), flash: RamFlash::new(), arguments, resets };
    interrupts::start();
    executor::run(|spawner| start(spawner, board))
}
