//! `send_ussd`, §7 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, BAD_FORMAT, Body},
};

/// A code has at most 60 bytes.
const CODE_BYTES: usize = 60;

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let code = body.text("text")?.ok_or(BAD_FORMAT)?;
    let ports = body.ports()?.filter(|ports| !ports.is_empty()).ok_or(BAD_FORMAT)?;
    let send = match body.text("command")? {
        None | Some("send") => true,
        Some("cancel") => false,
        Some(_) => return Err(BAD_FORMAT),
    };
    if code.len() > CODE_BYTES || (send && code.is_empty()) {
        return Err(BAD_FORMAT);
    }
    let results = ports.iter().map(|port| {
        let status = if send { device.send_ussd(port, code) } else { device.cancel_ussd(port) };
        vec![("port", port.into()), ("status", status.into())]
    });
    let results = results.collect();
    let key = if device.quirks.result_colon { "result:" } else { "result" };
    Ok(Answer::code(202).with("request_id", device.ussd.next_request()).array(key, results))
}
