//! `query_sms_in_queue`, §5 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, Query},
};

// It has no parameters and cannot fail, but has the signature of all calls.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn run(device: &mut Device, _: &Query) -> Asked<Answer> {
    Ok(Answer::code(200).with("in_queue", device.outbox.waiting()))
}
