//! The file that can be attached to a report: the findings, and all exchanges without what is private.

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::{finding::Finding, http::Framing, redact::Redactor, trace::Exchange};
use crate::failure::{Exit, Failure};

/// The version of the file's format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Report<'r> {
    format: u32,
    program: &'static str,
    findings: &'r [Finding],
    exchanges: Vec<Recorded>,
}

/// An exchange. The request is this program's own.
#[derive(Serialize)]
struct Recorded {
    method: String,
    target: String,
    body: String,
    /// Whether it had a login.
    login: bool,
    /// The time of the request, in seconds since 1970 (UTC).
    at: u64,
    /// `None` if there was no response.
    response: Option<RecordedResponse>,
    /// Whether the gateway closed the connection then.
    closed: bool,
}

#[derive(Serialize)]
struct RecordedResponse {
    line: String,
    /// `Name: value`, as they were spelt.
    headers: Vec<String>,
    framing: &'static str,
    /// Without the marks of chunks.
    body: String,
    /// Whether the body arrived whole.
    whole: bool,
}

/// Writes the file.
pub(super) fn write(path: &Path, findings: &[Finding], exchanges: &[Exchange]) -> Result<(), Failure> {
    let redactor = Redactor::default();
    let exchanges = exchanges.iter().filter_map(|exchange| recorded(exchange, &redactor)).collect();
    let program = concat!("sms-client ", env!("CARGO_PKG_VERSION"));
    let report = Report { format: FORMAT, program, findings, exchanges };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Output, format!("the report can't be written to {}: {error}", path.display()))
    };
    let text = serde_json::to_string_pretty(&report).map_err(|error| failed(&error))?;
    fs::write(path, text + "\n").map_err(|error| failed(&error))
}

fn recorded(exchange: &Exchange, redactor: &Redactor) -> Option<Recorded> {
    let request = exchange.request()?;
    Some(Recorded {
        method: request.method,
        target: request.target,
        body: String::from_utf8_lossy(&request.body).into_owned(),
        login: request.authorization.is_some(),
        at: seconds(exchange.at),
        response: recorded_response(exchange, redactor),
        closed: exchange.is_closed,
    })
}

fn recorded_response(exchange: &Exchange, redactor: &Redactor) -> Option<RecordedResponse> {
    let response = exchange.response()?;
    let header = |(name, value): &(String, String)| format!("{name}: {}", redactor.header(name, value));
    let length = response.header("content-length").and_then(|value| value.parse().ok());
    let version = response.line.split(' ').next().unwrap_or_default();
    Some(RecordedResponse {
        line: format!("{version} {} {}", response.status, super::redact::word(response.reason())),
        headers: response.headers.iter().map(header).collect(),
        framing: response.framing.as_str(),
        body: redactor.body(&response.body),
        whole: !exchange.is_cut
            && (response.framing != Framing::Length || length == Some(response.body.len())),
    })
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
