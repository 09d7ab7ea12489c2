//! The health of a gateway: whether it answers a messenger's requests.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::Error;

/// Whether the gateway answers.
///
/// A receiver that [waits](tokio::sync::watch::Receiver::changed) for a change is woken by each request that fails, and by
/// the first request that succeeds again. An error that only a person can remove, such as a refused login, is reported once.
/// It is reported again if it changes, or if it persists after the [credentials](crate::Gateway::set_credentials) were replaced.
///
/// It serializes as `{"error": …, "failures": …}`, without `error` while requests succeed.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Whether any request has succeeded or failed yet.
    #[serde(skip)]
    pub is_known: bool,
    /// The reason requests fail; `None` if they succeed. If the gateway refuses one kind of request, for example requests for results,
    /// the error lasts until a request of that kind succeeds, or more than 16 other requests have succeeded since. Messages wait until
    /// requests succeed again.
    #[serde(serialize_with = "explain", skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<Error>>,
    /// The number of consecutive failures. All concern the kind of request that `error` concerns, or the gateway as a whole. Requests
    /// that are not sent because the login is refused count too.
    pub failures: u32,
}

#[allow(clippy::ref_option)] // serde passes the field.
fn explain<S: Serializer>(error: &Option<Arc<Error>>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(|error| error.explain()).serialize(serializer)
}
