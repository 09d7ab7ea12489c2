//! query_sms_in_queue: how many messages wait (document §5).

use super::{Call, Method, Never, Refusal, macros::answer};
use crate::json::{Field, Schema, Text, Values};

/// Asks how many messages wait to be sent. It changes nothing on the gateway.
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
    /// What query_sms_in_queue answers (document §5.3).
    pub struct QueueSummary<'a> {
        /// 200 when the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// How many messages wait to be sent.
        pub in_queue: Field<'a, u32> = "in_queue",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl QueueSummary<'_> {
    /// Whether the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code but 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<QuerySmsInQueue as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{known, printed, target_is};

    /// As printed in the document, line breaks of the page aside.
    const PRINTED: &str = r#"{"error_code":200,"in_queue":0}"#;

    #[test]
    fn the_printed_answer_cut_anywhere() {
        let summary = QueueSummary { in_queue: known(0), error_code: known(200), sn: Text::Missing };
        printed::<QuerySmsInQueue>(PRINTED, &[], &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn the_printed_request() {
        // The document prints another call's URL here, by mistake.
        target_is(&QuerySmsInQueue, "/api/query_sms_in_queue");
    }
}
