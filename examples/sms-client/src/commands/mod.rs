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
pub(crate) mod verdict;
mod wait;
pub(crate) mod watch;

use std::io;

use serde::Serialize;
use sms_gateway::{Error, Response, core::call::Call};

use crate::{failure::Failure, output::Output};

/// The reason why a response was not shown completely.
enum Unshown {
    Call(Error),
    Output(io::Error),
}

impl From<Error> for Unshown {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<io::Error> for Unshown {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Unshown> for Failure {
    fn from(unshown: Unshown) -> Self {
        match unshown {
            Unshown::Call(error) => error.into(),
            Unshown::Output(error) => error.into(),
        }
    }
}

/// Shows the records of a response as they arrive, and its summary.
async fn show<C, F>(response: Response<C>, output: &mut Output, row: F) -> Result<(), Failure>
where
    C: Call,
    F: for<'a> Fn(&C::Record<'a>) -> Vec<String>,
    for<'a> C::Record<'a>: Serialize,
    for<'a> C::Summary<'a>: Serialize,
{
    Ok(try_show(response, output, row).await?)
}

/// Like [`show`], but returns an error of the call unchanged.
async fn try_show<C, F>(mut response: Response<C>, output: &mut Output, row: F) -> Result<(), Unshown>
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
