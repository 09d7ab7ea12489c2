//! stop_sms: takes a request's waiting messages back (document §9).

use super::{Call, Method, Never, Query, Refusal, macros::answer};
use crate::{
    TaskId,
    json::{Field, Schema, Text, Values},
};

/// Asks to stop the task of an accepted request. Messages that are sent already stay sent.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct StopSms {
    #[serde(rename = "task_id")]
    task: TaskId,
}

impl StopSms {
    /// Stops `task`.
    pub const fn new(task: TaskId) -> Self {
        Self { task }
    }
}

impl Call for StopSms {
    const NAME: &'static str = "stop_sms";
    const METHOD: Method = Method::Get;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] = &[
        (200, "the task has been stopped"),
        (404, "task not found"),
        (486, "task not found, as some gateways say it"),
        (500, "other error"),
    ];

    type Record<'a> = Never;
    type Summary<'a> = StopSummary<'a>;

    const SCHEMA: &'static Schema = &Schema { head: StopSummary::KEYS, list: None, record: &[] };

    fn record(_: Values<'_>) -> Option<Never> {
        None
    }

    fn summary(values: Values<'_>) -> StopSummary<'_> {
        StopSummary::fill(values)
    }

    fn check(summary: &StopSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn write_query(&self, query: &mut Query<'_, '_>) {
        query.number("task_id", self.task.get());
    }
}

answer! {
    head:
    /// What stop_sms answers (document §9.3).
    pub struct StopSummary<'a> {
        /// 200 when the task was stopped.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl StopSummary<'_> {
    /// Whether the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code but 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<StopSms as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{known, printed, target_is};

    /// As printed in the document, line breaks of the page aside.
    const PRINTED: &str = r#"{"error_code":200}"#;

    #[test]
    fn the_printed_answer_cut_anywhere() {
        let summary = StopSummary { error_code: known(200), sn: Text::Missing };
        printed::<StopSms>(PRINTED, &[], &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn the_printed_request() {
        target_is(&StopSms::new(TaskId::new(1)), "/api/stop_sms?task_id=1");
        target_is(&StopSms::new(TaskId::new(-1)), "/api/stop_sms?task_id=-1");
    }
}
