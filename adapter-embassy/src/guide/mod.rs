//! A guide, with a whole program. This module exists in the documentation only.

#[cfg(all(feature = "embassy-net", feature = "flash"))]
#[doc = include_str!("firmware.md")]
pub mod firmware {}
