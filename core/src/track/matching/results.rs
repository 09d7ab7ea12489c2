//! Matches results to messages.

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

/// Returns the message to which a result belongs. The message is found by user_id. The result is ignored if its number or time shows that
/// another program used the same user_id, or if the message is unsent or finished. Gateways add prefixes and separators to a number, mask
/// some of its digits, or leave the number out. So only a number that certainly belongs to another subscriber shows another program.
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
    let is_other = |number: PackedNumber| !number.may_be_same(&slot.number());
    if PackedNumber::parse(result.number.as_str()).is_some_and(is_other) {
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
