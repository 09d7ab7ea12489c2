//! The bodies of requests.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use tokio::time::timeout;

use super::problem::{Kind, Problem};

/// The time for a client to send a body.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// A body that has arrived in time and is not too long.
pub(super) struct Entire(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Entire {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Ok(body) = timeout(LIMIT, Bytes::from_request(request, state)).await else {
            let detail = format!("The body did not arrive within {} s.", LIMIT.as_secs());
            return Err(Problem::new(Kind::BodyTooSlow, detail));
        };
        body.map(Self).map_err(|rejected| match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = format!("A body has at most {} bytes.", super::MAX_BYTES);
                Problem::new(Kind::BodyTooLong, detail)
            }
            _ => Problem::invalid("The body cannot be read."),
        })
    }
}
