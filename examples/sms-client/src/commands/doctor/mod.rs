//! `doctor`: examines a gateway with queries only, and explains the findings.

mod advice;
mod ask;
mod checks;
mod dates;
mod finding;
mod http;
mod json;
mod redact;
mod report;
mod schema;
mod trace;

use serde::Serialize;
use sms_client::text::{escape, wrap};

use self::{
    ask::Asker,
    finding::{Finding, Findings, Level},
};
use crate::{
    args::{Connection, Doctor},
    failure::{Exit, Failure},
    output::Output,
};

/// The width of lines in the output for people.
const WIDTH: usize = 80;

pub(crate) async fn doctor(
    args: &Doctor,
    connection: &Connection,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut asker = Asker::new(connection)?;
    args.report.as_deref().map(report::check).transpose()?;
    announce(&asker, output)?;
    let mut findings = Findings::default();
    checks::run(&mut asker, &mut findings, &mut output.progress).await?;
    output.progress.clear();
    // The report is written first, because the output may have no reader. If the report fails, the output is still written.
    let report = args.report.as_deref();
    let written = report.map(|path| report::write(path, &findings.0, &asker.exchanges()));
    for finding in &findings.0 {
        show(finding, output)?;
        output.object(&Shown { finding, local: finding.local.as_deref() })?;
    }
    conclude(&findings.0, output)?;
    written.transpose()?;
    if let Some(path) = report {
        let text = format!(
            "The report is in {}. Phone numbers, texts, and identities of SIM cards and devices are replaced in it; times, counts and \
             states are not. The login is left out. Look through it before you publish it.",
            escape(&path.display().to_string())
        );
        output.line("")?;
        paragraph("", &text, output)?;
    }
    match count(&findings.0, Level::Problem) {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Transport, "the gateway has a problem, see above")),
        count => Err(Failure::new(Exit::Transport, format!("the gateway has {count} problems, see above"))),
    }
}

/// A finding with its local part, which only the output on this computer contains.
#[derive(Serialize)]
struct Shown<'f> {
    #[serde(flatten)]
    finding: &'f Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<&'f str>,
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

/// Announces the queries.
fn announce(asker: &Asker, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(());
    }
    let text = format!(
        "This only queries the gateway at {}. It sends no message and no USSD code, stops nothing, and marks no message as read. \
         At most one login is refused: with a wrong password, or by the last query. It ends after {} s at the latest.",
        escape(asker.address()),
        asker.limit().as_secs_f64().ceil(),
    );
    paragraph("", &text, output)?;
    for (check, requests, reason) in checks::PLAN {
        paragraph(&format!("  {check:<8}"), &format!("{requests}: {reason}"), output)?;
    }
    output.line("")?;
    Ok(())
}

fn show(finding: &Finding, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(());
    }
    let mark = match finding.level {
        Level::Fact => "     ",
        Level::Quirk => "quirk",
        Level::Problem => "!!   ",
    };
    let local = finding.local.as_deref().unwrap_or_default();
    let (local, below) = local.split_once('\n').unwrap_or((local, ""));
    let parts = [&*finding.text, local, finding.advice.unwrap_or_default()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let text = format!("{} ({})", escape(&parts.join(" ")), finding.name);
    paragraph(&format!("{mark} {:<8}", finding.check), &text, output)?;
    if !below.is_empty() {
        // Not wrapped, so that the line can be copied.
        output.line(&format!("      {}", escape(below)))?;
    }
    Ok(())
}

/// Prints a summary that explains the marks of the findings.
fn conclude(findings: &[Finding], output: &mut Output) -> Result<(), Failure> {
    let (quirks, problems) = (count(findings, Level::Quirk), count(findings, Level::Problem));
    let quirks = match quirks {
        0 if problems > 0 => String::new(),
        0 => "Nothing that was examined departs from the vendor's document.".to_owned(),
        1 => "The line with `quirk` departs from the vendor's document; sms-client and its library cope with it.".to_owned(),
        count => format!(
            "The {count} lines with `quirk` depart from the vendor's document; sms-client and its library cope with them."
        ),
    };
    let problems = match problems {
        0 => "",
        1 => "The line with `!!` needs you.",
        _ => "The lines with `!!` need you.",
    };
    output.line("")?;
    paragraph("", format!("{quirks} {problems}").trim(), output)
}

/// Prints a text after a heading. Further lines are indented.
fn paragraph(heading: &str, text: &str, output: &mut Output) -> Result<(), Failure> {
    let indent = if heading.is_empty() { 0 } else { heading.len() + 1 };
    for (index, line) in wrap(text, WIDTH - indent).into_iter().enumerate() {
        let heading = if index == 0 { heading } else { "" };
        let line = format!("{heading:<indent$}{line}");
        output.line(line.trim_end())?;
    }
    Ok(())
}
