//! Well-formed responses. The reader must agree with serde_json on them.

use std::{
    format,
    string::{String, ToString},
    thread,
};

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{
    CallResponse, LARGE, Meaning, cases,
    document::Json,
    generate::any_response,
    means, of_call,
    oracle::{Meant, Values},
    pen::{Faults, Pen},
};
use crate::{
    call::{QueryIncomingSms, QuerySmsResult, tests::read},
    json::Field,
};

fn values(object: &Map<String, Value>) -> Values {
    let meant = |value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Meant { text, lossy: false })
    };
    object.iter().map(|(key, value)| (key.clone(), meant(value))).collect()
}

fn serde_json_meaning<C: CallResponse>(document: &[u8]) -> Meaning {
    let value: Value = serde_json::from_slice(document).unwrap();
    let list = C::LIST.and_then(|list| value[list].as_array());
    let records = list.into_iter().flatten().map(|record| values(record.as_object().unwrap()));
    Meaning { head: values(value.as_object().unwrap()), records: records.collect() }
}

fn agree<C: CallResponse>(json: &Json, tape: &[u8], sizes: &[usize])
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let document = Pen::write(tape, Faults::default(), &json.clone().once_each());
    means::<C>(&document, sizes, &serde_json_meaning::<C>(&document));
    // This checks `Json::meant`, on which the tests of malformed responses rely.
    let document = Pen::write(tape, Faults::default(), json);
    means::<C>(&document, &[LARGE], &json.meant::<C>());
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn valid_responses_are_decoded_as_by_serde_json(
        (call, json) in any_response(false),
        tape in prop::collection::vec(any::<u8>(), 0..50),
        sizes in prop::collection::vec(1..40_usize, 1..6),
    ) {
        of_call!(call, agree(&json, &tape, &sizes));
    }
}

/// Returns the value as it is read into an `i64` field and into a `u32` field.
fn integers(value: &str) -> [String; 2] {
    let document = format!(r#"{{"result":[{{"user_id":{value},"port":{value}}}]}}"#);
    let mut buffer = [0; 256];
    let mut decoder = crate::call::Decoder::<QuerySmsResult, _>::new(&mut buffer[..]);
    let mut input = document.as_bytes();
    let record = decoder.next(&mut input).unwrap().unwrap();
    let shown = |known: Option<String>, raw: String| known.unwrap_or(format!("other {raw}"));
    let id: Field<'_, i64> = record.user_id;
    [
        shown(id.get().map(|id| id.to_string()), id.to_string()),
        shown(record.port.get().map(|port| port.to_string()), record.port.to_string()),
    ]
}

#[test]
fn integers_are_distinguished_from_other_values() {
    for (value, id, port) in [
        ("0", "0", "0"),
        ("-0", "0", "0"),
        ("+5", "5", "5"),
        ("-5", "-5", "other -5"),
        ("007", "7", "7"),
        ("4294967295", "4294967295", "4294967295"),
        ("+4294967295", "4294967295", "4294967295"),
        ("4294967296", "4294967296", "other 4294967296"),
        ("9223372036854775807", "9223372036854775807", "other 9223372036854775807"),
        ("9223372036854775808", "other 9223372036854775808", "other 9223372036854775808"),
        ("-9223372036854775808", "-9223372036854775808", "other -9223372036854775808"),
        ("-9223372036854775809", "other -9223372036854775809", "other -9223372036854775809"),
        ("99999999999999999999999", "other 99999999999999999999999", "other 99999999999999999999999"),
        ("1.0", "1", "1"),
        ("1e3", "1000", "1000"),
        ("2.00e2", "200", "200"),
        ("1.5", "other 1.5", "other 1.5"),
        ("1_0", "other 1_0", "other 1_0"),
        ("0x1", "other 0x1", "other 0x1"),
        ("+", "other +", "other +"),
        ("-", "other -", "other -"),
        ("+-1", "other +-1", "other +-1"),
        ("true", "other true", "other true"),
    ] {
        assert_eq!(integers(value), [id, port], "{value}");
        assert_eq!(integers(&format!("\"{value}\"")), [id, port], "{value} in quotes");
    }
    assert_eq!(integers(r#""""#), ["other ", "other "]);
    assert_eq!(integers(r#"" 5 ""#), ["5", "5"]);
    assert_eq!(integers("12345678901234567890123456789012345678901234567890")[0].len(), "other ".len() + 50);
}

#[test]
fn hundred_thousand_levels_of_nesting_are_skipped() {
    const LEVELS: usize = 100_000;
    let deep = "[".repeat(LEVELS) + "\"]}\\\"\"" + &"]".repeat(LEVELS);
    let mixed = r#"{"a":["#.repeat(LEVELS / 2) + &"]}".repeat(LEVELS / 2);
    let document = format!(
        r#"{{"x":{deep},"sms":[{{"incoming_sms_id":1,"y":{mixed},"text":"a"}},{{"text":{deep},"port":2}}],"read":{mixed},"unread":3}}"#
    );
    let reading = thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || read::<QueryIncomingSms>(document.as_bytes().chunks(4096), LARGE));
    let found = reading.unwrap().join().unwrap();
    let plain = r#"{"sms":[{"incoming_sms_id":1,"text":"a"},{"port":2}],"unread":3}"#;
    assert_eq!(found, read::<QueryIncomingSms>([plain.as_bytes()], LARGE));
    assert_eq!(found.end, Ok(()));
    assert_eq!(found.records.len(), 2);
}
