//! `send_sms`, §2 of the document.

use serde_json::Value;

use crate::{
    device::{
        Device,
        message::{Message, Status},
        port::Ports,
    },
    fate::Plan,
    json::Answer,
    params::{self, Asked, BAD_FORMAT, Body, TOO_LARGE},
    segments::{Encoding, segments},
};

/// A text has at most 1500 bytes.
const TEXT_BYTES: usize = 1500;
/// A request has at most 128 recipients.
const RECIPIENTS: usize = 128;
/// What each `text_param` replaces.
const PLACEHOLDER: &str = "#param#";

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let messages = Request::parse(body, device)?.messages()?;
    if device.quirks.expanded_text_limit && messages.iter().any(|message| message.text.len() > TEXT_BYTES) {
        return Err(TOO_LARGE);
    }
    let ports = messages.first().map_or(Ports::ALL, |message| message.ports);
    if !ports.meets(device.registered()) {
        return Err(if device.quirks.later_version { 550 } else { 500 });
    }
    let task = device.accept(messages);
    // Counted before the free ports take their share: the document's example has two messages in the queue.
    Ok(Answer::code(202).with("sms_in_queue", device.outbox.waiting()).with("task_id", task))
}

struct Request<'a> {
    text: &'a str,
    recipients: &'a [Value],
    ports: Ports,
    encoding: Encoding,
    report_wanted: bool,
}

impl<'a> Request<'a> {
    fn parse(body: &'a Body, device: &Device) -> Asked<Self> {
        let text = body.text("text")?.ok_or(BAD_FORMAT)?;
        let recipients = body.array("param")?.filter(|list| !list.is_empty()).ok_or(BAD_FORMAT)?;
        if text.len() > TEXT_BYTES || recipients.len() > RECIPIENTS {
            return Err(TOO_LARGE);
        }
        let ports = body.ports()?.filter(|ports| !ports.is_empty()).unwrap_or(Ports::ALL);
        let encoding = encoding(body.text("encoding")?)?;
        Ok(Self { text, recipients, ports, encoding, report_wanted: report_wanted(body, device)? })
    }

    /// One message for each recipient; a fault in one refuses them all.
    fn messages(&self) -> Asked<Vec<Message>> {
        self.recipients.iter().map(|recipient| self.message(recipient)).collect()
    }

    fn message(&self, recipient: &Value) -> Asked<Message> {
        let number = params::number(recipient.get("number").ok_or(BAD_FORMAT)?)?;
        let text = self.expand(recipient.get("text_param"))?;
        let user_id = recipient.get("user_id").map(|id| id.as_u64().ok_or(BAD_FORMAT)).transpose()?;
        let segments = segments(&text, self.encoding);
        Ok(Message {
            task: 0,
            number: number.to_owned(),
            text,
            user_id,
            ports: self.ports,
            report_wanted: self.report_wanted,
            plan: Plan::default(),
            status: Status::Waiting,
            segments,
            sent: 0,
            sending: None,
            received: vec![false; segments as usize],
        })
    }

    /// The text with each placeholder replaced by the parameter of its place; there must be as many of one as of the other.
    fn expand(&self, params: Option<&Value>) -> Asked<String> {
        let none = Vec::new();
        let params = params.map_or(Some(&none), Value::as_array).ok_or(BAD_FORMAT)?;
        let mut pieces = self.text.split(PLACEHOLDER);
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut params = params.iter();
        for piece in pieces {
            text += params.next().and_then(Value::as_str).ok_or(BAD_FORMAT)?;
            text += piece;
        }
        params.next().is_none().then_some(text).ok_or(BAD_FORMAT)
    }
}

fn encoding(name: Option<&str>) -> Asked<Encoding> {
    match name {
        None | Some("unicode") => Ok(Encoding::Unicode),
        Some("gsm-7bit") => Ok(Encoding::Gsm7),
        Some(_) => Err(BAD_FORMAT),
    }
}

/// Later versions let the client choose; before, there are always reports.
fn report_wanted(body: &Body, device: &Device) -> Asked<bool> {
    match body.get("request_status_report").filter(|_| device.quirks.later_version) {
        Some(value) => value.as_bool().ok_or(BAD_FORMAT),
        None => Ok(true),
    }
}
