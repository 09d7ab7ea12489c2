#![no_std]
//! Core.

#[cfg(test)]
extern crate std;

mod error;
pub mod http;
pub mod text;
mod writer;

pub use error::TooSmall;
