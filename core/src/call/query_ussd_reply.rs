//! query_ussd_reply: the network's replies to USSD (document §8).

use super::{Call, Method, Query, Refusal, macros::answer};
use crate::{
    Invalid, Ports,
    json::{Field, Schema, Text, Values, key},
};

/// A request for the last USSD reply of each port. A reply usually takes some seconds to arrive. Until then its text is empty.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct QueryUssdReply {
    #[serde(rename = "port")]
    ports: Ports,
}

impl QueryUssdReply {
    /// Creates a request for the replies of `ports`.
    ///
    /// # Errors
    /// [`Invalid::NoPort`] if `ports` is empty.
    pub const fn new(ports: Ports) -> Result<Self, Invalid> {
        if ports.is_empty() { Err(Invalid::NoPort) } else { Ok(Self { ports }) }
    }
}

impl Call for QueryUssdReply {
    const NAME: &'static str = "query_ussd_reply";
    const METHOD: Method = Method::Get;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] =
        &[(200, "processed"), (400, "the request's format is not valid"), (500, "other error")];

    type Record<'a> = UssdReply<'a>;
    type Summary<'a> = UssdReplySummary<'a>;

    const SCHEMA: &'static Schema =
        &Schema { head: UssdReplySummary::KEYS, list: Some(key!("reply")), record: UssdReply::KEYS };

    fn record(values: Values<'_>) -> Option<UssdReply<'_>> {
        Some(UssdReply::fill(values))
    }

    fn summary(values: Values<'_>) -> UssdReplySummary<'_> {
        UssdReplySummary::fill(values)
    }

    fn check(summary: &UssdReplySummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn write_query(&self, query: &mut Query<'_, '_>) {
        query.ports(self.ports);
    }
}

answer! {
    record:
    /// The last USSD reply of a port (document §8.3).
    pub struct UssdReply<'a> {
        /// The port.
        pub port: Field<'a, u32> = "port",
        /// The reply, or an empty text if none has arrived yet.
        pub text: Text<'a> = "text",
    }
}

answer! {
    head:
    /// The values of a query_ussd_reply response outside its array of replies.
    pub struct UssdReplySummary<'a> {
        /// 200 if the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl UssdReplySummary<'_> {
    /// Checks that the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QueryUssdReply as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{known, printed, target_is};

    #[test]
    fn empty_set_of_ports_is_rejected() {
        assert_eq!(QueryUssdReply::new(Ports::NONE).err(), Some(Invalid::NoPort));
        assert!(QueryUssdReply::new(Ports::ALL).is_ok());
    }

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200, "reply":[{"port":1, "text":" "},{"port":2, "text": "Test…"},{"port":3, "text": ""}]}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let expected = [(1, " "), (2, "Test…"), (3, "")]
            .map(|(port, text)| UssdReply { port: known(port), text: Text::Exact(text) });
        let summary = UssdReplySummary { error_code: known(200), sn: Text::Missing };
        printed::<QueryUssdReply>(PRINTED, &expected, &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn request_equals_the_printed_one() {
        let request = QueryUssdReply::new("1,2,3".parse().unwrap()).unwrap();
        target_is(&request, "/api/query_ussd_reply?port=1,2,3");
    }
}
