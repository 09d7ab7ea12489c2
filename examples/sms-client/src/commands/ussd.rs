//! `ussd`.

use std::time::{Duration, Instant};

use serde::Serialize;
use sms_client::table::Column;
use sms_gateway::{
    Gateway, Ussd as Outcome, UssdWait,
    core::{
        Port, Ports,
        call::{SendUssd, UssdOutcome, UssdReply, UssdStatus},
    },
};

use super::{results::none, show};
use crate::{
    args::Ussd,
    cells::{field, text},
    failure::{Exit, Failure},
    output::Output,
};

pub(crate) async fn ussd(gateway: &Gateway, args: &Ussd, output: &mut Output) -> Result<(), Failure> {
    match args {
        Ussd::Send { on, text, timeout } => send(gateway, on.port, text, *timeout, output).await,
        Ussd::Cancel { on, text } => cancel(gateway, on.port, text, output).await,
        Ussd::Replies { on } => {
            output.table([Column::number("PORT"), Column::text("REPLY")]);
            show(gateway.query_ussd_reply(on.port).await?, output, reply).await?;
            none(output, "no replies")
        }
    }
}

fn reply(reply: &UssdReply<'_>) -> Vec<String> {
    let shown = text(reply.text);
    // A port that is waiting for its reply returns an empty text or a space.
    vec![field(reply.port), shown.trim_end().to_owned()]
}

/// The outcome of a code on a port, with the names in the API. This program adds `unchanged`: the text may be older than the code.
#[derive(Serialize)]
struct Record<'a> {
    port: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<UssdOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unchanged: bool,
}

#[derive(Serialize)]
struct Summary {
    error_code: u32,
    replies: usize,
}

async fn send(
    gateway: &Gateway,
    ports: Ports,
    code: &str,
    limit: Duration,
    output: &mut Output,
) -> Result<(), Failure> {
    // Limits are checked before the gateway is contacted.
    SendUssd::send(ports, code)?;
    // A short wait needs a short interval. In a long wait, one query every 2 s is enough.
    let wait = UssdWait { interval: (limit / 15).min(Duration::from_secs(2)), limit };
    let mut replies = std::pin::pin!(gateway.ussd(ports, code, wait));
    let begin = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    let outcomes = loop {
        tokio::select! {
            outcomes = &mut replies => break outcomes,
            _ = tick.tick() => output.progress.show(|| {
                format!("waiting for replies, {} of {} s", begin.elapsed().as_secs(), limit.as_secs_f32())
            }),
        }
    };
    let (outcomes, failure) = match outcomes {
        Ok(outcomes) => (outcomes, None),
        // Nothing was sent, so there is nothing to show.
        Err(broken) if broken.outcomes.values().all(|outcome| *outcome == Outcome::Untold) => {
            return Err(broken.error.into());
        }
        Err(broken) => (broken.outcomes, Some(broken.error)),
    };
    output.table([Column::number("PORT"), Column::word("STATUS"), Column::text("REPLY")]);
    for (port, outcome) in &outcomes {
        let record = record(*port, outcome);
        output.record(&record, || row(*port, outcome))?;
    }
    if outcomes.values().any(|outcome| matches!(outcome, Outcome::Unchanged(_))) {
        output.line(UNCHANGED)?;
    }
    let replies = outcomes.values().filter(|outcome| has_text(outcome)).count();
    if let Some(error) = failure {
        return Err(error.into());
    }
    judge(outcomes.values(), limit)?;
    output.object(&Summary { error_code: 202, replies })?;
    Ok(())
}

const UNCHANGED: &str = "\nunchanged: the port showed this before the code was sent, or the gateway did not\n\
    say what it showed then; this may be the new reply, or still the old one";

const fn has_text(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Reply(_) | Outcome::Unchanged(_))
}

fn record(port: Port, outcome: &Outcome) -> Record<'_> {
    let record = Record { port: port.get(), status: Some(UssdOutcome::Sent), text: None, unchanged: false };
    match outcome {
        Outcome::Reply(text) => Record { text: Some(text), ..record },
        Outcome::Unchanged(text) => Record { text: Some(text), unchanged: true, ..record },
        Outcome::NoReply => record,
        Outcome::NotSent(outcome) => Record { status: Some(*outcome), ..record },
        Outcome::Untold => Record { status: None, ..record },
    }
}

fn row(port: Port, outcome: &Outcome) -> [String; 3] {
    let (status, text) = match outcome {
        Outcome::Reply(text) => ("reply".to_owned(), text.as_str()),
        Outcome::Unchanged(text) => ("unchanged".to_owned(), text.as_str()),
        Outcome::NoReply => ("no reply".to_owned(), ""),
        Outcome::NotSent(outcome) => (not_sent(*outcome), ""),
        Outcome::Untold => ("not told".to_owned(), ""),
    };
    [port.to_string(), status, text.to_owned()]
}

fn not_sent(outcome: UssdOutcome) -> String {
    match outcome {
        UssdOutcome::Unlisted(code) => format!("not sent: {code}"),
        outcome => format!("not sent: {outcome} ({})", outcome.code()),
    }
}

/// Checks that every port sent the code and has a reply.
fn judge<'a>(outcomes: impl Iterator<Item = &'a Outcome>, limit: Duration) -> Result<(), Failure> {
    let (mut all, mut unsent, mut silent) = (0, 0, 0);
    for outcome in outcomes {
        all += 1;
        match outcome {
            Outcome::NotSent(_) | Outcome::Untold => unsent += 1,
            Outcome::NoReply => silent += 1,
            Outcome::Reply(_) | Outcome::Unchanged(_) => {}
        }
    }
    if unsent > 0 {
        return Err(Failure::new(Exit::Refused, unsent_line("send", unsent, all)));
    }
    if silent > 0 {
        let which = if silent < all { format!(" on {silent} of {all} ports") } else { String::new() };
        let line = format!("no reply{which} within {} s", limit.as_secs_f32());
        return Err(Failure::new(Exit::Transport, line));
    }
    Ok(())
}

fn unsent_line(what: &str, unsent: u64, all: u64) -> String {
    match all {
        1 => format!("the port did not {what} it"),
        all => format!("{unsent} of {all} ports did not {what} it"),
    }
}

async fn cancel(gateway: &Gateway, ports: Ports, code: &str, output: &mut Output) -> Result<(), Failure> {
    let request = SendUssd::cancel(ports, code)?;
    output.table([Column::number("PORT"), Column::word("STATUS")]);
    let mut response = gateway.send_ussd(&request).await?;
    let (mut all, mut unsent) = (0, 0);
    while let Some(status) = response.next().await? {
        all += 1;
        unsent += u64::from(status.status.get() != Some(UssdOutcome::Sent));
        output.record(&status, || cancelled(&status))?;
    }
    output.flush()?;
    if unsent > 0 {
        return Err(Failure::new(Exit::Refused, unsent_line("end", unsent, all)));
    }
    output.object(&response.summary())?;
    none(output, "the gateway accepted it, but names no port")
}

fn cancelled(status: &UssdStatus<'_>) -> [String; 2] {
    let outcome = match status.status.get() {
        Some(UssdOutcome::Sent) => "ended".to_owned(),
        Some(outcome) => not_sent(outcome).replace("sent", "ended"),
        None => field(status.status),
    };
    [field(status.port), outcome]
}
