//! `query_sms_in_queue`, §5 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, Query},
};

// This call cannot fail, but all calls have the same signature.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn run(device: &mut Device, _: &Query) -> Asked<Answer> {
    Ok(Answer::code(200).with("in_queue", device.outbox.waiting()))
}
