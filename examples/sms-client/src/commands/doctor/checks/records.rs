//! Results and status reports: their times, their numbers, and the filters.

use std::{cmp::Ordering, collections::HashMap};

use crate::{
    commands::doctor::{
        ask::Asker,
        finding::Findings,
        json::Value,
        redact::is_time,
        schema::{self, REPORTS, RESULTS, Schema},
    },
    failure::Failure,
};

/// The maximum number of segments of a message.
const MAX_SEGMENTS: i64 = 255;
/// The number of trailing digits by which two spellings are recognised as the same number.
const COMPARED_DIGITS: usize = 8;

pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) -> Result<(), Failure> {
    let results = query(asker, &RESULTS, "{}", findings).await?;
    let reports = query(asker, &REPORTS, "{}", findings).await?;
    let counts =
        format!("Stored results: {}, status reports: {}.", count(results.as_ref()), count(reports.as_ref()));
    findings.fact("records", "records", counts);
    if let (Some(results), Some(reports)) = (&results, &reports) {
        compare(results.records("result"), reports.records("result"), findings);
    }
    if let Some(results) = &results {
        examine_results(results.records("result"), findings);
        check_filters(asker, results, findings).await?;
    }
    Ok(())
}

fn count(response: Option<&Value>) -> usize {
    response.map_or(0, |response| response.records("result").len())
}

async fn query(
    asker: &mut Asker,
    schema: &Schema,
    body: &str,
    findings: &mut Findings,
) -> Result<Option<Value>, Failure> {
    let answer = asker.post(&format!("/api/{}", schema.name), body).await?;
    let value = schema::examine(schema, &answer, findings);
    if let Some(status) = answer.status.filter(|status| *status != 200) {
        let text = format!("{} ends with HTTP status {status}.", schema.name);
        findings.problem("records", "query-refused", text);
    }
    Ok(value)
}

/// Compares status reports with the results to which they belong.
fn compare(results: &[Value], reports: &[Value], findings: &mut Findings) {
    let segments = results.iter().flat_map(|result| {
        let count = result.integer("count").unwrap_or(1).clamp(1, MAX_SEGMENTS);
        (0..count).filter_map(move |segment| Some((key(result, segment)?, result)))
    });
    let segments: HashMap<_, _> = segments.collect();
    for report in reports {
        let Some(result) = key(report, 0).and_then(|key| segments.get(&key)) else { continue };
        // Times have a fixed width, so they sort as text.
        match report.text("time").cmp(result.text("time")) {
            Ordering::Less => {
                let text = "A status report has an earlier time than its result: that of another clock, the SMS centre's.";
                findings.quirk("records", "report-clock", text);
            }
            Ordering::Greater => {
                let text = "A status report has a later time than its result: that of its arrival, or of the SMS centre's clock.";
                findings.quirk("records", "report-time-arrival", text);
            }
            Ordering::Equal => {}
        }
        let (sent, reported) = (digits(result), digits(report));
        if reported.len() > sent.len() {
            let text = "Status reports spell a number with more digits than its result.";
            findings.quirk("records", "report-number-international", text);
        } else if reported.len() < sent.len() {
            let text = "Status reports spell a number with fewer digits than its result.";
            findings.quirk("records", "report-number-national", text);
        }
    }
}

/// Returns a segment's port, its message reference and the last digits of its phone number. A result and its reports share these values.
fn key(record: &Value, segment: i64) -> Option<(i64, i64, String)> {
    let reference = record.integer("ref_id")?.checked_add(segment)?.rem_euclid(256);
    Some((record.integer("port")?, reference, tail(record)))
}

/// Returns the number without its plus sign and separators.
fn digits(record: &Value) -> String {
    record.text("number").chars().filter(char::is_ascii_digit).collect()
}

/// Returns the last digits of the number.
fn tail(record: &Value) -> String {
    digits(record).chars().rev().take(COMPARED_DIGITS).collect()
}

/// Examines the spelling of numbers in results, and messages with several results.
fn examine_results(results: &[Value], findings: &mut Findings) {
    let mut first = HashMap::new();
    for result in results {
        let number = result.text("number");
        let is_separated = number.trim_start_matches('+').contains(|other: char| !other.is_ascii_digit());
        if is_separated && !digits(result).is_empty() {
            let text = "Results spell numbers with other characters than digits.";
            findings.quirk("records", "result-number-separated", text);
        }
        let Some(id) = result.integer("user_id") else { continue };
        let is_failed = result.text("status").trim().eq_ignore_ascii_case("FAILED");
        match first.insert((id, number, result.text("time")), is_failed) {
            Some(true) if !is_failed => {
                let text = "A result FAILED precedes a better one of the same message.";
                findings.quirk("records", "failed-before", text);
            }
            Some(false) if is_failed => {
                let text = "A result FAILED follows a better one of the same message.";
                findings.quirk("records", "failed-after", text);
            }
            _ => {}
        }
    }
}

async fn check_filters(asker: &mut Asker, results: &Value, findings: &mut Findings) -> Result<(), Failure> {
    let times = results.records("result").iter().map(|result| result.text("time"));
    // The time becomes part of a query, and the report contains all queries. So the text must be a time and nothing else.
    let Some(time) = times.filter(|time| is_time(time)).max().map(str::to_owned) else {
        findings.fact("records", "no-results", "There are no results, so the time filters were not tried.");
        return Ok(());
    };
    findings.fact("clock", "newest-time", format!("The newest result is of {time}, by the gateway's clock."));
    let body = format!("{{\"time_after\":\"{time}\",\"time_before\":\"{time}\"}}");
    let Some(within) = query(asker, &RESULTS, &body, findings).await? else { return Ok(()) };
    let within = within.records("result");
    let future = query(asker, &RESULTS, "{\"time_after\":\"2037-12-31 23:59:59\"}", findings).await?;
    let is_future_empty = future.as_ref().is_none_or(|future| future.records("result").is_empty());
    if !is_future_empty || within.iter().any(|result| result.text("time") != time) {
        let text = "time_after and time_before do not limit the results.";
        findings.problem("records", "time-filter-ignored", text);
    } else if within.is_empty() {
        let text = "time_after and time_before exclude the second that they name.";
        findings.quirk("records", "strict-times", text);
    } else {
        findings.fact(
            "records",
            "times-inclusive",
            "time_after and time_before include the second that they name.",
        );
    }
    Ok(())
}
