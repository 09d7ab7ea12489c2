//! query_sms_result: the results of sent messages (document §3).

use super::{
    Call, Method, Refusal, check_numbers,
    macros::{answer, words},
    write_numbers, write_ports, write_times,
};
use crate::{
    Invalid, Number, Ports, Timestamp, UserId,
    json::{Field, JsonWriter, Schema, Text, Values, key},
};

/// A request for the results of messages. Each method narrows the request. Without any restriction, the gateway returns all its
/// results.
///
/// Sending a message takes 5 to 8 seconds. Query its result 8 seconds after submitting it (document §11).
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct QuerySmsResult<'a> {
    #[serde(rename = "number", skip_serializing_if = "<[_]>::is_empty")]
    numbers: &'a [Number<'a>],
    #[serde(rename = "port", skip_serializing_if = "Ports::is_empty")]
    ports: Ports,
    #[serde(rename = "time_after", skip_serializing_if = "Option::is_none")]
    after: Option<Timestamp>,
    #[serde(rename = "time_before", skip_serializing_if = "Option::is_none")]
    before: Option<Timestamp>,
    #[serde(rename = "user_id", skip_serializing_if = "<[_]>::is_empty")]
    user_ids: &'a [UserId],
}

impl<'a> QuerySmsResult<'a> {
    /// Creates a request for the results of all messages.
    pub const fn new() -> Self {
        Self { numbers: &[], ports: Ports::NONE, after: None, before: None, user_ids: &[] }
    }

    /// Restricts the request to messages to these numbers.
    ///
    /// # Errors
    /// [`Invalid::Numbers`] above [`MAX_QUERY_NUMBERS`](super::MAX_QUERY_NUMBERS).
    pub fn numbers(self, numbers: &'a [Number<'a>]) -> Result<Self, Invalid> {
        check_numbers(numbers)?;
        Ok(Self { numbers, ..self })
    }

    /// Restricts the request to messages sent through these ports.
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Restricts the request to messages sent after this time.
    #[must_use]
    pub const fn after(self, time: Timestamp) -> Self {
        Self { after: Some(time), ..self }
    }

    /// Restricts the request to messages sent before this time.
    #[must_use]
    pub const fn before(self, time: Timestamp) -> Self {
        Self { before: Some(time), ..self }
    }

    /// Restricts the request to messages with one of these user_ids.
    #[must_use]
    pub const fn user_ids(self, user_ids: &'a [UserId]) -> Self {
        Self { user_ids, ..self }
    }
}

impl Call for QuerySmsResult<'_> {
    const NAME: &'static str = "query_sms_result";
    const METHOD: Method = Method::Post;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] = &[
        (200, "processed"),
        (400, "the request's format is not valid"),
        (413, "more than 32 numbers"),
        (500, "other error"),
    ];

    type Record<'a> = SmsResult<'a>;
    type Summary<'a> = SmsResultSummary<'a>;

    const SCHEMA: &'static Schema =
        &Schema { head: SmsResultSummary::KEYS, list: Some(key!("result")), record: SmsResult::KEYS };

    fn record(values: Values<'_>) -> Option<SmsResult<'_>> {
        Some(SmsResult::fill(values))
    }

    fn summary(values: Values<'_>) -> SmsResultSummary<'_> {
        SmsResultSummary::fill(values)
    }

    fn check(summary: &SmsResultSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn write_json(&self, json: &mut JsonWriter<'_, '_>) {
        write_numbers(json, self.numbers);
        write_ports(json, self.ports);
        write_times(json, self.after, self.before);
        if !self.user_ids.is_empty() {
            json.key("\"user_id\":");
            json.open(b'[');
            for id in self.user_ids {
                json.number(id.get().into());
            }
            json.close(b']');
        }
    }
}

words! {
    /// The status of a message (document §3.3). A message that waits in the queue has no result yet.
    pub enum Status {
        /// Sending failed.
        Failed = "FAILED",
        /// The message is being sent.
        Sending = "SENDING",
        /// The network accepted the message.
        SentOk = "SENT_OK",
        /// The recipient received the message.
        Delivered = "DELIVERED",
    }
}

answer! {
    record:
    /// The result of one message (document §3.3).
    pub struct SmsResult<'a> {
        /// The port that the message was sent through.
        pub port: Field<'a, u32> = "port",
        /// The message's user_id from the send_sms request.
        pub user_id: Field<'a, i64> = "user_id",
        /// The recipient's number.
        pub number: Text<'a> = "number",
        /// The send time.
        pub time: Field<'a, Timestamp> = "time",
        /// The message's status.
        pub status: Field<'a, Status> = "status",
        /// Number of segments.
        pub count: Field<'a, u32> = "count",
        /// Number of segments that were sent.
        pub succ_count: Field<'a, u32> = "succ_count",
        /// The message reference of the first segment, 0 to 255. The references of the other segments count up from it, modulo 256.
        ///
        /// References repeat, so a [`StatusReport`](super::StatusReport) belongs to the message only if port, number, reference
        /// and time agree (document §3.3).
        pub ref_id: Field<'a, u32> = "ref_id",
        /// The IMSI of the SIM card (later versions).
        pub imsi: Text<'a> = "imsi",
    }
}

answer! {
    head:
    /// The values of a query_sms_result response outside its array of results.
    pub struct SmsResultSummary<'a> {
        /// 200 if the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl SmsResultSummary<'_> {
    /// Checks that the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QuerySmsResult as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{body_is, known, printed};

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200"result":[{"port":0,"user_id":1,"number":"12351","time":"2014-12-21 12:06:01","status":"SENT_OK","count":3, "succ_count":3, "ref_id":12}]}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let expected = SmsResult {
            port: known(0),
            user_id: known(1),
            number: Text::Exact("12351"),
            time: known("2014-12-21 12:06:01".parse().unwrap()),
            status: known(Status::SentOk),
            count: known(3),
            succ_count: known(3),
            ref_id: known(12),
            imsi: Text::Missing,
        };
        let summary = SmsResultSummary { error_code: known(200), sn: Text::Missing };
        printed::<QuerySmsResult>(PRINTED, &[expected], &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn request_equals_the_printed_one() {
        let numbers = [Number::new("12341234").unwrap()];
        let ids = [1, 2].map(|id| UserId::new(id).unwrap());
        let request = QuerySmsResult::new().numbers(&numbers).unwrap();
        let request = request.ports("1,2,3".parse().unwrap()).user_ids(&ids);
        body_is(&request, r#"{"number":["12341234"], "port":[1,2,3],"user_id":[1,2]}"#);
        body_is(&QuerySmsResult::new(), "{}");
    }

    #[test]
    fn more_than_32_numbers_are_rejected() {
        let numbers = [Number::new("1").unwrap(); 33];
        assert!(QuerySmsResult::new().numbers(&numbers[..31]).is_ok());
        assert!(QuerySmsResult::new().numbers(&numbers[..32]).is_ok());
        assert_eq!(QuerySmsResult::new().numbers(&numbers).err(), Some(Invalid::Numbers { count: 33 }));
    }
}
