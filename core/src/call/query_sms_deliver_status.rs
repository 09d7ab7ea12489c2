//! query_sms_deliver_status: status reports (document §4).

use super::{Call, Method, Refusal, check_numbers, macros::answer, write_numbers, write_ports, write_times};
use crate::{
    Invalid, Number, Ports, Timestamp,
    json::{Field, JsonWriter, Schema, Text, Values, key},
};

/// A request for status reports. Each method narrows the request. Without any restriction, the gateway returns all its reports.
///
/// Each segment has its own report, which may arrive at any time. Start querying when the message has been sent (document §11).
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct QuerySmsDeliverStatus<'a> {
    #[serde(rename = "number", skip_serializing_if = "<[_]>::is_empty")]
    numbers: &'a [Number<'a>],
    #[serde(rename = "port", skip_serializing_if = "Ports::is_empty")]
    ports: Ports,
    #[serde(rename = "time_after", skip_serializing_if = "Option::is_none")]
    after: Option<Timestamp>,
    #[serde(rename = "time_before", skip_serializing_if = "Option::is_none")]
    before: Option<Timestamp>,
}

impl<'a> QuerySmsDeliverStatus<'a> {
    /// Creates a request for all status reports.
    pub const fn new() -> Self {
        Self { numbers: &[], ports: Ports::NONE, after: None, before: None }
    }

    /// Restricts the request to reports from these numbers. A report may spell a number differently from the send_sms request.
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

    /// Restricts the request to reports after this time.
    #[must_use]
    pub const fn after(self, time: Timestamp) -> Self {
        Self { after: Some(time), ..self }
    }

    /// Restricts the request to reports before this time.
    #[must_use]
    pub const fn before(self, time: Timestamp) -> Self {
        Self { before: Some(time), ..self }
    }

    /// Restricts the request to reports between two times. `None` sets no limit.
    pub(crate) const fn between(self, after: Option<Timestamp>, before: Option<Timestamp>) -> Self {
        Self { after, before, ..self }
    }
}

impl Call for QuerySmsDeliverStatus<'_> {
    const NAME: &'static str = "query_sms_deliver_status";
    const METHOD: Method = Method::Post;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] = &[
        (200, "processed"),
        (400, "the request's format is not valid"),
        (413, "more than 32 numbers"),
        (500, "other error"),
    ];

    type Record<'a> = StatusReport<'a>;
    type Summary<'a> = StatusReportSummary<'a>;

    const SCHEMA: &'static Schema =
        &Schema { head: StatusReportSummary::KEYS, list: Some(key!("result")), record: StatusReport::KEYS };

    fn record(values: Values<'_>) -> Option<StatusReport<'_>> {
        Some(StatusReport::fill(values))
    }

    fn summary(values: Values<'_>) -> StatusReportSummary<'_> {
        StatusReportSummary::fill(values)
    }

    fn check(summary: &StatusReportSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn write_json(&self, json: &mut JsonWriter<'_, '_>) {
        write_numbers(json, self.numbers);
        write_ports(json, self.ports);
        write_times(json, self.after, self.before);
    }
}

answer! {
    record:
    /// The status report of one segment (document §4.3).
    pub struct StatusReport<'a> {
        /// The port that the segment was sent through.
        pub port: Field<'a, u32> = "port",
        /// The recipient's number. It may be spelt differently from the send_sms request.
        pub number: Text<'a> = "number",
        /// The time at which the segment was sent. Some devices return the time at which the report arrived instead.
        pub time: Field<'a, Timestamp> = "time",
        /// The segment's message reference, 0 to 255.
        pub ref_id: Field<'a, u32> = "ref_id",
        /// TP-Status, 0 to 255; see [`StatusReport::delivery`].
        pub status_code: Field<'a, u32> = "status_code",
        /// The IMSI of the SIM card (later versions).
        pub imsi: Text<'a> = "imsi",
    }
}

impl StatusReport<'_> {
    /// Returns the meaning of the status code, or `None` if the code is missing or above 255.
    pub fn delivery(&self) -> Option<Delivery> {
        self.status_code.get().and_then(|code| u8::try_from(code).ok()).map(Delivery::from)
    }
}

/// The meaning of a segment's TP-Status (3GPP TS 23.040 §9.2.3.15, which has more detail than the document's §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// 0: received by the recipient.
    Received,
    /// 1: forwarded by the SMSC, which can't confirm that the recipient received it.
    Unconfirmed,
    /// 2: replaced by the SMSC.
    Replaced,
    /// 32 to 63: not delivered yet; the SMSC is still trying.
    Temporary,
    /// 64 to 95: failed permanently.
    Permanent,
    /// 96 to 127: failed for a reason that may be temporary, but the SMSC has stopped trying.
    GaveUp,
    /// 3 to 31 and 128 to 255: reserved, or specific to an SMSC.
    Reserved,
}

impl From<u8> for Delivery {
    fn from(status: u8) -> Self {
        match status {
            0 => Self::Received,
            1 => Self::Unconfirmed,
            2 => Self::Replaced,
            32..=63 => Self::Temporary,
            64..=95 => Self::Permanent,
            96..=127 => Self::GaveUp,
            3..=31 | 128..=255 => Self::Reserved,
        }
    }
}

impl Delivery {
    /// Returns the meaning as human-readable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Unconfirmed => "forwarded, not confirmed",
            Self::Replaced => "replaced by the SMSC",
            Self::Temporary => "not yet, the SMSC still tries",
            Self::Permanent => "failed",
            Self::GaveUp => "failed, the SMSC gave up",
            Self::Reserved => "reserved",
        }
    }
}

impl core::fmt::Display for Delivery {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

answer! {
    head:
    /// The values of a query_sms_deliver_status response outside its array of reports.
    pub struct StatusReportSummary<'a> {
        /// 200 if the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl StatusReportSummary<'_> {
    /// Checks that the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QuerySmsDeliverStatus as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{body_is, known, printed};

    #[test]
    fn status_codes_at_the_edges_of_their_ranges() {
        use Delivery::{GaveUp, Permanent, Received, Replaced, Reserved, Temporary, Unconfirmed};
        for (code, delivery) in [
            (0, Received),
            (1, Unconfirmed),
            (2, Replaced),
            (3, Reserved),
            (31, Reserved),
            (32, Temporary),
            (63, Temporary),
            (64, Permanent),
            (95, Permanent),
            (96, GaveUp),
            (127, GaveUp),
            (128, Reserved),
            (255, Reserved),
        ] {
            assert_eq!(Delivery::from(code), delivery, "{code}");
        }
    }

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200"result":[{"port":0, "number":"12351", "time":"2014-12-21 12:06:01","ref_id":12, "status_code":0},]}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let expected = StatusReport {
            port: known(0),
            number: Text::Exact("12351"),
            time: known("2014-12-21 12:06:01".parse().unwrap()),
            ref_id: known(12),
            status_code: known(0),
            imsi: Text::Missing,
        };
        let summary = StatusReportSummary { error_code: known(200), sn: Text::Missing };
        printed::<QuerySmsDeliverStatus>(PRINTED, &[expected], &summary);
        assert_eq!(summary.check(), Ok(()));
        assert_eq!(expected.delivery(), Some(Delivery::Received));
    }

    #[test]
    fn request_equals_the_printed_one() {
        let numbers = [Number::new("12341234").unwrap()];
        let time = "2014-12-12 19:29:19".parse().unwrap();
        let request = QuerySmsDeliverStatus::new().numbers(&numbers).unwrap();
        let request = request.ports("1,2,3".parse().unwrap()).after(time).before(time);
        body_is(
            &request,
            r#"{"number":["12341234"], "port":[1,2,3], "time_after":"2014-12-12 19:29:19", "time_before":"2014-12-12 19:29:19"}"#,
        );
    }

    #[test]
    fn more_than_32_numbers_are_rejected() {
        let numbers = [Number::new("1").unwrap(); 33];
        assert!(QuerySmsDeliverStatus::new().numbers(&numbers[..31]).is_ok());
        assert!(QuerySmsDeliverStatus::new().numbers(&numbers[..32]).is_ok());
        assert_eq!(
            QuerySmsDeliverStatus::new().numbers(&numbers).err(),
            Some(Invalid::Numbers { count: 33 })
        );
    }
}
