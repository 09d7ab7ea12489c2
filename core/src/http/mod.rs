//! HTTP without I/O: the request, the answer, and the login.
//!
//! [`request`] writes a request into a lent buffer. [`Response`] reads what comes back, in pieces of any size, and hands the body on
//! to the call's [`Decoder`](crate::call::Decoder); at the end its [`Verdict`] says whether the connection can carry another request.
//!
//! # Login
//!
//! A gateway answers the first request with 401 and one or more challenges (`WWW-Authenticate`, RFC 9110 §11.6.1);
//! the next request carries the answer to one of them (`Authorization`).
//!
//! - [`challenge`] reads challenges, tolerantly, and chooses the best: Digest with SHA-256, then with MD5, then Basic.
//! - [`digest`] and [`basic`] write the answer into a lent buffer.
//!
//! A Digest challenge may be answered again and again with a growing nonce count, until the gateway refuses its nonce.
//! It borrows the header value it was read from. To be kept, it becomes a [`digest::Prepared`], for which the challenge has been
//! read and the password hashed once for all requests; or it is written with [`Challenge::write`], to be read again.
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
