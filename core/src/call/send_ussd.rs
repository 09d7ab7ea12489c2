//! send_ussd: sends a USSD code or ends a session (document §7).

use super::{
    Call, Method, Refusal,
    macros::{answer, words},
    write_ports,
};
use crate::{
    Invalid, Ports,
    json::{Field, FromRaw, JsonWriter, Schema, Text, Values, key},
};

words! {
    /// The action of a send_ussd request.
    pub enum Command {
        /// Send a code, or a reply to a menu.
        Send = "send",
        /// End the session.
        Cancel = "cancel",
    }
}

/// A request to send a USSD code on a set of ports, or to end the ports' USSD sessions.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct SendUssd<'a> {
    #[serde(rename = "port")]
    ports: Ports,
    command: Command,
    text: &'a str,
}

impl<'a> SendUssd<'a> {
    /// Maximum length of the text in bytes (document §7.2).
    pub const MAX_TEXT_BYTES: usize = 60;

    /// Creates a request to send `text`, such as `*125#`, on each of `ports`.
    ///
    /// # Errors
    /// [`Invalid::NoPort`], [`Invalid::UssdEmpty`], [`Invalid::UssdLength`].
    pub fn send(ports: Ports, text: &'a str) -> Result<Self, Invalid> {
        if text.is_empty() { Err(Invalid::UssdEmpty) } else { Self::new(ports, Command::Send, text) }
    }

    /// Creates a request to end the session of each of `ports`. `text` may be empty.
    ///
    /// # Errors
    /// [`Invalid::NoPort`], [`Invalid::UssdLength`].
    pub fn cancel(ports: Ports, text: &'a str) -> Result<Self, Invalid> {
        Self::new(ports, Command::Cancel, text)
    }

    fn new(ports: Ports, command: Command, text: &'a str) -> Result<Self, Invalid> {
        if ports.is_empty() {
            Err(Invalid::NoPort)
        } else if text.len() > Self::MAX_TEXT_BYTES {
            Err(Invalid::UssdLength { bytes: text.len() })
        } else {
            Ok(Self { ports, command, text })
        }
    }
}

impl Call for SendUssd<'_> {
    const NAME: &'static str = "send_ussd";
    const METHOD: Method = Method::Post;
    const SUCCESS: u32 = 202;
    const MEANINGS: &'static [(u32, &'static str)] =
        &[(202, "accepted"), (400, "no text to send"), (500, "other error")];

    type Record<'a> = UssdStatus<'a>;
    type Summary<'a> = UssdSummary<'a>;

    const SCHEMA: &'static Schema =
        &Schema { head: UssdSummary::KEYS, list: Some(key!("result")), record: UssdStatus::KEYS };

    fn record(values: Values<'_>) -> Option<UssdStatus<'_>> {
        Some(UssdStatus::fill(values))
    }

    fn summary(values: Values<'_>) -> UssdSummary<'_> {
        UssdSummary::fill(values)
    }

    fn check(summary: &UssdSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn write_json(&self, json: &mut JsonWriter<'_, '_>) {
        write_ports(json, self.ports);
        json.key("\"command\":");
        json.plain(self.command.as_str());
        json.key("\"text\":");
        json.string(self.text);
    }
}

/// The outcome of a send_ussd request on one port (document §7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UssdOutcome {
    /// 200: the code was sent.
    Sent,
    /// 486: the port is busy, for example with an SMS.
    Busy,
    /// 503: the port cannot send USSD.
    Unavailable,
    /// A code that the document does not list.
    Unlisted(u32),
}

impl UssdOutcome {
    /// Returns the outcome's code.
    pub const fn code(self) -> u32 {
        match self {
            Self::Sent => 200,
            Self::Busy => 486,
            Self::Unavailable => 503,
            Self::Unlisted(code) => code,
        }
    }
}

impl FromRaw for UssdOutcome {
    fn from_raw(raw: &[u8]) -> Option<Self> {
        Some(match u32::from_raw(raw)? {
            200 => Self::Sent,
            486 => Self::Busy,
            503 => Self::Unavailable,
            code => Self::Unlisted(code),
        })
    }
}

impl core::fmt::Display for UssdOutcome {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Sent => f.pad("sent"),
            Self::Busy => f.pad("busy"),
            Self::Unavailable => f.pad("not available"),
            Self::Unlisted(code) => code.fmt(f),
        }
    }
}

impl serde::Serialize for UssdOutcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.code())
    }
}

answer! {
    record:
    /// The result of a send_ussd request on one port (document §7.3).
    pub struct UssdStatus<'a> {
        /// The port.
        pub port: Field<'a, u32> = "port",
        /// The outcome on this port.
        pub status: Field<'a, UssdOutcome> = "status",
    }
}

answer! {
    head:
    /// The values of a send_ussd response outside its array of results.
    pub struct UssdSummary<'a> {
        /// 202 if the request was accepted.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's id for the request. This key appears only in the document's example.
        pub request_id: Field<'a, i64> = "request_id",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl UssdSummary<'_> {
    /// Checks that the gateway accepted the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 202.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<SendUssd as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Port;
    use crate::call::tests::{body_is, known, printed};

    #[test]
    fn text_has_1_to_60_bytes_and_may_be_empty_to_cancel() {
        let ports = Port::new(1).unwrap().into();
        let text = "1".repeat(61);
        let send = |bytes: usize| SendUssd::send(ports, &text[..bytes]).map(|_| ());
        let cancel = |bytes: usize| SendUssd::cancel(ports, &text[..bytes]).map(|_| ());
        assert_eq!(send(0), Err(Invalid::UssdEmpty));
        assert_eq!(send(1), Ok(()));
        assert_eq!(cancel(0), Ok(()));
        for bytes in [59, 60] {
            assert_eq!((send(bytes), cancel(bytes)), (Ok(()), Ok(())));
        }
        let long = Err(Invalid::UssdLength { bytes: 61 });
        assert_eq!((send(61), cancel(61)), (long, long));
        assert_eq!(SendUssd::send(Ports::NONE, "1").err(), Some(Invalid::NoPort));
        assert_eq!(SendUssd::cancel(Ports::NONE, "").err(), Some(Invalid::NoPort));
    }

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"request_id":1, "error_code":202, "result":[{"port":0, "status":503},{"port":1, "status":503},{"port":2, "status":200}]}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let expected = [(0, UssdOutcome::Unavailable), (1, UssdOutcome::Unavailable), (2, UssdOutcome::Sent)]
            .map(|(port, status)| UssdStatus { port: known(port), status: known(status) });
        let summary = UssdSummary { request_id: known(1), error_code: known(202), sn: Text::Missing };
        printed::<SendUssd>(PRINTED, &expected, &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn request_equals_the_printed_one() {
        let request = SendUssd::send("1,2,3".parse().unwrap(), "*125#").unwrap();
        body_is(&request, r#"{"port":[1,2,3],"command":"send","text":"*125#"}"#);
    }
}
