//! Parts that the measurements of the server share.
//!
//! `kill` and `accept` start the server's own program. Each of the others also starts itself as the server, so that the server's memory and
//! processor time are its own.

pub mod client;
pub mod disk;
pub mod kannel;
pub mod process;
pub mod server;
pub mod threads;
pub mod times;
