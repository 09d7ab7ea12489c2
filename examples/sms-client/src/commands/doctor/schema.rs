//! The fields and words that the vendor's document and its later versions list. Responses are compared with them.

use super::{
    ask::Answer,
    finding::Findings,
    json::{self, Oddity, Value},
    redact::{is_plain, plain},
};

/// The kind of a field's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Any,
}
use Kind::{Any, Integer, Text};

/// A field: its key, its kind, and whether the document lists it for every record.
type Field = (&'static str, Kind, bool);

/// The expected fields in the response of a call.
pub(super) struct Schema {
    pub(super) name: &'static str,
    head: &'static [Field],
    /// The key of the array.
    pub(super) array: &'static str,
    record: &'static [Field],
    /// A field that contains one of a list of words, and these words.
    words: Option<(&'static str, &'static [&'static str])>,
}

pub(super) const QUEUE: Schema = Schema {
    name: "query_sms_in_queue",
    head: &[("in_queue", Integer, true)],
    array: "",
    record: &[],
    words: None,
};

pub(super) const RESULTS: Schema = Schema {
    name: "query_sms_result",
    head: &[],
    array: "result",
    // user_id is present only if the message was sent with one.
    record: &[
        ("port", Integer, true),
        ("number", Text, true),
        ("user_id", Integer, false),
        ("time", Text, true),
        ("status", Text, true),
        ("count", Integer, true),
        ("succ_count", Integer, true),
        ("ref_id", Integer, true),
        ("imsi", Text, false),
    ],
    words: Some(("status", &["FAILED", "SENDING", "SENT_OK", "DELIVERED"])),
};

pub(super) const REPORTS: Schema = Schema {
    name: "query_sms_deliver_status",
    head: &[],
    array: "result",
    record: &[
        ("port", Integer, true),
        ("number", Text, true),
        ("time", Text, true),
        ("ref_id", Integer, true),
        ("status_code", Integer, true),
        ("imsi", Text, false),
    ],
    words: None,
};

pub(super) const INBOX: Schema = Schema {
    name: "query_incoming_sms",
    head: &[("read", Integer, true), ("unread", Integer, true)],
    array: "sms",
    record: &[
        ("incoming_sms_id", Integer, true),
        ("port", Integer, true),
        ("number", Text, true),
        ("smsc", Text, true),
        ("timestamp", Text, true),
        ("text", Text, true),
        ("imsi", Text, false),
    ],
    words: None,
};

pub(super) const PORTS: Schema = Schema {
    name: "get_port_info",
    head: &[],
    array: "info",
    record: &[
        ("port", Integer, true),
        ("type", Text, false),
        ("imei", Text, false),
        ("imsi", Text, false),
        ("iccid", Text, false),
        ("smsc", Text, false),
        ("number", Text, false),
        ("reg", Text, false),
        ("slot", Integer, false),
        ("callstate", Text, false),
        ("signal", Integer, false),
        ("gprs", Text, false),
    ],
    words: Some(("type", &["GSM", "CDMA", "WCDMA", "LTE", "UNKNOWN"])),
};

/// The fields of every response.
const COMMON: &[Field] = &[("error_code", Integer, true), ("sn", Text, false)];

/// Reads a successful response, reports deviations in it, and returns its JSON.
pub(super) fn examine(schema: &Schema, answer: &Answer, findings: &mut Findings) -> Option<Value> {
    if let (Some(200), Some(error)) = (answer.status, &answer.error) {
        let text = format!("{}: the response did not arrive whole: {}.", schema.name, error.failure);
        findings.problem("http", "incomplete", text);
    }
    let document = answer.document()?;
    if document.trim_ascii_start().starts_with(b"<") {
        let text = format!("{}: the response is a web page.", schema.name);
        findings.problem("json", "web-page", text);
        return None;
    }
    let (value, oddities) = json::read(document);
    let value = value.filter(|value| matches!(value, Value::Object(_)));
    for oddity in oddities {
        let (finding, text) = describe(oddity);
        let text = format!("{}: {text}.", schema.name);
        match oddity {
            // The part of a long document that was read may end anywhere.
            Oddity::Malformed if answer.is_long && value.is_some() => {}
            Oddity::Malformed => findings.problem("json", finding, text),
            _ => findings.quirk("json", finding, text),
        }
    }
    let value = value?;
    // A refused get_port_info is not reported here, because the checks also request fields that it may refuse.
    if schema.name != PORTS.name {
        note_refusal(schema, &value, findings);
    }
    let records = value.records(schema.array);
    let mut whole = records.len();
    if answer.is_long {
        note_long(schema, findings);
        whole = whole.saturating_sub(1);
    } else {
        examine_head(schema, &value, findings);
    }
    for record in records.iter().take(whole) {
        examine_fields(schema, record, schema.record, findings);
        examine_words(schema, record, findings);
    }
    Some(value)
}

/// Reports an error code.
pub(super) fn note_refusal(schema: &Schema, value: &Value, findings: &mut Findings) {
    let text = match value.integer("error_code") {
        None | Some(200) => return,
        Some(code @ 0..=999) => {
            format!("{}: the gateway refuses the query with error_code {code}.", schema.name)
        }
        Some(_) => format!("{}: error_code is not plausible.", schema.name),
    };
    findings.problem("records", "error-code", text);
}

/// Reports a response of more than a megabyte. It is a problem, except for results and status reports, whose number has no limit.
fn note_long(schema: &Schema, findings: &mut Findings) {
    let text = format!("{}: the response has more than 1 MB; only its first part was examined.", schema.name);
    if schema.array == RESULTS.array {
        findings.fact("records", "long-response", text);
    } else {
        findings.problem("json", "long-response", text);
    }
}

const fn describe(oddity: Oddity) -> (&'static str, &'static str) {
    match oddity {
        Oddity::ByteOrderMark => ("byte-order-mark", "a byte order mark precedes the JSON"),
        Oddity::MissingComma => ("missing-comma", "a comma is missing"),
        Oddity::TrailingCommaInArray => {
            ("trailing-comma-in-arrays", "a comma follows the last element of an array")
        }
        Oddity::TrailingCommaInObject => {
            ("trailing-comma-in-records", "a comma follows the last field of an object")
        }
        Oddity::RawControl => ("raw-control", "control characters in strings are not escaped"),
        Oddity::LoneSurrogate => ("lone-surrogate", "a character of two units is cut in half"),
        Oddity::EscapedNonAscii => ("escape-non-ascii", "characters outside ASCII are written as escapes"),
        Oddity::NotUtf8 => ("not-utf-8", "the response is not UTF-8"),
        Oddity::Malformed => ("malformed", "the response is not JSON, or ends too early"),
    }
}

fn examine_head(schema: &Schema, value: &Value, findings: &mut Findings) {
    let Value::Object(fields) = value else { return };
    let first = fields.first().map(|(key, _)| &**key);
    if value.get("error_code").is_some() && first != Some("error_code") {
        findings.quirk(
            "json",
            "error-code-last",
            format!("{}: error_code is not the first key.", schema.name),
        );
    }
    let known: Vec<Field> = COMMON.iter().chain(schema.head).copied().collect();
    examine_fields(schema, value, &known, findings);
}

fn examine_fields(schema: &Schema, object: &Value, known: &[Field], findings: &mut Findings) {
    let Value::Object(fields) = object else { return };
    for (key, value) in fields {
        let kind = match known.iter().find(|(name, ..)| name == key) {
            Some((_, kind, _)) => *kind,
            None if key == schema.array || is_known_elsewhere(schema, key) => Any,
            None => {
                note_unknown(schema, key, findings);
                Any
            }
        };
        let is_integer = |text: &str| text.parse::<i64>().is_ok();
        if kind == Integer {
            examine_integer(schema, key, value.as_str(), findings);
        }
        match (kind, value) {
            (Integer, Value::Text(text)) if is_integer(text) => {
                findings.quirk("json", "integers-as-strings", format!("{}: {key} is a string.", schema.name));
            }
            (Text, Value::Bare(text)) if is_integer(text) => {
                findings.quirk(
                    "json",
                    "strings-as-integers",
                    format!("{}: {key} is an integer.", schema.name),
                );
            }
            _ => {}
        }
    }
    let missing = known.iter().filter(|(key, _, is_due)| *is_due && object.get(key).is_none());
    for (key, ..) in missing {
        let text = format!("{}: {key} is missing.", schema.name);
        findings.extend("fields", "missing-keys", text.clone(), &text);
    }
}

/// Reports an integer that is not spelt as plain digits.
fn examine_integer(schema: &Schema, key: &str, text: &str, findings: &mut Findings) {
    if text.parse::<i64>().is_ok() || json::whole(text).is_none() {
        return;
    }
    let (finding, what) = if text.trim().len() < text.len() {
        ("integers-padded", "has white space around it")
    } else if text.contains(['e', 'E']) {
        ("integers-as-exponents", "is written with an exponent")
    } else {
        ("integers-as-decimals", "is written with a fraction of zeros")
    };
    findings.quirk("json", finding, format!("{}: {key} {what}.", schema.name));
}

/// Returns whether the field belongs to a later version, but is not used by this project's clients.
fn is_known_elsewhere(schema: &Schema, key: &str) -> bool {
    schema.name == PORTS.name && (key.starts_with("remain_") || key.starts_with("CallForward"))
}

fn examine_words(schema: &Schema, record: &Value, findings: &mut Findings) {
    let Some((key, words)) = schema.words else { return };
    let word = record.text(key);
    if word.is_empty() || words.contains(&word) {
        return;
    }
    if words.iter().any(|known| known.eq_ignore_ascii_case(word.trim())) {
        let text = format!("{}: {key} is not in the document's capital letters.", schema.name);
        return findings.quirk("fields", "status-lower-case", text);
    }
    note_unknown_word(schema.name, key, word, findings);
}

/// The maximum number of characters shown of a name.
const MAX_SHOWN: usize = 40;

fn note_unknown(schema: &Schema, key: &str, findings: &mut Findings) {
    let detail = format!("unknown field {:?}.", shown(&plain(key)));
    findings.extend("fields", "unknown-keys", format!("{}: {detail}", schema.name), &detail);
    note_hidden("unknown-keys", key, findings);
}

/// Reports a word that the document does not list.
pub(super) fn note_unknown_word(call: &str, key: &str, word: &str, findings: &mut Findings) {
    let detail = format!("{key} has the unknown word {:?}.", shown(&plain(word)));
    findings.extend("fields", "unknown-words", format!("{call}: {detail}"), &detail);
    note_hidden("unknown-words", word, findings);
}

/// Adds a name or a word that could be private to the local part of the finding.
fn note_hidden(finding: &'static str, word: &str, findings: &mut Findings) {
    if !is_plain(word) {
        findings.add_local(finding, "Hidden in the report:", &format!("{:?}", shown(word)));
    }
}

fn shown(word: &str) -> String {
    word.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_and_words_of_the_api_are_kept_in_a_report() {
        for schema in [QUEUE, RESULTS, REPORTS, INBOX, PORTS] {
            let fields = COMMON.iter().chain(schema.head).chain(schema.record).map(|(name, ..)| *name);
            let words = schema.words.iter().flat_map(|(_, words)| words.iter().copied());
            for word in fields.chain(words).chain([schema.name, schema.array]) {
                assert!(is_plain(word), "{word}");
            }
        }
    }
}
