//! The engine against arbitrary peers, without sockets: every sequence of events for a session, and random calls for a driver.
//!
//! The ignored tests take minutes: `cargo test --release -p sms-gateway-core --test engine -- --ignored`

// Counts are small, and narrowed values are in range.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

#[path = "../simulation/civil.rs"]
#[allow(dead_code)]
mod civil;
mod driver;
#[path = "../simulation/rng.rs"]
#[allow(dead_code)]
mod rng;
mod session;
