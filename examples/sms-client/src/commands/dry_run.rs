//! `send --dry-run`: a preview for each recipient.

use serde::Serialize;
use sms_client::{table::Column, text::escape};
use sms_gateway::core::{
    Number, UserId,
    call::Recipient,
    text::{Alphabet, Encoding, NotInAlphabet, Template},
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
    /// The first character that makes the text Unicode, because GSM 7-bit lacks it. `unicode_index` is its position,
    /// counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    unicode_character: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unicode_index: Option<usize>,
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
    let template = Template::new(args.text());
    let (mut segments, mut causes) = (0, Causes::default());
    for to in recipients {
        let unfit = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
        let text = template.expand(to.params).map_err(|error| unfit(&error))?;
        let shape = text.shape(args.encoding).map_err(|error| unfit(&error))?;
        segments += u64::from(shape.segments);
        // Only with the encoding `auto` is a character the cause of Unicode. With `unicode`, the user chose Unicode.
        let foreign = text.shape(Encoding::Gsm7Bit).err().filter(|_| args.encoding == Encoding::Auto);
        let preview = Preview {
            number: to.number,
            user_id: to.user_id,
            encoding: shape.alphabet,
            segments: shape.segments,
            units: shape.units,
            text: text.to_string(),
            unicode_character: foreign.map(|foreign| foreign.character),
            unicode_index: foreign.map(|foreign| foreign.index),
        };
        causes.extend(foreign);
        output.record(&preview, || row(&preview))?;
    }
    for line in causes.lines() {
        output.line(&line)?;
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

/// The maximum number of characters that are named as causes.
const MAX_CAUSES: usize = 4;

/// The characters that make texts Unicode, each with the number of texts that it affects.
#[derive(Default)]
struct Causes(Vec<(NotInAlphabet, u64)>);

impl Causes {
    fn extend(&mut self, cause: Option<NotInAlphabet>) {
        let Some(cause) = cause else { return };
        match self.0.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, texts)) => *texts += 1,
            None => self.0.push((cause, 1)),
        }
    }

    fn lines(&self) -> Vec<String> {
        let line = |(cause, texts): &(NotInAlphabet, u64)| {
            let place = cause.index + 1;
            let code = u32::from(cause.character);
            let character = escape(&cause.character.to_string()).into_owned();
            let texts = count(*texts, "text");
            format!("`{character}` (U+{code:04X}), character {place}, makes {texts} Unicode")
        };
        let mut lines: Vec<_> = self.0.iter().take(MAX_CAUSES).map(line).collect();
        if let Some(more) = self.0.len().checked_sub(MAX_CAUSES).filter(|more| *more > 0) {
            let verb = if more == 1 { "does" } else { "do" };
            lines.push(format!("{} more {verb} so too", count(more as u64, "character")));
        }
        lines
    }
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
