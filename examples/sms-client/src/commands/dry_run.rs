//! `send --dry-run`: a preview for each recipient.

use serde::Serialize;
use sms_client::table::Column;
use sms_gateway::core::{
    Number, UserId,
    call::Recipient,
    text::{Alphabet, Template},
};

use crate::{args::Send, cells::count, failure::Failure, output::Output};

/// The message that a recipient would receive.
#[derive(Serialize)]
struct Preview<'a> {
    number: Number<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    encoding: Alphabet,
    segments: u32,
    units: u32,
    text: String,
}

#[derive(Serialize)]
struct Previewed {
    messages: usize,
    segments: u64,
    requests: usize,
}

pub(super) fn show(
    args: &Send,
    recipients: &[Recipient<'_>],
    requests: usize,
    output: &mut Output,
) -> Result<(), Failure> {
    output.table([
        Column::text("NUMBER"),
        Column::number("USER_ID"),
        Column::word("ENCODING"),
        Column::number("SEGMENTS"),
        Column::number("UNITS"),
        Column::text("TEXT"),
    ]);
    let template = Template::new(&args.text);
    let mut segments = 0;
    for to in recipients {
        let unfit = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
        let text = template.expand(to.params).map_err(|error| unfit(&error))?;
        let shape = text.shape(args.encoding).map_err(|error| unfit(&error))?;
        segments += u64::from(shape.segments);
        let preview = Preview {
            number: to.number,
            user_id: to.user_id,
            encoding: shape.alphabet,
            segments: shape.segments,
            units: shape.units,
            text: text.to_string(),
        };
        output.record(&preview, || row(&preview))?;
    }
    output.line(&format!(
        "{}, {} in {}; nothing was sent",
        count(recipients.len() as u64, "message"),
        count(segments, "segment"),
        count(requests as u64, "request")
    ))?;
    output.object(&Previewed { messages: recipients.len(), segments, requests })?;
    Ok(())
}

fn row(preview: &Preview<'_>) -> [String; 6] {
    [
        preview.number.to_string(),
        preview.user_id.map(|id| id.to_string()).unwrap_or_default(),
        preview.encoding.as_str().to_owned(),
        preview.segments.to_string(),
        preview.units.to_string(),
        preview.text.clone(),
    ]
}
