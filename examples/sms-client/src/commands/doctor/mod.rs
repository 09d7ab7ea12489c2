//! `doctor`: examines a gateway by questions alone, and explains what it finds.

mod ask;
mod checks;
mod finding;
mod http;
mod json;
mod redact;
mod report;
mod schema;
mod trace;

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

/// The width of the lines that people read.
const WIDTH: usize = 80;

pub(crate) async fn doctor(
    args: &Doctor,
    connection: &Connection,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut asker = Asker::new(connection)?;
    announce(asker.address(), output)?;
    let mut findings = Findings::default();
    checks::run(&mut asker, &mut findings).await?;
    for finding in &findings.0 {
        show(finding, output)?;
        output.object(finding)?;
    }
    if let Some(path) = &args.report {
        report::write(path, &findings.0, &asker.exchanges())?;
        output.line(&format!(
            "\nThe report is in {}. It has no numbers, texts or",
            escape(&path.display().to_string())
        ))?;
        output.line("credentials; look through it before you publish it.")?;
    }
    let problems = findings.0.iter().filter(|finding| finding.level == Level::Problem).count();
    match problems {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Transport, "the gateway has a problem, see above")),
        count => Err(Failure::new(Exit::Transport, format!("the gateway has {count} problems, see above"))),
    }
}

/// Says beforehand what is asked.
fn announce(address: &str, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(());
    }
    let text = format!(
        "This asks the gateway at {} questions only. It sends no message and no USSD code, stops nothing, and marks no message as read. At most one \
         login is refused: with a wrong password, or by the last question.",
        escape(address)
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
    let text = format!("{} ({})", escape(&finding.text), finding.name);
    paragraph(&format!("{mark} {:<8}", finding.check), &text, output)
}

/// Prints a text after a heading, the further lines indented.
fn paragraph(heading: &str, text: &str, output: &mut Output) -> Result<(), Failure> {
    let indent = if heading.is_empty() { 0 } else { heading.len() + 1 };
    for (index, line) in wrap(text, WIDTH - indent).into_iter().enumerate() {
        let heading = if index == 0 { heading } else { "" };
        let line = format!("{heading:<indent$}{line}");
        output.line(line.trim_end())?;
    }
    Ok(())
}
