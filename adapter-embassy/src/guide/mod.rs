//! A guide with a complete program. This module exists only in the documentation.

#[cfg(all(feature = "embassy-net", feature = "flash"))]
#[doc = include_str!("firmware.md")]
pub mod firmware {}
