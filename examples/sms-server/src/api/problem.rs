//! Errors of the API (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::storage::StorageError;

/// The beginning of each `type`. The names after it never change their meaning.
const TYPES: &str = "urn:sms-server:problem:";

/// Declares the kinds of problems.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:ident, $name:literal, $title:literal;)*) => {
        /// The kinds of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            /// Returns the end of the `type`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Returns the title.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    /// The request is malformed. `field` names the member, `index` the message of a batch.
    Invalid = BAD_REQUEST, "invalid-request", "Invalid request";
    /// The request has no key, or one that the server does not know.
    KeyMissing = UNAUTHORIZED, "key-missing", "Key missing or unknown";
    /// The key does not permit this.
    NotPermitted = FORBIDDEN, "not-permitted", "Not permitted";
    /// The path, or the resource that it names, does not exist.
    NotFound = NOT_FOUND, "not-found", "Not found";
    /// The path does not have this method.
    WrongMethod = METHOD_NOT_ALLOWED, "wrong-method", "Method not allowed";
    /// The body did not arrive in time.
    BodyTooSlow = REQUEST_TIMEOUT, "body-too-slow", "Body too slow";
    /// The body is too long.
    BodyTooLong = PAYLOAD_TOO_LARGE, "body-too-long", "Body too long";
    /// The idempotency key was used for another request.
    KeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency key reused";
    /// No route leads to the number.
    NoRoute = UNPROCESSABLE_ENTITY, "no-route", "No route";
    /// The recipient opted out of the account's messages. Nothing was accepted. `index` names the message of a batch.
    OptedOut = UNPROCESSABLE_ENTITY, "opted-out", "Recipient opted out";
    /// The gateway did not respond, or refused the request. `detail` says whether the request may have been carried out.
    GatewayFailed = BAD_GATEWAY, "gateway-failed", "Gateway failed";
    /// The storage is not available. Nothing was stored.
    Unavailable = SERVICE_UNAVAILABLE, "storage-not-available", "Storage not available";
}

/// An error, as `application/problem+json`.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    /// Further members.
    more: Vec<(&'static str, Value)>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), more: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    pub(super) fn not_found() -> Self {
        Self::new(Kind::NotFound, "There is nothing at this path.")
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, detail)
    }
}

/// The storage is not available: nothing was accepted. The caller tries again later.
impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(Kind::Unavailable, "Nothing was stored. Try again later.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let mut body = json!({
            "type": format!("{TYPES}{}", self.kind.name()),
            "status": status.as_u16(),
            "title": self.kind.title(),
            "detail": self.detail,
        });
        for (name, value) in self.more {
            body[name] = value;
        }
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
