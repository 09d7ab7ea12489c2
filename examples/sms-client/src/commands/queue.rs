//! `queue` and `stop`.

use serde::Serialize;
use sms_gateway::{Gateway, core::TaskId};

use crate::{cells::count, failure::Failure, output::Output};

/// The fields of the response, with the names in the API.
#[derive(Serialize)]
struct Summary {
    error_code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_queue: Option<u32>,
}

pub(crate) async fn queue(gateway: &Gateway, output: &mut Output) -> Result<(), Failure> {
    let in_queue = gateway.query_sms_in_queue().await?;
    match in_queue {
        Some(0) => output.line("no message waits to be sent")?,
        Some(1) => output.line("1 message waits to be sent")?,
        Some(waiting) => output.line(&format!("{} wait to be sent", count(waiting.into(), "message")))?,
        None => output.line("the gateway does not tell how many messages wait")?,
    }
    output.object(&Summary { error_code: 200, in_queue })?;
    Ok(())
}

pub(crate) async fn stop(gateway: &Gateway, task: TaskId, output: &mut Output) -> Result<(), Failure> {
    gateway.stop_sms(task).await?;
    output.line(&format!("task {task} stopped; what was sent already stays sent"))?;
    output.object(&Summary { error_code: 200, in_queue: None })?;
    Ok(())
}
