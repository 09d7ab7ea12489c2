//! `query_incoming_sms`, §6 of the document.

use crate::{
    clock,
    device::{
        Device,
        inbox::{Flag, Incoming},
        port::{Port, Ports},
    },
    json::{Answer, Record, Writer},
    params::{Asked, BAD_FORMAT, Query},
};

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let after = query.integer("incoming_sms_id")?.unwrap_or(0);
    let flag = flag(query.get("flag"))?;
    let ports = if device.quirks.later_version { query.ports()?.unwrap_or(Ports::ALL) } else { Ports::ALL };
    let (ids, records) = page(device, after, flag, ports);
    if flag == Flag::Unread {
        device.inbox.mark_read(&ids);
    }
    let (read, unread) = device.inbox.counts();
    Ok(Answer::code(200).array("sms", records).then("read", read).then("unread", unread))
}

fn flag(name: Option<&str>) -> Asked<Flag> {
    match name {
        None | Some("unread") => Ok(Flag::Unread),
        Some("read") => Ok(Flag::Read),
        Some("all") => Ok(Flag::All),
        Some(_) => Err(BAD_FORMAT),
    }
}

/// The records that fit one answer, at least one, and their ids. The client goes on from the last.
fn page(device: &Device, after: u64, flag: Flag, ports: Ports) -> (Vec<u64>, Vec<Record>) {
    let writer = Writer(&device.quirks);
    let mut room = device.answer_limit;
    let chosen = device.inbox.select(after, flag).filter(|sms| ports.has(sms.port));
    let records = chosen.map(|sms| (sms.id, record(device, sms)));
    let mut first = true;
    let fits = |(_, record): &(u64, Record)| {
        let size = writer.record(record).len() + 1;
        let fits = first || size <= room;
        first = false;
        room = room.saturating_sub(size);
        fits
    };
    records.take_while(fits).unzip()
}

fn record(device: &Device, sms: &Incoming) -> Record {
    let port = device.ports.get(usize::from(sms.port));
    let mut record = vec![
        ("incoming_sms_id", sms.id.into()),
        ("port", sms.port.into()),
        ("number", sms.number.as_str().into()),
        ("smsc", port.map_or_else(String::new, Port::smsc).into()),
        ("timestamp", clock::format(sms.received).into()),
        ("text", sms.text.as_str().into()),
    ];
    record.extend(device.imsi_field(sms.port));
    record
}
