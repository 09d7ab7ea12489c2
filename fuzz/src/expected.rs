//! The values that serde_json reads from a response, and the comparison with a decoder.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use sms_gateway_core::{
    call::{Call, Decoder},
    json::MAX_KEY_BYTES,
};

use crate::whole::whole;

/// Each call with the keys of its response, the key of its list, and the keys of the list's records.
const CALLS: [[&str; 4]; 9] = [
    ["send_sms", "error_code sms_in_queue task_id sn", "", ""],
    [
        "query_sms_result",
        "error_code sn",
        "result",
        "port user_id number time status count succ_count ref_id imsi",
    ],
    ["query_sms_deliver_status", "error_code sn", "result", "port number time ref_id status_code imsi"],
    ["query_sms_in_queue", "error_code in_queue sn", "", ""],
    [
        "query_incoming_sms",
        "error_code read unread sn",
        "sms",
        "incoming_sms_id port number smsc timestamp text imsi",
    ],
    ["send_ussd", "request_id error_code sn", "result", "port status"],
    ["query_ussd_reply", "error_code sn", "reply", "port text"],
    ["stop_sms", "error_code sn", "", ""],
    [
        "get_port_info",
        "error_code sn",
        "info",
        "port type imei imsi iccid smsc number reg slot callstate signal gprs",
    ],
];
/// The keys of 64-bit integers, and of unsigned 32-bit integers.
const LONG: &str = "user_id incoming_sms_id request_id task_id";
const SHORT: &str =
    "port count succ_count ref_id status_code slot signal error_code in_queue sms_in_queue read unread";

fn is_in(key: &str, keys: &str) -> bool {
    keys.split(' ').any(|known| known == key)
}

/// An object with all its members, including repeated keys.
struct Members<'d>(Vec<(String, &'d RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, _>()? {
                    // An overlong key is unknown, even if it would be known without its trailing colons.
                    let known = if key.len() > MAX_KEY_BYTES { &key } else { key.trim_end_matches(':') };
                    members.push((known.to_owned(), value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Returns a value's characters, or `None` for null and for nested values.
fn characters(value: &RawValue) -> serde_json::Result<Option<String>> {
    Ok(match value.get() {
        "null" => None,
        text if text.starts_with('"') => Some(serde_json::from_str(text)?),
        nested if nested.starts_with(['[', '{']) => None,
        bare => Some(bare.to_owned()),
    })
}

/// Returns the known values of an object. The value of a repeated key is the first one that is neither null nor nested.
fn known(keys: &str, members: &Members<'_>) -> serde_json::Result<BTreeMap<String, String>> {
    let mut known = BTreeMap::new();
    for (key, value) in &members.0 {
        if is_in(key, keys)
            && !known.contains_key(key)
            && let Some(characters) = characters(value)?
        {
            known.insert(key.clone(), characters);
        }
    }
    Ok(known)
}

/// Converts words and times to upper case, and removes white space around them, before they are compared.
fn alike(mut object: Value) -> Value {
    for key in ["status", "type", "reg", "time", "timestamp"] {
        if let Some(Value::String(text)) = object.get_mut(key) {
            *text = text.trim_ascii().to_ascii_uppercase();
        }
    }
    object
}

/// Returns a value as it must be serialized.
fn typed(ussd: bool, key: &str, characters: &str) -> Value {
    let short = is_in(key, SHORT) || ussd && key == "status";
    match whole(characters) {
        Some(number) if is_in(key, LONG) || short && u32::try_from(number).is_ok() => number.into(),
        _ => characters.into(),
    }
}

fn same(call: &str, expected: &BTreeMap<String, String>, found: impl Serialize) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(key, value)| (key.clone(), typed(call == "send_ussd", key, value))).collect();
    assert_eq!(alike(serde_json::to_value(found).unwrap()), alike(serde_json::to_value(expected).unwrap()));
}

/// Asserts that a document which serde_json accepts is read with the same values.
///
/// # Panics
/// If the values differ.
pub fn agrees<C: Call>(document: &[u8])
where
    for<'a> C::Record<'a>: Serialize,
    for<'a> C::Summary<'a>: Serialize,
{
    let _ = compare::<C>(document);
}

/// Compares the values that serde_json and the decoder read. Returns an error without comparing if serde_json does not accept the
/// document, or if a record is not an object.
fn compare<C: Call>(document: &[u8]) -> serde_json::Result<()>
where
    for<'a> C::Record<'a>: Serialize,
    for<'a> C::Summary<'a>: Serialize,
{
    let members: Members<'_> = serde_json::from_slice(document)?;
    let [call, head, list, keys] =
        CALLS.into_iter().find(|call| call[0] == C::NAME).expect("one of the nine");
    let expected_head = known(head, &members)?;
    let mut expected = Vec::new();
    for (key, value) in &members.0 {
        if !list.is_empty() && key == list && value.get().starts_with(['[', '{']) {
            for record in serde_json::from_str::<Vec<Members<'_>>>(value.get())? {
                expected.push(known(keys, &record)?);
            }
            // A second list is ignored.
            break;
        }
    }
    let mut decoder = Decoder::<C, _>::new(vec![0; document.len()]);
    let mut input = document;
    for record in expected {
        same(call, &record, decoder.next(&mut input).unwrap().expect("a further record"));
    }
    assert!(decoder.next(&mut input).unwrap().is_none(), "no further record");
    same(call, &expected_head, decoder.finish().unwrap());
    Ok(())
}
