//! The parameters of requests' queries.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::{Api, problem::Problem};

/// The parameters of a query.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Api>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let read = Query::try_from_uri(&parts.uri);
        let Query(params) = read.map_err(|error| Problem::invalid(format!("{}.", error.body_text())))?;
        Ok(Self(params))
    }
}
