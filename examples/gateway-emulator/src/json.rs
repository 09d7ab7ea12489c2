//! Writes responses as JSON, with the quirks that are switched on.

use std::fmt::Write as _;

use serde_json::Value;

use crate::quirks::{IntegerSpelling, Quirks};

/// The serial number of the gateway, which later versions put into every response.
const SERIAL: &str = "da00-0089-1020-0015";

/// One object of an array. Its keys are in the order in which the document lists them.
pub(crate) type Record = Vec<(&'static str, Value)>;

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) error_code: u16,
    /// The fields before the array.
    pub(crate) head: Record,
    pub(crate) array: Option<(&'static str, Vec<Record>)>,
    /// The fields after the array.
    pub(crate) tail: Record,
    /// The length in bytes at which the response is cut off.
    pub(crate) limit: Option<usize>,
}

impl Answer {
    /// Creates a response that contains only an error code.
    pub(crate) fn code(error_code: u16) -> Self {
        Self { error_code, head: Vec::new(), array: None, tail: Vec::new(), limit: None }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.head.push((key, value.into()));
        self
    }

    pub(crate) fn array(mut self, key: &'static str, records: Vec<Record>) -> Self {
        self.array = Some((key, records));
        self
    }

    pub(crate) fn then(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.tail.push((key, value.into()));
        self
    }
}

/// Writes responses with the quirks that are switched on.
pub(crate) struct Writer<'a>(pub(crate) &'a Quirks);

impl Writer<'_> {
    pub(crate) fn answer(&self, answer: &Answer) -> String {
        let quirks = self.0;
        let mut fields = Vec::new();
        if quirks.later_version {
            fields.push(self.field("sn", &SERIAL.into()));
        }
        if quirks.unknown_keys {
            fields.push(r#""vendor":{"a":[[],{"b":[null,true,-1.5e3]}],"c":{}}"#.to_owned());
        }
        fields.extend(self.fields(&answer.head));
        fields.extend(answer.array.iter().map(|(key, records)| self.array(key, records)));
        fields.extend(self.fields(&answer.tail));
        let start = if quirks.byte_order_mark { "\u{feff}{" } else { "{" };
        let code = self.field("error_code", &answer.error_code.into());
        let comma = if quirks.missing_comma || fields.is_empty() { "" } else { "," };
        let mut written = if quirks.error_code_last {
            format!("{start}{}{}{code}}}", fields.join(","), if fields.is_empty() { "" } else { "," })
        } else {
            format!("{start}{code}{comma}{}}}", fields.join(","))
        };
        if let Some(limit) = answer.limit {
            let end = (0..=limit.min(written.len())).rev().find(|end| written.is_char_boundary(*end));
            written.truncate(end.unwrap_or_default());
        }
        written
    }

    pub(crate) fn record(&self, record: &Record) -> String {
        let mut fields: Vec<_> = self.fields(record).collect();
        if self.0.unknown_keys {
            fields.insert(1.min(fields.len()), r#""extra":{"x":[1,{"y":"}]"}]}"#.to_owned());
        }
        let comma = if self.0.trailing_comma_in_records { "," } else { "" };
        format!("{{{}{comma}}}", fields.join(","))
    }

    fn array(&self, key: &str, records: &[Record]) -> String {
        let records: Vec<_> = records.iter().map(|record| self.record(record)).collect();
        let trails = self.0.trailing_comma_in_arrays && !records.is_empty();
        format!("{}:[{}{}]", quoted(key), records.join(","), if trails { "," } else { "" })
    }

    fn fields(&self, record: &Record) -> impl Iterator<Item = String> {
        let dispensable = ["smsc", "succ_count", "sms_in_queue", "read", "unread"];
        let kept = record.iter().filter(move |(key, _)| !self.0.missing_keys || !dispensable.contains(key));
        kept.map(|(key, value)| self.field(key, value))
    }

    fn field(&self, key: &str, value: &Value) -> String {
        format!("{}:{}", quoted(key), self.value(value))
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => self.integer(&number.to_string()),
            Value::String(text) if self.0.strings_as_integers && is_integer(text) => text.clone(),
            Value::String(text) => self.string(text),
            other => other.to_string(),
        }
    }

    fn integer(&self, number: &str) -> String {
        let written = match (self.0.integers, number.strip_suffix("00")) {
            (IntegerSpelling::Plain, _) | (IntegerSpelling::Exponent, None) => number.to_owned(),
            (IntegerSpelling::Decimal, _) => format!("{number}.0"),
            (IntegerSpelling::Exponent, Some(hundreds)) => format!("{hundreds}e2"),
            (IntegerSpelling::Padded, _) => return format!("\" {number} \""),
        };
        if self.0.integers_as_strings { format!("\"{written}\"") } else { written }
    }

    fn string(&self, text: &str) -> String {
        let mut written = quoted(text);
        if self.0.raw_control {
            written = with_raw_control(text);
        }
        if self.0.raw_quotes {
            written = format!("\"{}\"", written[1..written.len() - 1].replace("\\\"", "\""));
        }
        if self.0.lone_surrogate {
            written = with_lone_surrogate(written, text);
        }
        if self.0.escape_non_ascii {
            written = escaped(&written);
        }
        written
    }
}

/// Writes a string with the usual escapes.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Whether the text is also a valid JSON integer that fits a `u64`.
fn is_integer(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
    plain && text.parse::<u64>().is_ok()
}

/// Writes a string in which only quotes and backslashes are escaped.
fn with_raw_control(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Cuts the last character in half if it has two UTF-16 units, as happens in a text that is cut after 70 units.
fn with_lone_surrogate(written: String, text: &str) -> String {
    match text.chars().next_back() {
        Some(last) if last.len_utf16() == 2 => {
            let [high, _] = units(last);
            format!("{}\\u{high:04x}\"", &written[..written.len() - 1 - last.len_utf8()])
        }
        _ => written,
    }
}

fn units(c: char) -> [u16; 2] {
    let mut units = [0; 2];
    c.encode_utf16(&mut units);
    units
}

fn escaped(written: &str) -> String {
    written.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in &units(c)[..c.len_utf16()] {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Answer {
        let record = || vec![("port", 2.into()), ("smsc", "+86".into()), ("number", "10086".into())];
        Answer::code(200).array("result", vec![record(), record()]).then("read", 1)
    }

    fn written(list: &str) -> String {
        Writer(&list.parse().unwrap()).answer(&sample())
    }

    #[test]
    fn without_flaws_it_is_json_in_the_documents_order() {
        let plain = written("none");
        assert_eq!(
            plain,
            r#"{"error_code":200,"result":[{"port":2,"smsc":"+86","number":"10086"},{"port":2,"smsc":"+86","number":"10086"}],"read":1}"#
        );
        assert_eq!(serde_json::from_str::<Value>(&plain).unwrap()["result"][1]["number"], "10086");
        assert_eq!(Writer(&Quirks::none()).answer(&Answer::code(404)), r#"{"error_code":404}"#);
    }

    #[test]
    fn each_flaw_shows() {
        for (quirk, shows) in [
            ("missing-comma", r#"{"error_code":200"result":["#),
            ("trailing-comma-in-arrays", r#""number":"10086"},],"read""#),
            ("trailing-comma-in-records", r#""number":"10086",},{"port""#),
            ("integers-as-strings", r#"{"error_code":"200","result":[{"port":"2","#),
            ("integers-as-decimals", r#"{"error_code":200.0,"result":[{"port":2.0,"#),
            ("integers-as-exponents", r#"{"error_code":2e2,"result":[{"port":2,"#),
            ("integers-padded", r#"{"error_code":" 200 ","result":[{"port":" 2 ","#),
            ("integers-as-strings,integers-as-decimals", r#"{"error_code":"200.0","#),
            ("strings-as-integers", r#""smsc":"+86","number":10086}"#),
            ("unknown-keys", r#"{"error_code":200,"vendor":{"a":[[],{"#),
            ("unknown-keys", r#"{"port":2,"extra":{"x":[1,{"y":"}]"}]},"smsc""#),
            ("missing-keys", r#"{"port":2,"number":"10086"}]}"#),
            ("error-code-last", r#"{"result":["#),
            ("error-code-last", r#""read":1,"error_code":200}"#),
            ("byte-order-mark", "\u{feff}{\"error_code\":200,"),
            ("later-version", r#"{"error_code":200,"sn":"da00-"#),
        ] {
            let text = written(quirk);
            assert!(text.contains(shows), "{quirk}: {text}");
        }
    }

    #[test]
    fn strings_with_flaws() {
        let write = |list: &str, text: &str| Writer(&list.parse().unwrap()).string(text);
        assert_eq!(write("none", "a\n\"é😀"), "\"a\\n\\\"é😀\"");
        assert_eq!(write("raw-control", "a\n\"\\"), "\"a\n\\\"\\\\\"");
        assert_eq!(write("raw-quotes", r#"a "b" \"#), r#""a "b" \\""#);
        assert_eq!(write("escape-non-ascii", "é😀\n"), r#""\u00e9\ud83d\ude00\n""#);
        assert_eq!(write("lone-surrogate", "é😀"), r#""é\ud83d""#);
        assert_eq!(write("lone-surrogate,escape-non-ascii", "é😀"), r#""\u00e9\ud83d""#);
        assert_eq!(write("lone-surrogate", "😀!"), "\"😀!\"");
    }

    #[test]
    fn only_plain_integers_lose_their_quotes() {
        assert!(["0", "10086", "18446744073709551615"].iter().all(|text| is_integer(text)));
        assert!(["", "00", "+1", "18446744073709551616"].iter().all(|text| !is_integer(text)));
    }
}
