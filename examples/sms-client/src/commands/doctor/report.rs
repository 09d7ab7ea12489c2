//! The file that can be attached to a problem report: the findings, and all exchanges without private data.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::{
    ask::beginning,
    finding::Finding,
    http::Response,
    redact::Redactor,
    trace::{Exchange, MAX_BODY},
};
use crate::failure::{Exit, Failure};

/// The version of the file's format.
const FORMAT: u32 = 1;
/// The number of bytes by which `Content-Length` exceeds a body that did not arrive whole.
const MISSING: usize = 1 << 20;

#[derive(Serialize)]
struct Report<'r> {
    format: u32,
    program: &'static str,
    findings: &'r [Finding],
    exchanges: Vec<Recorded>,
}

/// An exchange. This program made the request.
#[derive(Serialize)]
struct Recorded {
    method: String,
    target: String,
    body: String,
    /// Whether the request had a login.
    login: bool,
    /// The time of the request, in seconds since 1970 (UTC).
    at: u64,
    /// `None` if there was no response.
    response: Option<RecordedResponse>,
    /// Whether the gateway closed the connection during or after the exchange.
    closed: bool,
}

#[derive(Serialize)]
struct RecordedResponse {
    line: String,
    /// Each header as `Name: value`, in its original spelling.
    headers: Vec<String>,
    framing: &'static str,
    /// The body, without the chunk framing.
    body: String,
    /// Whether the body arrived whole.
    whole: bool,
    /// Whether the body is too long, and is cut off here.
    cut: bool,
    /// Whether the body is UTF-8. If not, U+FFFD replaces the invalid bytes.
    utf8: bool,
}

/// Checks that the file can be created, and removes it again.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    create(path)?;
    fs::remove_file(path).map_err(|error| failed(path, &error))
}

/// Writes the file.
pub(super) fn write(path: &Path, findings: &[Finding], exchanges: &[Exchange]) -> Result<(), Failure> {
    let text = render::<RandomState>(findings, exchanges).map_err(|error| failed(path, &error))?;
    let written = create(path)?.write_all((text + "\n").as_bytes());
    written.map_err(|error| {
        // An incomplete report is useless.
        let _ = fs::remove_file(path);
        failed(path, &error)
    })
}

/// Creates the file. Fails if the file exists. On Unix, only its owner can read it.
fn create(path: &Path) -> Result<fs::File, Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let path = path.display();
            Failure::usage(format!("{path} exists already; name another file for the report"))
        }
        _ => failed(path, &error),
    })
}

/// Returns the contents of the file. `S` determines the substitutes for numbers and tokens.
fn render<S: BuildHasher + Default>(
    findings: &[Finding],
    exchanges: &[Exchange],
) -> serde_json::Result<String> {
    let parts: Vec<_> =
        exchanges.iter().filter_map(|one| Some((one, one.request()?, one.response()))).collect();
    let bodies = parts.iter().map(|(_, request, response)| {
        (&*request.target, response.as_ref().map_or(&[][..], |response| &response.body))
    });
    let redactor = Redactor::<S>::new(bodies);
    let exchanges = parts.iter().map(|(exchange, request, response)| Recorded {
        method: request.method.clone(),
        target: redactor.target(&request.target),
        body: String::from_utf8_lossy(&request.body).into_owned(),
        login: request.authorization.is_some(),
        at: seconds(exchange.at),
        response: response.as_ref().map(|response| recorded(exchange, response, &redactor)),
        closed: exchange.is_closed,
    });
    let program = concat!("sms-client ", env!("CARGO_PKG_VERSION"));
    serde_json::to_string_pretty(&Report {
        format: FORMAT,
        program,
        findings,
        exchanges: exchanges.collect(),
    })
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Output, format!("the report can't be written to {}: {error}", path.display()))
}

fn recorded<S: BuildHasher>(
    exchange: &Exchange,
    response: &Response,
    redactor: &Redactor<S>,
) -> RecordedResponse {
    let cut = exchange.is_cut || response.body.len() > MAX_BODY;
    let whole = response.is_whole && !cut;
    let bytes = beginning(&response.body);
    let body = redactor.body(bytes);
    let header = |(name, value): &(String, String)| {
        let (shown, value) = redactor.header(name, value);
        if !name.eq_ignore_ascii_case("content-length") {
            return format!("{shown}: {value}");
        }
        // The length is computed, because the value that the gateway sent could be private data.
        let missing = if whole { 0 } else { MISSING };
        format!("{shown}: {}", body.len() + missing)
    };
    let headers = response.headers.iter().map(header).collect();
    RecordedResponse {
        line: status_line(response),
        headers,
        framing: response.framing.as_str(),
        utf8: std::str::from_utf8(bytes).is_ok(),
        body,
        whole,
        cut,
    }
}

fn status_line(response: &Response) -> String {
    let version = if response.is_http_1_0() { "HTTP/1.0" } else { "HTTP/1.1" };
    format!("{version} {} {}", response.status, super::redact::plain(response.reason()))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
