//! Guides, each with a whole program.
//!
//! - [`sending`]: many messages, their outcomes, and what each outcome means.
//! - [`receiving`]: incoming messages, none of them lost or answered twice.
//! - [`restarts`]: stores, and what a program has to do to survive `kill -9`.
//! - [`https`]: pins for gateways with self-signed certificates.
//! - [`testing`]: your own program against the emulated gateway.
//!
//! `sms-gateway-embassy` has a guide for firmware. This module exists in the documentation only.

#[doc = include_str!("sending.md")]
pub mod sending {}

#[cfg(feature = "redb")]
#[doc = include_str!("receiving.md")]
pub mod receiving {}

#[cfg(feature = "redb")]
#[doc = include_str!("restarts.md")]
pub mod restarts {}

#[cfg(feature = "tls")]
#[doc = include_str!("https.md")]
pub mod https {}

#[doc = include_str!("testing.md")]
pub mod testing {}
