//! The verbs that queries accept.

use super::QUEUE;
use crate::{
    commands::doctor::{
        ask::{Asker, Login},
        finding::Findings,
    },
    failure::Failure,
};

const RESULTS: &str = "/api/query_sms_result";

pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) -> Result<(), Failure> {
    let answer = asker.post(QUEUE, "{}").await?;
    match answer.status {
        Some(200) => {
            findings.quirk(
                "verbs",
                "post-queries",
                "Queries that the document lists as GET accept POST too.",
            );
        }
        Some(status) => {
            findings.fact(
                "verbs",
                "post-refused",
                format!("A POST for a GET query ends with HTTP status {status}."),
            );
        }
        None => {}
    }
    let answer = asker.get(Login::With, RESULTS).await?;
    if let Some(status) = answer.status {
        findings.fact(
            "verbs",
            "get-results",
            format!("A GET for query_sms_result ends with HTTP status {status}."),
        );
    }
    let answer = asker.post(RESULTS, "").await?;
    let exchanges = asker.exchanges_of(&answer);
    let is_closed = exchanges.last().is_some_and(|last| last.response.is_empty() && last.is_closed);
    if answer.status.is_none() && is_closed {
        let text = "A POST with an empty body gets no response, and the connection closes.";
        findings.quirk("verbs", "empty-post-closes", text);
    }
    Ok(())
}
