//! Guides, each with a complete program.
//!
//! - [`sending`]: many messages, their outcomes, and what each outcome means.
//! - [`receiving`]: incoming messages, none of them lost or answered twice.
//! - [`restarts`]: stores, and what a program has to do to survive `kill -9`.
//! - [`https`]: pins for gateways with self-signed certificates.
//! - [`testing`]: your own program against the emulated gateway.
//!
//! `sms-gateway-embassy` has a guide for firmware. This module exists only in the documentation.

#[doc = include_str!("sending.md")]
pub mod sending {}

// The programs of these guides need the features, and the guides link to items that exist only with the features.
#[cfg_attr(feature = "redb", doc = include_str!("receiving.md"))]
#[cfg_attr(not(feature = "redb"), doc = "Built with the feature `redb`, the documentation has this guide.")]
pub mod receiving {}

#[cfg_attr(feature = "redb", doc = include_str!("restarts.md"))]
#[cfg_attr(not(feature = "redb"), doc = "Built with the feature `redb`, the documentation has this guide.")]
pub mod restarts {}

#[cfg_attr(feature = "tls", doc = include_str!("https.md"))]
#[cfg_attr(not(feature = "tls"), doc = "Built with the feature `tls`, the documentation has this guide.")]
pub mod https {}

#[doc = include_str!("testing.md")]
pub mod testing {}
