//! What the measured programs have in common and what is therefore taken off their size: the board, and a gateway to talk to.
#![no_std]

mod board;
#[cfg(feature = "embassy")]
mod clock;
mod digits;
#[cfg(feature = "flash")]
mod flash;
mod script;
mod wire;

pub use board::{end, measured, print};
#[cfg(feature = "embassy")]
pub use clock::advance;
#[cfg(feature = "flash")]
pub use flash::Flash;
pub use wire::Wire;

/// How many messages are under way.
pub const MESSAGES: usize = 16;
/// Where their user_ids begin.
pub const FIRST_ID: u32 = FIRST_EPOCH << 10;
/// The tracker's setting for that.
pub const FIRST_EPOCH: u32 = 1;
/// To whom they go.
pub const NUMBER: &str = "13800138000";
/// What they say.
pub const TEXT: &str = "The temperature in room 4 is 81 °C, which is above the limit of 80 °C.";
/// Where the gateway is.
pub const HOST: &str = "192.168.1.9";
/// Who asks.
pub const USER: &str = "admin";
/// The password.
pub const PASSWORD: &str = "secret";
