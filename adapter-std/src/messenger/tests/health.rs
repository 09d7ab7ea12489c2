//! The health of a gateway.

use std::sync::Arc;

use crate::{Error, Failure, Health};

#[test]
fn health_serializes_with_its_error() {
    let json = |health: &Health| serde_json::to_value(health).unwrap();
    assert_eq!(json(&Health::default()), serde_json::json!({ "failures": 0 }));
    let error = Error::from(Failure::LoginRefused);
    let text = error.explain();
    let health = Health { is_known: true, error: Some(Arc::new(error)), failures: 2 };
    assert_eq!(json(&health), serde_json::json!({ "error": text, "failures": 2 }));
}
