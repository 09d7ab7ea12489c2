//! query_sms_in_queue: the number of waiting messages (document §5).

use super::{Call, Method, Never, Refusal, macros::answer};
use crate::json::{Field, Schema, Text, Values};

/// A request for the number of messages waiting to be sent. The request changes nothing at the gateway.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct QuerySmsInQueue;

impl Call for QuerySmsInQueue {
    const NAME: &'static str = "query_sms_in_queue";
    const METHOD: Method = Method::Get;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] = &[(200, "processed"), (500, "other error")];

    type Record<'a> = Never;
    type Summary<'a> = QueueSummary<'a>;

    const SCHEMA: &'static Schema = &Schema { head: QueueSummary::KEYS, list: None, record: &[] };

    fn record(_: Values<'_>) -> Option<Never> {
        None
    }

    fn summary(values: Values<'_>) -> QueueSummary<'_> {
        QueueSummary::fill(values)
    }

    fn check(summary: &QueueSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }
}

answer! {
    head:
    /// The query_sms_in_queue response (document §5.3).
    pub struct QueueSummary<'a> {
        /// 200 if the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// Number of messages waiting to be sent.
        pub in_queue: Field<'a, u32> = "in_queue",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl QueueSummary<'_> {
    /// Checks that the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QuerySmsInQueue as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{known, printed, target_is};

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200,"in_queue":0}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let summary = QueueSummary { in_queue: known(0), error_code: known(200), sn: Text::Missing };
        printed::<QuerySmsInQueue>(PRINTED, &[], &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn request_equals_the_printed_one() {
        // The document prints another call's URL here by mistake.
        target_is(&QuerySmsInQueue, "/api/query_sms_in_queue");
    }
}
