//! Which messages share a send_sms: the oldest one, and others with the same ports, encoding and wish for reports.

use super::{
    load::Load,
    queue::{Messages, Queue},
};
use crate::{
    text::Alphabet,
    track::{
        message::{Slot, WANTS_REPORT},
        settings::{Limits, MAX_RECIPIENTS},
        table::SlotId,
    },
};

/// The maximum number of waiting messages that are looked at for a submission.
const MAX_LOOKS: u32 = 512;

/// The properties that all messages of a send_sms share.
type Group = (u32, Option<Alphabet>, bool);

fn group_of(slot: &Slot) -> Group {
    (slot.ports, slot.alphabet(), slot.has(WANTS_REPORT))
}

/// Chooses the messages of one send_sms, each in turn. The caller puts each into flight before it asks for the next one.
pub(in crate::track) struct Selection {
    at: Option<SlotId>,
    group: Option<Group>,
    bytes: u32,
    looks: u32,
}

impl Selection {
    pub(super) fn new(table: &Messages<'_>) -> Self {
        Self { at: table.first(Queue::UNSENT), group: None, bytes: 0, looks: 0 }
    }

    pub(super) fn next(&mut self, table: &Messages<'_>, load: &Load, limits: &Limits) -> Option<SlotId> {
        let most = u32::from(limits.recipients.clamp(1, MAX_RECIPIENTS));
        while self.looks < MAX_LOOKS && table.length(Queue::IN_FLIGHT) < most && load.has_room(limits) {
            let id = self.at?;
            let slot = table.get(id)?;
            self.at = slot.next();
            self.looks += 1;
            let group = group_of(slot);
            let bytes = self.bytes.saturating_add(slot.text_bytes.into());
            let fits = self.group.is_none_or(|first| first == group && bytes <= limits.request_bytes);
            if fits && load.port_has_room(limits, slot.ports) {
                (self.group, self.bytes) = (Some(group), bytes);
                return Some(id);
            }
        }
        None
    }
}
