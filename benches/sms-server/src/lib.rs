//! Parts that the measurements of the server share.
//!
//! Each measurement is one program that also starts itself as the server, so that the server's memory and processor time are its own.

pub mod client;
pub mod process;
pub mod server;
pub mod times;
