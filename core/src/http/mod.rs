//! HTTP without I/O: the request, the response, and the login.
//!
//! [`request`] writes a request into a lent buffer. [`Response`] reads the response in pieces of any size, and returns the body for
//! the call's [`Decoder`](crate::call::Decoder). At the end, a [`Verdict`] states whether the connection can be used again.
//!
//! # Login
//!
//! A gateway responds to the first request with 401 and one or more challenges (`WWW-Authenticate`, RFC 9110 §11.6.1).
//! The next request carries credentials for one of these challenges (`Authorization`).
//!
//! - [`challenge`] reads challenges tolerantly and chooses the best. It prefers Digest with SHA-256, then Digest with MD5, then Basic.
//! - [`digest`] and [`basic`] write the credentials into a lent buffer.
//!
//! A Digest challenge may be answered repeatedly, with a growing nonce count, until the gateway refuses its nonce.
//! A [`Challenge`] borrows the header value from which it was parsed. To keep the challenge, create a [`digest::Prepared`], which
//! hashes the password only when it is created. Or write the challenge with [`Challenge::write`] and parse it again.
//!
//! # Example
//! ```
//! use sms_gateway_core::http::{Credentials, Scheme, challenge, digest};
//!
//! let value = r#"Digest realm="Web Server", domain="",qop="auth", nonce="4f1c", opaque="77",algorithm="MD5", stale="FALSE""#;
//! let Scheme::Digest(challenge) = challenge::best([value])? else { panic!("Basic") };
//!
//! let credentials = Credentials::new("admin", "secret");
//! let mut buffer = [0; 300];
//! let uri = "/api/query_sms_in_queue";
//! let header = digest::authorization(&challenge, &credentials, "GET", uri, 1, "0a4f113b", &mut buffer)?;
//! assert!(header.starts_with(r#"Digest username="admin", realm="Web Server", nonce="4f1c", "#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod basic;
pub mod challenge;
mod credentials;
pub mod digest;
mod error;
pub mod login;
mod parameter;
mod request;
mod response;
mod word;

pub use challenge::{Algorithm, Challenge, Challenges, Scheme};
pub use credentials::Credentials;
pub use error::{ChallengeError, ChallengeErrorKind, LoginError};
pub use parameter::Value;
pub use request::{Head, request};
pub use response::{CloseReason, MAX_HEAD_BYTES, Part, Response, ResponseError, ResponseErrorKind, Verdict};
