use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{openapi_tests::assert_described, *};
use crate::{
    config::{Role, Scope},
    routes::Route,
    storage::{AccountId, PoolId, Redb},
};

/// Returns a key for each role of operators.
pub(super) fn operators() -> Keys {
    let mut keys = Keys::default();
    for role in [Role::Read, Role::Operator, Role::Admin] {
        keys.add(hash(&format!("role {role}")), Caller::Operator { name: "ops".into(), role });
    }
    keys
}

pub(super) async fn api() -> Router {
    let storage: Arc<dyn Storage> = Arc::new(Redb::in_memory().unwrap());
    let queue = Queue::open(Arc::clone(&storage)).await.unwrap();
    let routes = Routes(vec![Route { account: None, prefix: "+49".to_owned(), pool: PoolId(0) }]);
    let mut keys = operators();
    let mut add = |key: &str, account, scopes: &[Scope]| {
        let scopes = scopes.iter().copied().collect();
        keys.add(hash(key), Caller::Account { account: AccountId(account), scopes });
    };
    add("all", 0, &[Scope::Send, Scope::Read]);
    add("read", 0, &[Scope::Read]);
    add("send", 0, &[Scope::Send]);
    add("other", 1, &[Scope::Send, Scope::Read]);
    router(Arc::new(Api {
        storage,
        queue,
        routes,
        keys,
        names: Names::default(),
        gateways: BTreeMap::new(),
        process: Process::default(),
        // No folder can be created there.
        backups: "/dev/null/backups".into(),
    }))
}

pub(super) async fn call(
    api: &Router,
    method: Method,
    path: &str,
    key: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if !key.is_empty() {
        request = request.header("Authorization", format!("Bearer {key}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let response = api.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type");
    let is_problem = kind.is_some_and(|kind| kind == "application/problem+json");
    // A message that cannot be cancelled is shown, and so is the state of a server that is not ready.
    assert_eq!(is_problem, status >= 400 && status != 409 && path != "/readyz", "{status}");
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

pub(super) async fn send(api: &Router, key: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    call(api, Method::POST, "/v1/messages", key, headers, body).await
}

pub(super) fn message() -> Value {
    json!({ "to": "+49 (151) 0000-001", "text": "Hello", "reference": "order 7" })
}

#[tokio::test]
async fn a_message_is_accepted_shown_listed_and_cancelled() {
    let api = api().await;
    let (status, accepted) = send(&api, "all", &[], &message()).await;
    assert_eq!(status, 202);
    assert_described("POST", "/v1/messages", status, &accepted);
    let id = accepted["id"].as_str().unwrap();
    let path = format!("/v1/messages/{id}");
    let (status, shown) = call(&api, Method::GET, &path, "all", &[], &Value::Null).await;
    assert_described("GET", "/v1/messages/{id}", status, &shown);
    assert_eq!((status, &shown["to"], &shown["state"]), (200, &json!("+491510000001"), &json!("queued")));
    assert_eq!(shown["history"].as_array().map(Vec::len), Some(1));
    let (status, cancelled) = call(&api, Method::DELETE, &path, "all", &[], &Value::Null).await;
    assert_eq!(
        (status, &cancelled["state"], &cancelled["is_final"]),
        (200, &json!("cancelled"), &json!(true))
    );
    let (status, _) = call(&api, Method::DELETE, &path, "all", &[], &Value::Null).await;
    assert_eq!(status, 409);
    let (_, listed) = call(&api, Method::GET, "/v1/messages?limit=5", "all", &[], &Value::Null).await;
    assert_eq!((listed["messages"].as_array().map(Vec::len), &listed["next"]), (Some(1), &Value::Null));
}

#[tokio::test]
async fn lists_have_pages() {
    let api = api().await;
    let (_, accepted) = send(&api, "all", &[], &json!({ "messages": vec![message(); 5] })).await;
    let mut ids: Vec<_> =
        accepted["messages"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    ids.reverse();
    let (mut listed, mut path) = (Vec::new(), "/v1/messages?limit=2".to_owned());
    loop {
        let (_, page) = call(&api, Method::GET, &path, "read", &[], &Value::Null).await;
        listed.extend(page["messages"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/messages?limit=2&cursor={next}");
    }
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_repeated_key_returns_the_first_response_and_another_body_is_refused() {
    let api = api().await;
    let key = [("Idempotency-Key", "k1")];
    let first = send(&api, "all", &key, &message()).await;
    assert_eq!(send(&api, "all", &key, &message()).await, first);
    let mut other = message();
    other["text"] = json!("Hi");
    assert_eq!(send(&api, "all", &key, &other).await.0, 422);
    assert_ne!(send(&api, "other", &key, &message()).await, first);
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_named() {
    let api = api().await;
    for (field, value, status) in [
        ("to", json!("0151 x"), 400),
        ("to", json!("+43151"), 422),
        ("text", json!(""), 400),
        ("text", json!("x".repeat(1501)), 400),
        ("reference", json!("x".repeat(256)), 400),
        ("priority", json!(10), 400),
        ("valid_for", json!(0), 400),
        ("valid_for", json!(259_201), 400),
    ] {
        let mut wrong = message();
        wrong[field] = value;
        let (found, problem) = send(&api, "all", &[], &json!({ "messages": [message(), wrong] })).await;
        assert_eq!(
            (found, &problem["field"], &problem["index"]),
            (status, &json!(field), &json!(1)),
            "{problem}"
        );
    }
    let (_, listed) = call(&api, Method::GET, "/v1/messages", "all", &[], &Value::Null).await;
    assert_eq!(listed["messages"], json!([]));
    let mut unknown = message();
    unknown["txt"] = json!("x");
    assert_eq!(send(&api, "all", &[], &unknown).await.0, StatusCode::BAD_REQUEST.as_u16());
    assert_eq!(call(&api, Method::GET, "/v1/nothing", "all", &[], &Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_in_time_is_refused() {
    let api = api().await;
    let mut beginning = Some(Ok::<_, std::io::Error>("{"));
    let body = futures_util::stream::poll_fn(move |_| match beginning.take() {
        Some(beginning) => std::task::Poll::Ready(Some(beginning)),
        None => std::task::Poll::Pending,
    });
    let request = Request::post("/v1/messages").header("Authorization", "Bearer all");
    let request = request.body(Body::from_stream(body)).unwrap();
    let began = tokio::time::Instant::now();
    let response = api.oneshot(request).await.unwrap();
    assert_eq!((response.status(), began.elapsed()), (StatusCode::REQUEST_TIMEOUT, body::LIMIT));
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let api = api().await;
    let body = Value::String("x".repeat(MAX_BYTES));
    assert_eq!(send(&api, "all", &[], &body).await.0, StatusCode::PAYLOAD_TOO_LARGE.as_u16());
}

#[tokio::test]
async fn a_wrong_query_is_a_problem() {
    let api = api().await;
    for query in ["limit=0", "limit=x", "cursor=x", "before=1"] {
        let path = format!("/v1/messages?{query}");
        let (status, problem) = call(&api, Method::GET, &path, "read", &[], &Value::Null).await;
        assert_eq!(
            (status, &problem["type"]),
            (400, &json!("urn:sms-server:problem:invalid-request")),
            "{query}"
        );
    }
}

/// The path of the recipient of [`message`].
const OPT_OUT: &str = "/v1/opt-outs/+491510000001";

/// Makes a request without a body.
async fn request(api: &Router, method: Method, path: &str, key: &str) -> (u16, Value) {
    call(api, method, path, key, &[], &Value::Null).await
}

#[tokio::test]
async fn a_message_to_a_recipient_who_opted_out_is_refused_until_the_recipient_opts_in() {
    let api = api().await;
    assert_eq!(request(&api, Method::PUT, OPT_OUT, "all").await.0, 204);
    let mut other = message();
    other["to"] = json!("+4915199");
    let batch = json!({ "messages": [other, message()] });
    let key = [("Idempotency-Key", "batch")];
    let (status, problem) = send(&api, "all", &key, &batch).await;
    assert_described("POST", "/v1/messages", status, &problem);
    assert_eq!((status, &problem["index"]), (422, &json!(1)), "{problem}");
    assert_eq!(problem["type"], json!("urn:sms-server:problem:opted-out"));
    let (_, listed) = request(&api, Method::GET, "/v1/messages", "all").await;
    assert_eq!(listed["messages"], json!([]));
    // Another account may send to the recipient.
    assert_eq!(send(&api, "other", &[], &message()).await.0, 202);
    assert_eq!(request(&api, Method::DELETE, OPT_OUT, "other").await.0, 404);
    assert_eq!(request(&api, Method::DELETE, OPT_OUT, "all").await.0, 204);
    assert_eq!(send(&api, "all", &key, &batch).await.0, 202);
}

#[tokio::test]
async fn a_repeated_key_returns_the_first_response_although_the_recipient_opted_out_since() {
    let api = api().await;
    let key = [("Idempotency-Key", "k1")];
    let first = send(&api, "all", &key, &message()).await;
    assert_eq!(first.0, 202);
    assert_eq!(request(&api, Method::PUT, OPT_OUT, "all").await.0, 204);
    assert_eq!(send(&api, "all", &key, &message()).await, first);
    assert_eq!(send(&api, "all", &[], &message()).await.0, 422);
}

#[tokio::test]
async fn opt_outs_have_pages_whose_cursors_need_no_encoding() {
    let api = api().await;
    let numbers = ["+49151", "+49152", "+49153", "0151", "110"];
    for number in numbers.iter().rev() {
        let path = format!("/v1/opt-outs/{number}");
        assert_eq!(request(&api, Method::PUT, &path, "all").await.0, 204);
    }
    let (mut listed, mut path) = (Vec::new(), "/v1/opt-outs?limit=2".to_owned());
    loop {
        let (status, page) = request(&api, Method::GET, &path, "all").await;
        assert_described("GET", "/v1/opt-outs", status, &page);
        let found = page["opt_outs"].as_array().unwrap();
        listed.extend(found.iter().map(|one| one["number"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/opt-outs?limit=2&cursor={next}");
    }
    assert_eq!(listed, numbers);
    let (_, others) = request(&api, Method::GET, "/v1/opt-outs", "other").await;
    assert_eq!(others["opt_outs"], json!([]));
}
