//! `query_sms_result`, §3 of the document.

use serde_json::Value;

use crate::{
    clock,
    device::{
        Device,
        message::{Message, Sending},
        port::Ports,
    },
    json::{Answer, Record},
    params::{Asked, Body},
};

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let (numbers, user_ids) = (body.numbers()?, body.user_ids()?);
    let ports = body.ports()?.filter(|ports| !ports.is_empty()).unwrap_or(Ports::ALL);
    let period = body.period(&device.quirks)?;
    let asked = |message: &Message, sending: &Sending| {
        given(numbers.as_ref(), |list| list.contains(&message.number.as_str()))
            && given(user_ids.as_ref(), |list| message.user_id.is_some_and(|id| list.contains(&id)))
            && ports.has(sending.port)
            && period.has(sending.time)
    };
    let shown =
        device.outbox.since_restart().filter_map(|message| Some((message, message.sending.as_ref()?)));
    let records = shown
        .filter(|(message, sending)| asked(message, sending))
        .filter_map(|(message, sending)| record(device, message, sending))
        .collect();
    Ok(Answer::code(200).array("result", records))
}

/// Whether a list that restricts the query allows it; an empty list restricts nothing.
pub(super) fn given<T>(list: Option<&Vec<T>>, has: impl FnOnce(&Vec<T>) -> bool) -> bool {
    list.is_none_or(|list| list.is_empty() || has(list))
}

fn record(device: &Device, message: &Message, sending: &Sending) -> Option<Record> {
    let mut record: Record = vec![("port", sending.port.into())];
    // §11.4: the user_id is included if the request had one.
    record.extend(message.user_id.map(|id| ("user_id", Value::from(id))));
    record.extend([
        ("number", message.number.as_str().into()),
        ("time", clock::format(sending.time).into()),
        ("status", message.status.as_str()?.into()),
        ("count", message.segments.into()),
        ("succ_count", message.sent.into()),
        ("ref_id", sending.first_ref.unwrap_or(0).into()),
    ]);
    record.extend(device.imsi_field(sending.port));
    Some(record)
}
