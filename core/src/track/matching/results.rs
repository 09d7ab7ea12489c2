//! To which message a result belongs.

use super::index::find;
use crate::{
    call::SmsResult,
    track::{
        clock::{GatewayClock, GatewaySeconds},
        message::State,
        number::PackedNumber,
        plan::Messages,
        table::SlotId,
    },
};

/// Returns the message to which a result belongs: by user_id, number and time. A finished message needs no result.
pub(in crate::track) fn message_of(
    table: &Messages<'_>,
    clock: &mut GatewayClock,
    result: &SmsResult<'_>,
) -> Option<SlotId> {
    let id = find(table, u32::try_from(result.user_id.get()?).ok()?)?;
    let slot = table.get(id)?;
    if slot.state() == State::Unsent || slot.is_over() {
        return None;
    }
    let is_same = |number: PackedNumber| number.is_same(&slot.number());
    if !result.number.is_missing() && !PackedNumber::parse(result.number.as_str()).is_some_and(is_same) {
        return None;
    }
    let sent = result.time.get().and_then(GatewaySeconds::from_time);
    if let Some(time) = sent.filter(|_| sent != slot.sent)
        && clock.is_too_old(time, slot.since)
    {
        return None;
    }
    Some(id)
}
