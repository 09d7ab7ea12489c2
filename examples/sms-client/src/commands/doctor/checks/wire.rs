//! The gateway's HTTP: heads, the ends of responses and of connections, its clock, and hints at its firmware.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::commands::doctor::{
    ask::Asker,
    dates::date_seconds,
    finding::Findings,
    http::{Framing, Response},
    redact,
    trace::Exchange,
};

/// Clocks that differ by less than this are reported as equal.
const SMALL: Duration = Duration::from_secs(60);
/// The maximum number of characters shown of the header Server.
const MAX_SERVER: usize = 80;

pub(super) fn check(asker: &Asker, findings: &mut Findings) {
    let exchanges: Vec<_> = asker.exchanges();
    let responses: Vec<_> =
        exchanges.iter().filter_map(|exchange| Some((exchange, exchange.response()?))).collect();
    for (exchange, response) in &responses {
        if response.is_http_1_0() {
            findings.quirk("http", "http-1-0", "Responses are of HTTP/1.0, and each closes its connection.");
        }
        if response.status == 200 {
            check_success(response, findings);
        }
        if (500..=599).contains(&response.status) {
            let text = format!("A query failed with HTTP status {}.", response.status);
            findings.quirk("http", "server-error", text);
        }
        if let Some(server) = response.header("server") {
            let shown: String = redact::products(server).chars().take(MAX_SERVER).collect();
            findings.fact("firmware", "server", format!("The header Server is {shown:?}."));
        }
        if let Some(date) = response.header("date") {
            check_clock(date, exchange.at, findings);
        }
    }
    if !responses.is_empty() && !responses.iter().any(|(_, response)| response.header("date").is_some()) {
        let text = "Responses have no Date, so the clock is known from records only.";
        findings.fact("clock", "no-date", text);
    }
    check_closing(&exchanges, findings);
}

fn check_success(response: &Response, findings: &mut Findings) {
    if response.reason() == "Data follows" {
        findings.quirk("http", "data-follows", "The reason phrase is Data follows.");
    }
    if response.header("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    {
        findings.problem(
            "http",
            "compressed",
            "Responses are compressed, although the request does not allow it.",
        );
    }
    if response.header("content-type").is_none() {
        findings.quirk("http", "no-content-type", "There is no Content-Type.");
    }
    match response.framing {
        Framing::Chunked => findings.quirk("http", "chunked", "Responses are chunked."),
        Framing::UntilClose if !response.is_http_1_0() => {
            let text = "The end of the connection ends a response: it has neither a length nor chunks.";
            findings.quirk("http", "until-close", text);
        }
        _ => {}
    }
}

fn check_clock(date: &str, at: SystemTime, findings: &mut Findings) {
    let Some(theirs) = date_seconds(date) else { return };
    let ours = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let theirs = Duration::from_secs(theirs);
    let (difference, word) =
        if theirs > ours { (theirs.abs_diff(ours), "ahead of") } else { (ours.abs_diff(theirs), "behind") };
    if difference < SMALL {
        findings.fact("clock", "clock", "The header Date agrees with this computer's clock.");
    } else {
        let minutes = (difference.as_secs() + 30) / 60;
        let text = format!("The header Date is about {minutes} minutes {word} this computer's clock.");
        findings.quirk("clock", "clock-offset", text);
    }
}

/// Reports after how many responses the gateway closes a connection, and whether it announces this.
fn check_closing(exchanges: &[Exchange], findings: &mut Findings) {
    for (index, exchange) in exchanges.iter().enumerate() {
        let same = |other: &&Exchange| other.connection == exchange.connection;
        let served = exchanges.iter().take(index).filter(same).count();
        let has_next = exchanges.iter().skip(index + 1).any(|next| same(&next));
        let Some(response) = exchange.response() else {
            let is_empty_post =
                exchange.request().is_some_and(|sent| sent.method == "POST" && sent.body.is_empty());
            if exchange.response.is_empty() && exchange.is_closed && served > 0 && !is_empty_post {
                note_closing(served, false, findings);
            }
            continue;
        };
        // HTTP/1.0, and a response without a length, close the connection anyway.
        let is_closing_anyway = response.is_http_1_0() || response.framing == Framing::UntilClose;
        if has_next || is_closing_anyway || response.status == 401 {
            continue;
        }
        if response.announces_close() || exchange.is_closed {
            note_closing(served + 1, response.announces_close(), findings);
        }
    }
}

fn note_closing(served: usize, is_announced: bool, findings: &mut Findings) {
    findings.quirk("http", "close-after", format!("A connection closes after {served} responses."));
    if !is_announced {
        findings.quirk("http", "close-unannounced", "A connection closes without Connection: close.");
    }
}
