//! Sends the messages and follows them, asking as seldom as the gateway's document suggests.

use std::{error::Error, io::Write};

use sms_gateway::{
    Batch,
    core::{
        Port, Ports, Timestamp,
        call::{QuerySmsDeliverStatus, QuerySmsResult, Status},
        text::Encoding,
    },
};
use tokio::time::Instant;

use crate::{
    message::{Message, TEXT},
    stage::Stage,
};

/// A result is there 8 seconds after sending (document §11).
const FIRST_QUESTION: u32 = 8;
/// Between further questions.
const INTERVAL: u32 = 4;
/// How long messages are followed.
const LIMIT: f64 = 90.0;

pub(crate) async fn send(stage: &Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let params: Vec<Vec<&str>> =
        stage.messages.iter().map(|message| message.params.iter().map(String::as_str).collect()).collect();
    let recipients: Vec<_> = stage
        .messages
        .iter()
        .zip(&params)
        .map(|(message, params)| message.recipient(params))
        .collect::<Result<_, _>>()?;
    // Each text goes in the smaller encoding that can write it.
    let batch = Batch::new(TEXT, &recipients).ports(stage.ports).encoding(Encoding::Auto);
    for task in stage.gateway.send_to_all(&batch, |_| ()).await? {
        let names: Vec<_> = task.recipients.iter().filter_map(|place| stage.messages.get(*place)).collect();
        let names: Vec<_> = names.into_iter().map(|message| message.name.as_str()).collect();
        let id = task.accepted.task_id.map_or_else(|| "without number".to_owned(), |id| id.to_string());
        writeln!(out, "task {id}: to {}", names.join(", "))?;
    }
    Ok(())
}

/// Asks until all is known of every message, or the time is up.
pub(crate) async fn follow(stage: &mut Stage, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let mut told = String::new();
    stage.wait(FIRST_QUESTION).await;
    loop {
        results(stage).await?;
        reports(stage).await?;
        let now = tell(&stage.messages);
        if now != told {
            writeln!(out, "after {:>2.0} s: {now}", stage.since(begin))?;
            told = now;
        }
        if stage.messages.iter().all(Message::is_final) || stage.since(begin) > LIMIT {
            return Ok(());
        }
        stage.wait(INTERVAL).await;
    }
}

/// What became of the messages that are not finished.
async fn results(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    let open = stage.messages.iter().filter(|message| !message.is_final());
    let ids: Vec<_> = open.filter_map(|message| message.user_id).collect();
    let request = QuerySmsResult::new().user_ids(&ids);
    let mut answer = stage.gateway.query_sms_result(&request).await?;
    while let Some(result) = answer.next().await? {
        if let Some(time) = result.time.get() {
            stage.begun = Some(stage.begun.map_or(time, |begun: Timestamp| begun.min(time)));
        }
        stage.messages.iter_mut().for_each(|message| message.take_result(&result));
    }
    Ok(())
}

/// The reports of messages that have left, asked for by port, since they may spell a number otherwise.
async fn reports(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    let waiting = stage.messages.iter().filter(|message| message.has_left() && !message.is_final());
    let ports = waiting.filter_map(|message| Port::try_from(message.sent?.port?).ok());
    let ports: Ports = ports.collect();
    if ports.is_empty() {
        return Ok(());
    }
    let mut request = QuerySmsDeliverStatus::new().ports(ports);
    if let Some(time) = stage.begun.and_then(second_before) {
        request = request.after(time);
    }
    let mut answer = stage.gateway.query_sms_deliver_status(&request).await?;
    while let Some(report) = answer.next().await? {
        stage.messages.iter_mut().for_each(|message| message.take_report(&report));
    }
    Ok(())
}

/// Some gateways leave out the very second that is named. At midnight nothing is left out.
fn second_before(time: Timestamp) -> Option<Timestamp> {
    let second = u32::from(time.hour()) * 3600 + u32::from(time.minute()) * 60 + u32::from(time.second());
    let second = second.checked_sub(1)?;
    let [hour, minute, second] =
        [second / 3600, second / 60 % 60, second % 60].map(|part| u8::try_from(part).ok());
    Timestamp::new(time.year(), time.month(), time.day(), hour?, minute?, second?).ok()
}

/// `1 waiting, 1 being sent, 1 sent, 2 delivered`.
fn tell(messages: &[Message]) -> String {
    let count = |word, of: fn(&Message) -> bool| {
        let count = messages.iter().filter(|message| of(message)).count();
        (count > 0).then(|| format!("{count} {word}"))
    };
    [
        count("waiting", |message| message.sent.is_none()),
        count("being sent", |message| message.sent.is_some_and(|sent| sent.status == Status::Sending)),
        count("sent", |message| message.has_left() && !message.is_final()),
        count("delivered", Message::is_delivered),
        count("not delivered", |message| message.has_left() && message.is_final() && !message.is_delivered()),
        count("failed", |message| message.sent.is_some_and(|sent| sent.status == Status::Failed)),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_before() {
        let before = |time: &str| second_before(time.parse().unwrap()).map(|time| time.to_string());
        assert_eq!(before("2014-12-21 12:06:01").as_deref(), Some("2014-12-21 12:06:00"));
        assert_eq!(before("2014-12-21 12:00:00").as_deref(), Some("2014-12-21 11:59:59"));
        assert_eq!(before("2014-12-21 00:00:00"), None);
    }
}
