//! A guide with a complete program. This module exists only in the documentation.

// The program of this guide needs these features, and the guide links to what they add.
#[cfg_attr(all(feature = "embassy-net", feature = "flash"), doc = include_str!("firmware.md"))]
#[cfg_attr(
    not(all(feature = "embassy-net", feature = "flash")),
    doc = "Built with the features `embassy-net` and `flash`, the documentation has a guide to firmware here."
)]
pub mod firmware {}
