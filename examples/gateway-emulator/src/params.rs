//! The parameters of requests, read as the document demands. Invalid parameters are refused with an error code.

use serde_json::{Map, Value};

use crate::{
    clock::{self, Civil},
    device::port::Ports,
    quirks::Quirks,
};

/// `error_code`: the request's format is not valid.
pub(crate) const BAD_FORMAT: u16 = 400;
/// `error_code`: too many numbers, or the text is too long.
pub(crate) const TOO_LARGE: u16 = 413;

/// `error_code`: any other error.
pub(crate) const OTHER_ERROR: u16 = 500;

/// A parameter or a response, or the `error_code` with which the request is refused.
pub(crate) type Asked<T> = Result<T, u16>;

/// The maximum length of a number in bytes (§2.2).
const NUMBER_BYTES: usize = 24;
/// The maximum number of numbers in a query (§3.2, §4.2).
const QUERY_NUMBERS: usize = 32;

/// The parameters of a POST: the JSON object in its body.
pub(crate) struct Body(Map<String, Value>);

impl Body {
    pub(crate) fn parse(body: &[u8]) -> Asked<Self> {
        serde_json::from_slice(body).map(Self).map_err(|_| BAD_FORMAT)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(crate) fn text(&self, key: &str) -> Asked<Option<&str>> {
        self.get(key).map(|value| value.as_str().ok_or(BAD_FORMAT)).transpose()
    }

    pub(crate) fn array(&self, key: &str) -> Asked<Option<&Vec<Value>>> {
        self.get(key).map(|value| value.as_array().ok_or(BAD_FORMAT)).transpose()
    }

    pub(crate) fn ports(&self) -> Asked<Option<Ports>> {
        self.array("port")?.map(|ports| ports.iter().map(|value| port(value.as_u64())).collect()).transpose()
    }

    pub(crate) fn user_ids(&self) -> Asked<Option<Vec<u64>>> {
        let ids = self.array("user_id")?;
        ids.map(|ids| ids.iter().map(|id| id.as_u64().ok_or(BAD_FORMAT)).collect()).transpose()
    }

    pub(crate) fn numbers(&self) -> Asked<Option<Vec<&str>>> {
        let Some(numbers) = self.array("number")? else { return Ok(None) };
        if numbers.len() > QUERY_NUMBERS {
            return Err(TOO_LARGE);
        }
        numbers.iter().map(number).collect::<Asked<_>>().map(Some)
    }

    pub(crate) fn period(&self, quirks: &Quirks) -> Asked<Period> {
        let time = |key| self.text(key)?.map(|text| clock::parse(text).ok_or(BAD_FORMAT)).transpose();
        let narrow = i64::from(quirks.strict_times);
        Ok(Period {
            first: time("time_after")?.unwrap_or(Civil::MIN / 2) + narrow,
            last: time("time_before")?.unwrap_or(Civil::MAX / 2) - narrow,
        })
    }
}

/// The period that a query covers. Both ends are included: in the document's own example they are the same second.
pub(crate) struct Period {
    first: Civil,
    last: Civil,
}

impl Period {
    pub(crate) fn has(&self, time: Civil) -> bool {
        (self.first..=self.last).contains(&time)
    }
}

/// Reads a destination number: digits, at most 24 bytes. A leading plus sign is accepted, as on real gateways.
pub(crate) fn number(value: &Value) -> Asked<&str> {
    let text = value.as_str().ok_or(BAD_FORMAT)?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    let fits = text.len() <= NUMBER_BYTES && !digits.is_empty();
    (fits && digits.bytes().all(|b| b.is_ascii_digit())).then_some(text).ok_or(BAD_FORMAT)
}

fn port(number: Option<u64>) -> Asked<u8> {
    number.and_then(|number| u8::try_from(number).ok()).filter(|port| *port < 32).ok_or(BAD_FORMAT)
}

/// The parameters of a GET, in its query.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Asked<Self> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        });
        decoded.collect::<Option<_>>().map(Self).ok_or(BAD_FORMAT)
    }

    /// Parses the parameters of a query that may also be sent as a POST. Parameters in the body override those in the query string.
    pub(crate) fn parse_with(query: &str, body: &[u8]) -> Asked<Self> {
        let mut parameters = Self::parse(query)?;
        if !body.is_empty() {
            for (key, value) in Body::parse(body)?.0 {
                parameters.0.push((key, flat(&value)?));
            }
        }
        Ok(parameters)
    }

    /// Returns the value of a key. If the key occurs several times, the last value counts.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn integer(&self, key: &str) -> Asked<Option<u64>> {
        self.get(key).map(integer).transpose()
    }

    /// Returns the items of an array, which is written as `1,2,3`.
    pub(crate) fn items(&self, key: &str) -> Option<impl Iterator<Item = &str>> {
        self.get(key).map(|list| list.split(','))
    }

    pub(crate) fn ports(&self) -> Asked<Option<Ports>> {
        self.items("port").map(|items| items.map(|item| port(integer(item).ok())).collect()).transpose()
    }
}

/// Writes a JSON value as in a query string: arrays become `1,2,3`.
fn flat(value: &Value) -> Asked<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(items) => Ok(items.iter().map(flat).collect::<Asked<Vec<_>>>()?.join(",")),
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(BAD_FORMAT),
    }
}

fn integer(digits: &str) -> Asked<u64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or(BAD_FORMAT)
}

/// Decodes percent-encoding (RFC 3986 §2.1). Returns `None` if the encoding is broken or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        let digits = hex.bytes().all(|b| b.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(hex, 16).ok().filter(|_| digits)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let query = Query::parse("port=1%2c2,31&flag=all&&flag=r%65ad&empty").unwrap();
        assert_eq!(query.ports().unwrap().unwrap().iter().collect::<Vec<_>>(), [1, 2, 31]);
        assert_eq!(
            (query.get("flag"), query.get("empty"), query.get("none")),
            (Some("read"), Some(""), None)
        );
        for broken in ["a=%", "a=%2", "a=%+1", "a=%ff"] {
            assert!(Query::parse(broken).is_err(), "{broken}");
        }
        for ports in ["port=", "port=32", "port=-1", "port=+1", "port=1,", "port=256"] {
            assert!(Query::parse(ports).unwrap().ports().is_err(), "{ports}");
        }
    }

    #[test]
    fn numbers_at_their_edge() {
        let fits = |text: &str| number(&text.into()).is_ok();
        assert!(fits(&"1".repeat(24)) && fits("+1") && fits(&format!("+{}", "1".repeat(23))));
        assert!(
            !fits(&"1".repeat(25)) && !fits("") && !fits("+") && !fits("1+") && !fits("1 2") && !fits("١")
        );
    }
}
