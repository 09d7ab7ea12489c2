//! The part that all measured programs share: the board and a simulated gateway. Its size is subtracted from that of each program.
#![no_std]

mod board;
#[cfg(feature = "embassy")]
mod clock;
mod digits;
#[cfg(feature = "flash")]
mod flash;
mod lent;
#[cfg(feature = "defmt")]
mod log;
mod script;
mod wire;

pub use board::{end, print};
#[cfg(feature = "embassy")]
pub use clock::advance;
#[cfg(feature = "flash")]
pub use flash::Flash;
pub use lent::Lent;
pub use wire::Wire;

/// The number of messages that are followed at the same time.
pub const MESSAGES: usize = 16;
/// The user_id of the first message.
pub const FIRST_ID: u32 = FIRST_BLOCK << 10;
/// The tracker's setting `first_block`, from which [`FIRST_ID`] results.
pub const FIRST_BLOCK: u32 = 1;
/// The recipient of all messages.
pub const NUMBER: &str = "13800138000";
/// The text of all messages.
pub const TEXT: &str = "The temperature in room 4 is 81 °C, which is above the limit of 80 °C.";
/// The gateway's address.
pub const HOST: &str = "192.168.1.9";
/// The user name for the login.
pub const USER: &str = "admin";
/// The password for the login.
pub const PASSWORD: &str = "secret";
