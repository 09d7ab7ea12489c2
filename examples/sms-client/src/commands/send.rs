//! `send`.

use serde::Serialize;
use sms_gateway::{
    Batch, BatchError, Gateway, Task,
    core::{Invalid, Number, TaskId, UserId, call::Recipient},
};

use super::{dry_run, wait};
use crate::{
    args::{Connection, Send, To},
    cells::count,
    connect::gateway,
    failure::{Failure, exit, explain},
    output::Output,
};

pub(crate) async fn send(args: &Send, connection: &Connection, output: &mut Output) -> Result<(), Failure> {
    let params: Vec<Vec<&str>> =
        args.to.iter().map(|to| to.params.iter().map(String::as_str).collect()).collect();
    let recipients = recipients(args, &params)?;
    let batch = Batch::new(args.text(), &recipients).encoding(args.encoding);
    let batch = batch.ports(args.port.unwrap_or_default());
    let requests = batch.requests().map_err(|error| invalid(error, &recipients))?.len();
    if args.dry_run {
        return dry_run::show(args, &recipients, requests, output);
    }
    if let Some(until) = args.wait {
        return wait::send(args, until, connection, &recipients, output).await;
    }
    submit(&gateway(connection)?, &batch, &recipients, output).await
}

fn recipients<'a>(args: &'a Send, params: &'a [Vec<&'a str>]) -> Result<Vec<Recipient<'a>>, Invalid> {
    let ids = args.user_id.map(|first| i64::from(first.get())..);
    let mut ids = ids.into_iter().flatten();
    let recipient = |(to, params): (&'a To, &'a Vec<&'a str>)| {
        let recipient = Recipient::new(to.number.number()?).params(params);
        Ok(match ids.next() {
            Some(id) => recipient.user_id(UserId::new(id)?),
            None => recipient,
        })
    };
    args.to.iter().zip(params).map(recipient).collect()
}

/// Describes an invalid input. It names the recipient by phone number instead of index.
fn invalid(error: Invalid, recipients: &[Recipient<'_>]) -> Failure {
    let number = |place: usize| recipients.get(place).map_or("?", |to| to.number.as_str());
    Failure::usage(match error {
        Invalid::TextParams { recipient, placeholders, params } => format!(
            "{} has {}, the text has {placeholders} #param#",
            number(recipient),
            count(params as u64, "parameter"),
        ),
        Invalid::Text { bytes, recipient: Some(recipient) } => {
            format!("the text for {} has {bytes} bytes, 1500 are allowed", number(recipient))
        }
        Invalid::Alphabet { recipient, character } => format!(
            "the text for {} has {character:?}, which gsm-7bit can't write; unicode and auto can",
            number(recipient)
        ),
        error => error.to_string(),
    })
}

/// A recipient in the line of a task.
#[derive(Serialize)]
struct TaskRecipient<'a> {
    number: Number<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

/// An accepted request. Its fields have the names in the API.
#[derive(Serialize)]
struct Accepted<'a> {
    error_code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_in_queue: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<i64>,
    param: Vec<TaskRecipient<'a>>,
}

#[derive(Serialize)]
struct Sent {
    accepted: usize,
    tasks: usize,
}

async fn submit(
    gateway: &Gateway,
    batch: &Batch<'_>,
    recipients: &[Recipient<'_>],
    output: &mut Output,
) -> Result<(), Failure> {
    let all = recipients.len();
    output.progress.show(|| format!("sending {}", count(all as u64, "message")));
    let (mut accepted, mut written) = (0, Ok(()));
    let sent = gateway.send_to_all(batch, |task| {
        accepted += task.recipients.len();
        // The remaining messages are sent even if the output has no reader any more.
        let line = print(task, recipients, output);
        written = std::mem::replace(&mut written, Ok(())).and(line);
        output.progress.show(|| format!("{accepted} of {all} accepted"));
    });
    let tasks = sent.await.map_err(|error| describe_partial(&error, all))?.len();
    written?;
    if tasks > 1 {
        output.line(&format!("{} accepted in {tasks} tasks", count(all as u64, "message")))?;
    }
    output.object(&Sent { accepted, tasks })?;
    Ok(())
}

fn print(task: &Task, recipients: &[Recipient<'_>], output: &mut Output) -> std::io::Result<()> {
    let of_task = task.recipients.iter().filter_map(|place| recipients.get(*place));
    let param: Vec<_> = of_task.map(|to| TaskRecipient { number: to.number, user_id: to.user_id }).collect();
    let (task_id, sms_in_queue) = (task.accepted.task_id.map(TaskId::get), task.accepted.sms_in_queue);
    let name = task_id.map_or_else(|| "a task without number".to_owned(), |id| format!("task {id}"));
    let queue = sms_in_queue.map_or_else(String::new, |waiting| format!(", {waiting} in the queue"));
    output.line(&format!("{name}: {} accepted{queue}", count(param.len() as u64, "message")))?;
    output.object(&Accepted { error_code: 202, sms_in_queue, task_id, param })
}

/// Describes which messages were sent, may have been sent, and were not sent when the error occurred.
fn describe_partial(broken: &BatchError, all: usize) -> Failure {
    let accepted: usize = broken.tasks.iter().map(|task| task.recipients.len()).sum();
    let failed = broken.failed.len();
    let left = all.saturating_sub(accepted + failed);
    let uncertain = if broken.error.may_have_arrived() { failed } else { 0 };
    let mut parts = vec![explain(&broken.error)];
    if uncertain > 0 {
        parts.push(format!(
            "{} may have been accepted all the same, so look for results before sending again",
            count(uncertain as u64, "message")
        ));
    }
    if accepted > 0 {
        parts.push(format!("{accepted} of {all} were accepted before"));
    }
    if left > 0 {
        parts.push(format!("{left} were not sent"));
    }
    Failure::new(exit(&broken.error), parts.join("; "))
}
