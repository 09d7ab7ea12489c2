//! The engine against arbitrary peers, without sockets: every sequence of events for a session, random calls for a driver.
//!
//! The tests that are ignored by default take minutes:
//! `cargo test --release -p sms-gateway-core --test engine -- --ignored`

mod session;
