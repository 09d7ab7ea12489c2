//! The gateway's reachability, and whether its API can be used.

use std::error::Error;

use super::{QUEUE, tls};
use crate::{
    commands::doctor::{
        ask::{Answer, Asker, Login},
        finding::Findings,
        redact,
        schema::{self, QUEUE as QUEUE_SCHEMA},
        trace::Exchange,
    },
    failure::{Failure, chain},
};

/// Checks whether the gateway responds. Returns whether more queries can be made.
pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) -> Result<bool, Failure> {
    let answer = asker.get(Login::Without, QUEUE).await?;
    if tls::is_untrusted(&answer, findings) {
        return Ok(false);
    }
    let Some(status) = answer.status else {
        let reason = answer.error.as_ref().map(|error| error.failure.to_string());
        let reason = reason.unwrap_or_else(|| "it takes too long".to_owned());
        findings.problem("reach", "unreachable", format!("No response: {reason}."));
        if let Some(error) = &answer.error {
            let cause = error.source().map(|cause| format!("{}.", chain(cause)));
            findings.add_local("unreachable", "The cause:", cause.as_deref().unwrap_or("not known."));
        }
        return Ok(false);
    };
    match status {
        200 => {
            findings.fact("login", "no-login", "The gateway responds without a login.");
            schema::examine(&QUEUE_SCHEMA, &answer, findings);
            Ok(true)
        }
        401 => Ok(true),
        300..=399 => {
            redirect(asker, &answer, findings);
            Ok(false)
        }
        403 => {
            forbidden(&answer, findings);
            Ok(false)
        }
        404 => {
            let text = "query_sms_in_queue does not exist here (404). If the other calls fail too, enable the New Version API in the \
                        gateway's web pages.";
            findings.problem("reach", "queue-missing", text);
            Ok(true)
        }
        status => {
            findings.problem("reach", "http-status", format!("The response has HTTP status {status}."));
            Ok(false)
        }
    }
}

/// Reports a response with status 403.
pub(super) fn forbidden(answer: &Answer, findings: &mut Findings) {
    let body = redact::page(&String::from_utf8_lossy(&answer.body));
    let body = body.chars().take(60).collect::<String>();
    let text = format!(
        "The gateway forbids this (403, {body:?}). It does so for some minutes after refused logins, or if the API is off."
    );
    findings.problem("reach", "forbidden", text);
}

fn redirect(asker: &Asker, answer: &Answer, findings: &mut Findings) {
    let responses = asker.exchanges_of(answer);
    let response = responses.last().and_then(Exchange::response);
    let location = response.as_ref().and_then(|response| response.header("location")).unwrap_or_default();
    if location.to_ascii_lowercase().starts_with("https:") {
        findings.problem("reach", "redirect-https", "The gateway redirects to HTTPS.");
    } else if location.contains(".htm") {
        let text = "The gateway redirects to a page of its own: the API is off, or has another path.";
        findings.problem("reach", "redirect-login-page", text);
    } else {
        findings.problem("reach", "redirect", "The gateway redirects to another address.");
    }
}
