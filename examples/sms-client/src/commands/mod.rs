//! The commands, one file for each group.

pub(crate) mod call;
pub(crate) mod doctor;
mod dry_run;
pub(crate) mod inbox;
pub(crate) mod pin;
pub(crate) mod ports;
pub(crate) mod queue;
pub(crate) mod results;
pub(crate) mod send;
pub(crate) mod ussd;
mod verdict;
mod wait;
pub(crate) mod watch;

use serde::Serialize;
use sms_gateway::{Response, core::call::Call};

use crate::{failure::Failure, output::Output};

/// Shows the records of a response as they arrive, and its summary.
async fn show<C, F>(mut response: Response<C>, output: &mut Output, row: F) -> Result<(), Failure>
where
    C: Call,
    F: for<'a> Fn(&C::Record<'a>) -> Vec<String>,
    for<'a> C::Record<'a>: Serialize,
    for<'a> C::Summary<'a>: Serialize,
{
    while let Some(record) = response.next().await? {
        output.record(&record, || row(&record))?;
    }
    output.flush()?;
    output.object(&response.summary())?;
    Ok(())
}
