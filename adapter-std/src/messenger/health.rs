//! The health of a gateway: whether it answers a messenger's requests.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::Error;

/// Whether the gateway answers.
///
/// A receiver that [waits](tokio::sync::watch::Receiver::changed) for a change is woken by each request that fails and by
/// the first one that succeeds again. An error that only a person can remove, such as a refused login, is reported once; it
/// is reported again if it changes, or if it persists after the [credentials](crate::Gateway::set_credentials) were replaced.
///
/// It serializes as `{"error": …, "failures": …}`, without `error` while requests succeed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// Whether any request has succeeded or failed yet.
    pub is_known: bool,
    /// The error of the last request; `None` if it succeeded. Messages wait until requests succeed again.
    pub error: Option<Arc<Error>>,
    /// The number of requests that have failed in a row, including those that were not sent because the login is refused.
    pub failures: u32,
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Health", 2)?;
        if let Some(error) = &self.error {
            fields.serialize_field("error", &error.explain())?;
        }
        fields.serialize_field("failures", &self.failures)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;

    #[test]
    fn health_serializes_with_its_error() {
        let json = |health: &Health| serde_json::to_value(health).unwrap();
        assert_eq!(json(&Health::default()), serde_json::json!({ "failures": 0 }));
        let error = Error::from(Failure::LoginRefused);
        let text = error.explain();
        let health = Health { is_known: true, error: Some(Arc::new(error)), failures: 2 };
        assert_eq!(json(&health), serde_json::json!({ "error": text, "failures": 2 }));
    }
}
