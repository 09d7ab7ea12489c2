//! query_incoming_sms: received messages (document §6).

use super::{
    Call, Method, Query, Refusal,
    macros::{answer, words},
};
use crate::{
    Ports, Timestamp,
    json::{Field, Schema, Text, Values, key},
};

words! {
    /// A filter for incoming messages.
    pub enum Flag {
        /// Unread messages. The gateway marks them as read when it responds. If the response is lost, the messages are lost too.
        Unread = "unread",
        /// Messages that were read before.
        Read = "read",
        /// All messages. The gateway does not mark them as read.
        All = "all",
    }
}

/// A request for incoming messages. A response may contain only the first of them, about 8 KB in total. Continue with a request
/// for the messages [`after`](Self::after) the last id.
///
/// ```
/// use sms_gateway_core::call::{Call, CommaEncoding, Flag, QueryIncomingSms};
/// let request = QueryIncomingSms::new(Flag::All).after(17);
/// let mut buffer = [0; 80];
/// assert_eq!(request.target(CommaEncoding::Encoded, &mut buffer)?, "/api/query_incoming_sms?incoming_sms_id=17&flag=all");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct QueryIncomingSms {
    flag: Flag,
    #[serde(rename = "incoming_sms_id", skip_serializing_if = "Option::is_none")]
    after: Option<i64>,
    #[serde(rename = "port", skip_serializing_if = "Ports::is_empty")]
    ports: Ports,
}

impl QueryIncomingSms {
    /// Creates a request for messages by their flag.
    ///
    /// There is no default. The document's default, [`Flag::Unread`], loses messages whenever a response is lost. [`Flag::All`]
    /// with [`after`](Self::after) loses none.
    pub const fn new(flag: Flag) -> Self {
        Self { flag, after: None, ports: Ports::NONE }
    }

    /// Restricts the request to messages with a greater incoming_sms_id.
    #[must_use]
    pub const fn after(self, incoming_sms_id: i64) -> Self {
        Self { after: Some(incoming_sms_id), ..self }
    }

    /// Restricts the request to messages received by these ports (later versions).
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }
}

impl Call for QueryIncomingSms {
    const NAME: &'static str = "query_incoming_sms";
    const METHOD: Method = Method::Get;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] = &[(200, "processed"), (500, "other error")];

    type Record<'a> = IncomingSms<'a>;
    type Summary<'a> = IncomingSmsSummary<'a>;

    const SCHEMA: &'static Schema =
        &Schema { head: IncomingSmsSummary::KEYS, list: Some(key!("sms")), record: IncomingSms::KEYS };

    fn record(values: Values<'_>) -> Option<IncomingSms<'_>> {
        Some(IncomingSms::fill(values))
    }

    fn summary(values: Values<'_>) -> IncomingSmsSummary<'_> {
        IncomingSmsSummary::fill(values)
    }

    fn check(summary: &IncomingSmsSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn is_repeatable(&self) -> bool {
        self.flag != Flag::Unread
    }

    fn write_query(&self, query: &mut Query<'_, '_>) {
        if let Some(id) = self.after {
            query.number("incoming_sms_id", id);
        }
        query.words("flag", [self.flag.as_str()]);
        query.ports(self.ports);
    }
}

answer! {
    record:
    /// An incoming message (document §6.3).
    pub struct IncomingSms<'a> {
        /// The message's id in the gateway's database.
        pub incoming_sms_id: Field<'a, i64> = "incoming_sms_id",
        /// The port that received the message.
        pub port: Field<'a, u32> = "port",
        /// The sender: a number or an alphanumeric name.
        pub number: Text<'a> = "number",
        /// The number of the SMSC.
        pub smsc: Text<'a> = "smsc",
        /// The time of reception.
        pub timestamp: Field<'a, Timestamp> = "timestamp",
        /// The text.
        pub text: Text<'a> = "text",
        /// The IMSI of the SIM card (later versions).
        pub imsi: Text<'a> = "imsi",
    }
}

answer! {
    head:
    /// The values of a query_incoming_sms response outside its array of messages.
    pub struct IncomingSmsSummary<'a> {
        /// 200 if the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// Number of messages that have been read.
        pub read: Field<'a, u32> = "read",
        /// Number of messages that have not been read.
        pub unread: Field<'a, u32> = "unread",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl IncomingSmsSummary<'_> {
    /// Checks that the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QueryIncomingSms as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{known, printed, target_is};

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200, "sms":[{"incoming_sms_id":1, "port":2, "number": "123456789","smsc":"+8613800123456","timestamp":"2014-12-09 17:11:18","text":"This is a test"},],"read":1, "unread":0}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let expected = IncomingSms {
            incoming_sms_id: known(1),
            port: known(2),
            number: Text::Exact("123456789"),
            smsc: Text::Exact("+8613800123456"),
            timestamp: known("2014-12-09 17:11:18".parse().unwrap()),
            text: Text::Exact("This is a test"),
            imsi: Text::Missing,
        };
        let summary = IncomingSmsSummary {
            read: known(1),
            unread: known(0),
            error_code: known(200),
            sn: Text::Missing,
        };
        printed::<QueryIncomingSms>(PRINTED, &[expected], &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn request_equals_the_printed_one() {
        target_is(&QueryIncomingSms::new(Flag::All), "/api/query_incoming_sms?flag=all");
        let request = QueryIncomingSms::new(Flag::Read).after(9).ports("1,2".parse().unwrap());
        target_is(&request, "/api/query_incoming_sms?incoming_sms_id=9&flag=read&port=1,2");
    }
}
