//! query_sms_deliver_status: the status reports that came back (document §4).

use super::{Call, Method, Refusal, check_numbers, macros::answer, write_numbers, write_ports, write_times};
use crate::{
    Invalid, Number, Ports, Timestamp,
    json::{Field, JsonWriter, Schema, Text, Values, key},
};

/// Asks for status reports. Everything narrows the answer; without anything the gateway tells all it knows.
///
/// A report comes for each segment, at no certain time: ask once the message is sent (document §11).
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
    /// Asks for all status reports.
    pub const fn new() -> Self {
        Self { numbers: &[], ports: Ports::NONE, after: None, before: None }
    }

    /// Only reports from these numbers. A report may spell a number otherwise than it was sent to.
    ///
    /// # Errors
    /// [`Invalid::Numbers`] above [`MAX_QUERY_NUMBERS`](super::MAX_QUERY_NUMBERS).
    pub fn numbers(self, numbers: &'a [Number<'a>]) -> Result<Self, Invalid> {
        check_numbers(numbers)?;
        Ok(Self { numbers, ..self })
    }

    /// Only reports of messages sent through these ports.
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Only reports after this time.
    #[must_use]
    pub const fn after(self, time: Timestamp) -> Self {
        Self { after: Some(time), ..self }
    }

    /// Only reports before this time.
    #[must_use]
    pub const fn before(self, time: Timestamp) -> Self {
        Self { before: Some(time), ..self }
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
    /// A status report of one segment (document §4.3).
    pub struct StatusReport<'a> {
        /// The port that the segment was sent through.
        pub port: Field<'a, u32> = "port",
        /// The recipient's number, not necessarily as it was sent to.
        pub number: Text<'a> = "number",
        /// When the segment was sent, by the document; some devices write when the report arrived.
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
    /// What the status code says; `None` when there is none from 0 to 255.
    pub fn delivery(&self) -> Option<Delivery> {
        self.status_code.get().and_then(|code| u8::try_from(code).ok()).map(Delivery::from)
    }
}

/// What a TP-Status says of the segment (3GPP TS 23.040 §9.2.3.15; the document's §4.3 is coarser).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// 0: the recipient has it.
    Received,
    /// 1: passed on by the SMSC, which can't confirm that it was received.
    Unconfirmed,
    /// 2: replaced by the SMSC.
    Replaced,
    /// 32 to 63: not yet; the SMSC still tries.
    Temporary,
    /// 64 to 95: failed for good.
    Permanent,
    /// 96 to 127: failed for a reason that may pass, but the SMSC has given up.
    GaveUp,
    /// 3 to 31 and 128 to 255: reserved or particular to an SMSC.
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
    /// What it means, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Unconfirmed => "forwarded, not confirmed",
            Self::Replaced => "replaced by the centre",
            Self::Temporary => "not yet, the centre still tries",
            Self::Permanent => "failed",
            Self::GaveUp => "failed, the centre gave up",
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
    /// What query_sms_deliver_status answers beside the reports.
    pub struct StatusReportSummary<'a> {
        /// 200 when the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl StatusReportSummary<'_> {
    /// Whether the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code but 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QuerySmsDeliverStatus as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{body_is, known, printed};

    #[test]
    fn status_codes_at_their_edges() {
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

    /// As printed in the document, line breaks of the page aside.
    const PRINTED: &str = r#"{"error_code":200"result":[{"port":0, "number":"12351", "time":"2014-12-21 12:06:01","ref_id":12, "status_code":0},]}"#;

    #[test]
    fn the_printed_answer_cut_anywhere() {
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
    fn the_printed_request() {
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
    fn at_most_32_numbers() {
        let numbers = [Number::new("1").unwrap(); 33];
        assert!(QuerySmsDeliverStatus::new().numbers(&numbers[..31]).is_ok());
        assert!(QuerySmsDeliverStatus::new().numbers(&numbers[..32]).is_ok());
        assert_eq!(
            QuerySmsDeliverStatus::new().numbers(&numbers).err(),
            Some(Invalid::Numbers { count: 33 })
        );
    }
}
