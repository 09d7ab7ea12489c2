//! The OpenAPI document. Tests compare it with the endpoints and with their responses.

use axum::{http::header, response::IntoResponse};

/// The document.
pub(super) const DOCUMENT: &str = include_str!("../../openapi.json");

/// Returns the document.
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
