//! The values of arguments. They are checked when they are parsed.

use std::{str::FromStr, time::Duration};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sms_gateway::core::{
    Invalid, Number, Ports, TaskId, Timestamp, UserId,
    call::{Flag, Info, InfoSet},
    text::Encoding,
};

/// A phone number, without the separators that people write in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digits(String);

impl Digits {
    /// Returns the number.
    ///
    /// # Errors
    /// Never: the number was checked when it was parsed.
    pub(crate) fn number(&self) -> Result<Number<'_>, Invalid> {
        Number::new(&self.0)
    }
}

impl FromStr for Digits {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut buffer = [0; Number::MAX_BYTES];
        Number::from_written(text, &mut buffer).map(|number| Self(number.to_string()))
    }
}

/// A recipient and its parameters: `NUMBER` or `NUMBER=PARAM,…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct To {
    pub(crate) number: Digits,
    pub(crate) params: Vec<String>,
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, params) = match text.split_once('=') {
            Some((number, list)) => (number, params(list)?),
            None => (text, Vec::new()),
        };
        Ok(Self { number: number.parse().map_err(|error: Invalid| error.to_string())?, params })
    }
}

/// Splits a list at commas. A backslash escapes a comma, an equals sign or a backslash.
fn params(list: &str) -> Result<Vec<String>, String> {
    let mut params = vec![String::new()];
    let mut characters = list.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            ',' => {
                params.push(String::new());
                continue;
            }
            '\\' => match characters.next() {
                Some(escaped @ (',' | '=' | '\\')) => escaped,
                Some(other) => return Err(format!("`\\{other}` is not an escape; `\\,` and `\\\\` are")),
                None => return Err("a backslash at the end; write `\\\\` for one".to_owned()),
            },
            plain => plain,
        };
        params.last_mut().into_iter().for_each(|param| param.push(plain));
    }
    Ok(params)
}

/// Parses ports such as `1,2,8-15`.
pub(super) fn ports(text: &str) -> Result<Ports, String> {
    text.parse().map_err(|error: Invalid| error.to_string())
}

/// Parses a time of the gateway's clock. A day without a time means 00:00:00.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let text = text.replace('T', " ");
    let time = text.parse().or_else(|_| format!("{text} 00:00:00").parse());
    time.map_err(|error: Invalid| error.to_string())
}

/// Parses a duration: `90s`, `5m`, `2h`, `500ms`, or seconds without a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let second = match unit {
        "" | "s" => Some(1.0),
        "ms" => Some(0.001),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    let seconds = number.parse::<f64>().ok().zip(second).map(|(number, second)| number * second);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let duration = duration.filter(|duration| (SHORTEST..=LONGEST).contains(duration));
    duration.ok_or_else(|| "not a time from 1ms to 72h, as 90s, 5m or 2h".to_owned())
}

/// Parses the time for which a message may wait to be submitted.
pub(super) fn validity(text: &str) -> Result<Duration, String> {
    let limit = duration(text).ok().filter(|limit| *limit >= SHORTEST_VALIDITY);
    limit.ok_or_else(|| "not a time from 9s to 72h, as 90s, 5m or 2h".to_owned())
}

/// The minimum time for `--valid-for`. A shorter time would be rounded up.
const SHORTEST_VALIDITY: Duration = Duration::from_secs(9);

/// Checks an idempotency key. The keys derived from it for the recipients are longer.
pub(super) fn key(text: &str) -> Result<String, String> {
    let is_allowed = (1..=MAX_KEY_BYTES).contains(&text.len());
    is_allowed.then(|| text.to_owned()).ok_or_else(|| format!("not 1 to {MAX_KEY_BYTES} bytes"))
}

const MAX_KEY_BYTES: usize = 200;

const SHORTEST: Duration = Duration::from_millis(1);
/// Maximum duration in an argument, which is also the maximum time for which messages are followed.
const LONGEST: Duration = Duration::from_secs(72 * 3600);

/// The state that a message must reach before the wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Sent,
    Delivered,
}

pub(super) fn until() -> impl TypedValueParser<Value = Until> {
    PossibleValuesParser::new(["delivered", "sent"]).map(|word| match &*word {
        "sent" => Until::Sent,
        _ => Until::Delivered,
    })
}

/// The verb of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

pub(super) fn verb() -> impl TypedValueParser<Value = Verb> {
    PossibleValuesParser::new(["GET", "POST"]).map(|word| match &*word {
        "POST" => Verb::Post,
        _ => Verb::Get,
    })
}

pub(super) fn user_id(text: &str) -> Result<UserId, String> {
    let value = text.parse().map_err(|_| "not an integer from 0 to 2147483647".to_owned())?;
    UserId::new(value).map_err(|error| error.to_string())
}

pub(super) fn task(text: &str) -> Result<TaskId, String> {
    text.parse().map(TaskId::new).map_err(|_| "not an integer".to_owned())
}

pub(super) fn encoding() -> impl TypedValueParser<Value = Encoding> {
    PossibleValuesParser::new(["auto", "unicode", "gsm-7bit"]).map(|word| match &*word {
        "unicode" => Encoding::Unicode,
        "gsm-7bit" => Encoding::Gsm7Bit,
        _ => Encoding::Auto,
    })
}

pub(super) fn flag() -> impl TypedValueParser<Value = Flag> {
    PossibleValuesParser::new(["all", "unread", "read"]).map(|word| match &*word {
        "unread" => Flag::Unread,
        "read" => Flag::Read,
        _ => Flag::All,
    })
}

/// Parses kinds of port information, separated by commas.
pub(super) fn infos(list: &str) -> Result<InfoSet, String> {
    if list == "all" {
        return Ok(InfoSet::DOCUMENTED);
    }
    list.split(',')
        .map(|word| {
            let found = Info::ALL.into_iter().find(|info| info.as_str() == word.trim());
            found.ok_or_else(|| {
                let words: Vec<_> = Info::ALL.iter().map(|info| info.as_str()).collect();
                format!("`{word}` is not one of all, {}", words.join(", "))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(text: &str) -> (String, Vec<String>) {
        let to: To = text.parse().unwrap();
        (to.number.0, to.params)
    }

    #[test]
    fn recipients_with_parameters_are_parsed() {
        for (text, params) in [
            ("10086", &[][..]),
            (" 100-86", &[]),
            ("(1) 0086=", &[""]),
            ("10086=Ann", &["Ann"]),
            ("10086=Ann,4711", &["Ann", "4711"]),
            (r"10086=a\,b,c\\,d=e\=f", &["a,b", r"c\", "d=e=f"]),
            ("10086=,", &["", ""]),
            ("10086=你好 😀", &["你好 😀"]),
        ] {
            assert_eq!(
                to(text),
                ("10086".to_owned(), params.iter().map(ToString::to_string).collect()),
                "{text}"
            );
        }
        for wrong in ["", "=a", "12a=b", r"1=a\", r"1=\n", "1234567890123456789012345"] {
            assert!(wrong.parse::<To>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn invalid_ports_are_rejected() {
        assert_eq!(ports("1,8-9").map(|ports| ports.len()), Ok(3));
        assert_eq!(ports("32"), Err("port 32 is outside 0 to 31".to_owned()));
        for wrong in ["", "x", "1,", "-1", "1-"] {
            assert_eq!(ports(wrong), Err("ports are written as 1,2 or 8-15".to_owned()), "{wrong}");
        }
    }

    #[test]
    fn times_and_durations_are_parsed() {
        let day = time("2026-01-31").unwrap();
        assert_eq!((time("2026-01-31 00:00:00"), time("2026-01-31T00:00:00")), (Ok(day), Ok(day)));
        assert!(time("31.1.2026").is_err() && time("2026-02-30").is_err());
        for (text, millis) in [("1.5", 1500), ("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000), ("1ms", 1)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["0", "-1", "x", "", "s", "inf", "NaN", "1e30", "5min", "5 m", "73h", "0.1ms"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        let is_valid = |text| validity(text).is_ok();
        assert!(is_valid("9s") && is_valid("72h") && !is_valid("8.9s") && !is_valid("73h"));
    }

    #[test]
    fn keys_have_a_length() {
        let is_key = |bytes| key(&"k".repeat(bytes)).is_ok();
        assert_eq!([0, 1, 199, 200, 201].map(is_key), [false, true, true, true, false]);
    }

    #[test]
    fn kinds_of_port_information_are_parsed() {
        assert_eq!(infos("all"), Ok(InfoSet::DOCUMENTED));
        assert_eq!(infos("reg, signal"), Ok(InfoSet::NONE.with(Info::Registration).with(Info::Signal)));
        assert!(infos("colour").unwrap_err().contains("callstate"));
    }
}
