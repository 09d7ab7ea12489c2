#![no_std]
//! Core.

#[cfg(test)]
extern crate std;

pub mod call;
mod error;
pub mod http;
pub mod json;
pub mod text;
mod value;
mod writer;

pub use error::TooSmall;
pub use value::{Invalid, Number, Port, Ports, PortsIter, TaskId, Timestamp, UserId};
