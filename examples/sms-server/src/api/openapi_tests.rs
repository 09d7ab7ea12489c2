//! The OpenAPI document, compared with the endpoints, the kinds of problems, and real responses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{access::Access, endpoints, openapi, problem::Kind};

fn document() -> Value {
    serde_json::from_str(openapi::DOCUMENT).unwrap()
}

fn security(access: Access) -> Value {
    let role = access.role().map(|role| format!("role {role}"));
    let scopes: Vec<_> = access.scope().map(|scope| scope.to_string()).into_iter().chain(role).collect();
    if scopes.is_empty() { json!([]) } else { json!([{ "key": scopes }]) }
}

#[test]
fn the_document_describes_each_endpoint_with_its_callers() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert((path.clone(), method.to_uppercase(), operation["security"].to_string()));
        }
    }
    let endpoint = |endpoint: endpoints::Endpoint| {
        (endpoint.path.to_owned(), endpoint.method.to_string(), security(endpoint.access).to_string())
    };
    assert_eq!(described, endpoints::all().into_iter().map(endpoint).collect());
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_lists_the_kinds_of_problems() {
    let document = document();
    let kinds: Vec<_> =
        Kind::ALL.iter().map(|kind| format!("urn:sms-server:problem:{}", kind.name())).collect();
    assert_eq!(document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"], json!(kinds));
}

/// Asserts that a response is as the document describes it. `path` is that of the endpoint.
pub(super) fn assert_described(method: &str, path: &str, status: u16, body: &Value) {
    let document = document();
    let responses = &document["paths"][path][method.to_lowercase()]["responses"];
    let response = &responses[status.to_string()];
    assert!(response.is_object(), "{method} {path}: {status} is not described");
    let Some(content) = response["content"].as_object() else {
        return assert!(body.is_null(), "{method} {path} {status}: a body is not described");
    };
    let schema = &content.values().next().unwrap()["schema"];
    if let Err(flaw) = conforms(&document, schema, body) {
        panic!("{method} {path} {status}: {flaw}: {body}");
    }
}

/// Checks a value with the keywords of schemas that the document uses.
fn conforms(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target =
            document.pointer(name.trim_start_matches('#')).ok_or(format!("{name} does not exist"))?;
        return conforms(document, target, value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|choice| conforms(document, choice, value).is_ok()).count();
        return if fits == 1 { Ok(()) } else { Err(format!("{fits} of the schemas fit")) };
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return Err(format!("{value} is not listed"));
    }
    match (schema["type"].as_str(), value) {
        (Some("string"), Value::String(_)) | (Some("boolean"), Value::Bool(_)) => Ok(()),
        (Some("integer"), Value::Number(number)) if number.is_u64() => Ok(()),
        (Some("array"), Value::Array(items)) => {
            items.iter().try_for_each(|item| conforms(document, &schema["items"], item))
        }
        (Some("object"), Value::Object(members)) => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for name in required {
                members.get(name).ok_or(format!("{name} is missing"))?;
            }
            for (name, member) in members {
                match schema["properties"].get(name) {
                    Some(schema) => {
                        conforms(document, schema, member).map_err(|flaw| format!("{name}: {flaw}"))?;
                    }
                    None if schema["additionalProperties"] == false => {
                        return Err(format!("{name} is not described"));
                    }
                    None => {}
                }
            }
            Ok(())
        }
        (kind, _) => Err(format!("{value} is not of type {kind:?}")),
    }
}

#[test]
fn a_response_that_is_not_as_described_is_noticed() {
    let document = document();
    let schema = json!({ "$ref": "#/components/schemas/Accepted" });
    assert!(conforms(&document, &schema, &json!({ "id": "msg_1" })).is_ok());
    for wrong in [json!({}), json!({ "id": 1 }), json!({ "id": "msg_1", "more": 1 }), json!([])] {
        assert!(conforms(&document, &schema, &wrong).is_err(), "{wrong}");
    }
}
