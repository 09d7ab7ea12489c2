//! `stop_sms`, §9 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, BAD_FORMAT, Query},
};

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let task = query.integer("task_id")?.ok_or(BAD_FORMAT)?;
    if device.outbox.stop(task) {
        Ok(Answer::code(200))
    } else {
        Err(if device.quirks.unknown_task_486 { 486 } else { 404 })
    }
}
