//! Chooses the messages that share a send_sms: the oldest urgent message, or the oldest one if none is urgent, and others with the same
//! ports, encoding and choice of status reports.

use super::{
    load::Load,
    queue::{Messages, Queue},
    sizes::{Size, Sizes},
};
use crate::{
    text::Alphabet,
    track::{
        message::{Slot, WANTS_REPORT},
        settings::{Limits, MAX_RECIPIENTS},
        table::SlotId,
    },
};

/// The maximum number of waiting messages that are checked for a submission.
const MAX_LOOKS: u32 = 512;

/// The properties that all messages of a send_sms share.
type Group = (u32, Option<Alphabet>, bool);

fn group_of(slot: &Slot) -> Group {
    (slot.ports, slot.alphabet(), slot.has(WANTS_REPORT))
}

/// Returns the size of the send_sms in flight.
pub(super) fn size(table: &Messages<'_>) -> Size {
    let (mut size, mut at): (Size, _) = ((0, 0), table.first(Queue::IN_FLIGHT));
    while let Some(slot) = at.and_then(|id| table.get(id)) {
        size = (size.0.saturating_add(1), size.1.saturating_add(slot.text_bytes.into()));
        at = slot.next();
    }
    size
}

/// Chooses the messages of one send_sms, one by one. The caller moves each message to [`Queue::IN_FLIGHT`] before it calls
/// [`next`](Self::next) again.
pub(in crate::track) struct Selection {
    at: Option<SlotId>,
    most: u8,
    /// Whether the selection is still in the queue of urgent messages. The queue of other messages follows.
    is_urgent: bool,
    group: Option<Group>,
    bytes: u32,
    looks: u32,
}

impl Selection {
    /// Begins with a message that is submitted again, and takes at most `most` messages of its queue.
    pub(super) fn apart(at: SlotId, most: u8) -> Self {
        Self { at: Some(at), most, is_urgent: false, group: None, bytes: 0, looks: 0 }
    }

    /// Begins with the first urgent message, or with the first other message if none is urgent.
    pub(super) fn new(table: &Messages<'_>) -> Self {
        let at = table.first(Queue::URGENT);
        Self { at, most: MAX_RECIPIENTS, is_urgent: true, group: None, bytes: 0, looks: 0 }
    }

    pub(super) fn next(
        &mut self,
        table: &Messages<'_>,
        (load, limits): (&Load, &Limits),
        sizes: &Sizes,
    ) -> Option<SlotId> {
        let most = limits.recipients.clamp(1, MAX_RECIPIENTS).min(self.most);
        let count = u8::try_from(table.length(Queue::IN_FLIGHT)).unwrap_or(u8::MAX);
        while self.looks < MAX_LOOKS && count < most && load.has_room(limits) {
            if self.at.is_none() && self.is_urgent {
                (self.at, self.is_urgent) = (table.first(Queue::UNSENT), false);
            }
            let id = self.at?;
            let slot = table.get(id)?;
            self.at = slot.next();
            self.looks += 1;
            let group = group_of(slot);
            let bytes = self.bytes.saturating_add(slot.text_bytes.into());
            let is_small = || bytes <= limits.request_bytes && sizes.fits((count.saturating_add(1), bytes));
            let fits = self.group.is_none_or(|first| first == group && is_small());
            if fits && load.port_has_room(limits, slot.ports) {
                (self.group, self.bytes) = (Some(group), bytes);
                return Some(id);
            }
        }
        None
    }
}
