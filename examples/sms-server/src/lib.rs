//! A server over many GSM/LTE SMS gateways.
//!
//! Each message is in exactly one place: queued, bound to one gateway, or ended. See [`storage::Place`].

pub mod api;
pub mod causes;
pub mod config;
mod expiry;
pub mod gateway;
pub mod hash;
pub mod keywords;
pub mod listen;
pub mod mask;
pub mod metrics;
pub mod names;
pub mod queue;
pub mod routes;
pub mod server;
pub mod storage;
#[cfg(test)]
mod tests;
pub mod webhook;
