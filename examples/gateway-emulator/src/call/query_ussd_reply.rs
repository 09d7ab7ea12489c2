//! `query_ussd_reply`, §8 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, BAD_FORMAT, Query},
};

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let ports = query.ports()?.ok_or(BAD_FORMAT)?;
    let text = |port: u8| device.ports.get(usize::from(port)).map_or("", |port| port.ussd_reply.as_str());
    let replies = ports.iter().map(|port| vec![("port", port.into()), ("text", text(port).into())]).collect();
    Ok(Answer::code(200).array("reply", replies))
}
