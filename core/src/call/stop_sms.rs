//! stop_sms: cancels the waiting messages of a send_sms request (document §9).

use super::{Call, Method, Never, Query, Refusal, macros::answer};
use crate::{
    TaskId,
    json::{Field, Schema, Text, Values},
};

/// A request to stop the task of an accepted send_sms request. Messages already sent are not affected.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct StopSms {
    #[serde(rename = "task_id")]
    task: TaskId,
}

impl StopSms {
    /// Creates a request to stop `task`.
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
    /// The stop_sms response (document §9.3).
    pub struct StopSummary<'a> {
        /// 200 if the task was stopped.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl StopSummary<'_> {
    /// Checks that the gateway stopped the task.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<StopSms as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{known, printed, target_is};

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let summary = StopSummary { error_code: known(200), sn: Text::Missing };
        printed::<StopSms>(PRINTED, &[], &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn request_equals_the_printed_one() {
        target_is(&StopSms::new(TaskId::new(1)), "/api/stop_sms?task_id=1");
        target_is(&StopSms::new(TaskId::new(-1)), "/api/stop_sms?task_id=-1");
    }
}
