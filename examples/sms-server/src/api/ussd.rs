//! USSD codes on the ports of gateways, for operators.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use sms_gateway::{
    Ussd, UssdWait,
    core::{Port, call::UssdOutcome},
};
use tokio::time::timeout;

use super::{
    Api,
    auth::Operator,
    body::Entire,
    gateways::find,
    problem::{Kind, Problem},
};

/// The usual and the longest wait for a reply, in seconds.
const USUAL_WAIT: u64 = 30;
const LONGEST_WAIT: u64 = 120;

/// The time between two queries for a reply.
const INTERVAL: Duration = Duration::from_secs(2);

/// The time for the requests before the wait, which take their turn after other requests to the gateway.
const TURN: Duration = Duration::from_secs(30);

/// A code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    code: String,
    /// In seconds.
    wait: Option<u64>,
}

/// The outcome of a code.
#[derive(Serialize)]
pub(super) struct Outcome {
    #[serde(rename = "outcome")]
    kind: &'static str,
    /// The text of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why the port did not send the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl From<Ussd> for Outcome {
    fn from(ussd: Ussd) -> Self {
        let (kind, text, reason) = match ussd {
            Ussd::Reply(text) => ("reply", Some(text), None),
            Ussd::Unchanged(text) => ("unchanged", Some(text), None),
            Ussd::NoReply => ("no_reply", None, None),
            Ussd::NotSent(UssdOutcome::Busy) => ("not_sent", None, Some("the port is busy")),
            Ussd::NotSent(UssdOutcome::Unavailable) => ("not_sent", None, Some("the port cannot send USSD")),
            Ussd::NotSent(_) => ("not_sent", None, Some("the gateway does not say why")),
            Ussd::Untold => ("unknown", None, None),
        };
        Self { kind, text, reason }
    }
}

/// Sends a code and waits for the reply.
pub(super) async fn send(
    State(api): State<Arc<Api>>,
    Operator(operator): Operator,
    Path((name, port)): Path<(String, String)>,
    Entire(body): Entire,
) -> Result<Json<Outcome>, Problem> {
    let (_, running) = find(&api, &name)?;
    let port: Port = port.parse().map_err(|_| Problem::new(Kind::NotFound, "There is no such port."))?;
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|error| Problem::invalid(format!("The body is not a USSD code: {error}.")))?;
    let seconds = asked.wait.unwrap_or(USUAL_WAIT);
    if !(1..=LONGEST_WAIT).contains(&seconds) {
        let detail = format!("wait: it is 1 to {LONGEST_WAIT} seconds.");
        return Err(Problem::invalid(detail).with("field", "wait"));
    }
    let wait = UssdWait { interval: INTERVAL, limit: Duration::from_secs(seconds) };
    tracing::info!(gateway = name, %port, operator = &*operator, "an operator sends a USSD code");
    let exchange = running.gateway().ussd(port.into(), &asked.code, wait);
    match timeout(wait.limit + TURN, exchange).await {
        Ok(Ok(mut outcomes)) => Ok(Json(outcomes.remove(&port).unwrap_or(Ussd::Untold).into())),
        Ok(Err(failed)) => Err(problem(&failed.error)),
        Err(_) => Err(Problem::new(
            Kind::GatewayFailed,
            "The gateway did not respond in time. The code may have been sent.",
        )),
    }
}

fn problem(error: &sms_gateway::Error) -> Problem {
    if matches!(error.failure, sms_gateway::Failure::Invalid(_)) {
        return Problem::invalid(format!("code: {error}.")).with("field", "code");
    }
    let sent = if error.may_have_arrived() { "may have been sent" } else { "was not sent" };
    Problem::new(Kind::GatewayFailed, format!("{}. The code {sent}.", error.explain()))
}
