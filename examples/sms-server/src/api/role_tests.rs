//! Each endpoint with each kind of key, as the page for operators documents it.

use axum::http::Method;
use serde_json::Value;

use super::{
    endpoints, openapi_tests,
    tests::{api, call, message, send},
};

const PAGE: &str = include_str!("../../docs/operators.md");

/// The keys in the order of the table's columns.
const KEYS: [&str; 6] = ["", "send", "read", "role read", "role operator", "role admin"];

/// Returns the method, the path, and for each key whether it is permitted.
fn rows() -> Vec<(Method, String, [bool; 6])> {
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let request = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        // Other tables begin with other things.
        let (method, path) = request.split_once(' ').filter(|(_, path)| path.starts_with('/'))?;
        let permitted: Vec<_> = cells.map(|cell| cell == "yes").collect();
        Some((method.parse().unwrap(), path.to_owned(), permitted.try_into().unwrap()))
    };
    PAGE.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect()
}

#[test]
fn the_documented_table_lists_each_endpoint() {
    let documented: Vec<_> = rows().into_iter().map(|(method, path, _)| (method, path)).collect();
    let endpoints: Vec<_> =
        endpoints::all().into_iter().map(|endpoint| (endpoint.method, endpoint.path.to_owned())).collect();
    assert_eq!(documented, endpoints);
}

#[tokio::test]
async fn each_key_is_permitted_what_is_documented() {
    let api = api().await;
    let (_, accepted) = send(&api, "all", &[], &message()).await;
    let id = accepted["id"].as_str().unwrap();
    for (method, path, permitted) in rows() {
        let template = path;
        let path = template.replace("{id}", id).replace("{name}", "box").replace("{port}", "0");
        let path = path.replace("{number}", "+4915112345");
        for (key, is_permitted) in KEYS.into_iter().zip(permitted) {
            let (status, body) = call(&api, method.clone(), &path, key, &[], &Value::Null).await;
            if template != "/metrics" || status != 200 {
                openapi_tests::assert_described(method.as_str(), &template, status, &body);
            }
            let refused = if key.is_empty() { 401 } else { 403 };
            if is_permitted {
                assert!(status != 401 && status != 403, "{key} {method} {path}: {status}");
            } else {
                assert_eq!(status, refused, "{key} {method} {path}");
            }
        }
        let (status, _) = call(&api, method.clone(), &path, "unknown", &[], &Value::Null).await;
        assert_eq!(status == 401, !permitted[0], "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn an_account_does_not_see_the_messages_of_another() {
    let api = api().await;
    let (_, accepted) = send(&api, "all", &[], &message()).await;
    let path = format!("/v1/messages/{}", accepted["id"].as_str().unwrap());
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(call(&api, method, &path, "other", &[], &Value::Null).await.0, 404);
    }
    let (_, listed) = call(&api, Method::GET, "/v1/messages", "other", &[], &Value::Null).await;
    assert_eq!(listed["messages"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn an_operator_sees_the_metadata_of_all_messages_without_numbers_and_texts() {
    let api = api().await;
    send(&api, "all", &[], &message()).await;
    send(&api, "other", &[], &message()).await;
    let (_, listed) = call(&api, Method::GET, "/v1/messages", "role admin", &[], &Value::Null).await;
    let messages = listed["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    for one in messages {
        assert_eq!((&one["to"], &one["state"]), (&"+49151…01".into(), &"queued".into()));
        assert_eq!((&one["text"], &one["reference"]), (&Value::Null, &Value::Null));
        let path = format!("/v1/messages/{}", one["id"].as_str().unwrap());
        let (_, shown) = call(&api, Method::GET, &path, "role read", &[], &Value::Null).await;
        assert_eq!((&shown["to"], &shown["account"]), (&one["to"], &one["account"]));
    }
    assert_eq!((&messages[0]["account"], &messages[1]["account"]), (&"#1".into(), &"#0".into()));
}
