//! Events for the caller.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    matching::Report,
    message::{IN_UPDATES, Message},
    plan::Messages,
    status_word::StatusWord,
    table::{Chain, SlotId, UPDATES},
};
use crate::UserId;

/// An event for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An update of a message, to be [acknowledged](super::Tracker::acknowledge).
    Update(Message),
    /// A report that belongs to no message of the tracker. It may belong to another client's message. Repetitions are not returned while
    /// the report is kept in a [`PendingReport`](super::PendingReport). A report older than [`Timing::reported`](super::Timing::reported)
    /// is not returned, because its message may be deleted.
    Unmatched(Report),
    /// A report that may belong to several messages of the tracker, or to one of them and to a message of another program. The report
    /// affects no outcome, but the messages are marked as ambiguous. Repetitions are not returned, as for [`Unmatched`](Self::Unmatched).
    Ambiguous(Report),
    /// The gateway has restarted its ids of incoming messages. Some messages may therefore be returned again.
    InboxRestarted,
    /// A message in the gateway's inbox cannot be read, because it makes its response malformed. The message is skipped, and those
    /// after it are requested. The message may be reported again after a restart.
    Unreadable {
        /// The message's id.
        id: i64,
    },
    /// The result of a message has a status that the vendor's document does not list. The counts of the result are used instead. The same
    /// status is returned again only after a restart, or after four other unlisted statuses.
    UnknownStatus {
        /// The message.
        id: UserId,
        /// The status.
        status: StatusWord,
    },
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Update(message) => {
                map.serialize_entry("event", "message")?;
                message.write(&mut map)?;
            }
            Self::Unmatched(report) => {
                map.serialize_entry("event", "unmatched_report")?;
                report.write(&mut map)?;
            }
            Self::Ambiguous(report) => {
                map.serialize_entry("event", "ambiguous_report")?;
                report.write(&mut map)?;
            }
            Self::InboxRestarted => map.serialize_entry("event", "inbox_restarted")?,
            Self::Unreadable { id } => {
                map.serialize_entry("event", "unreadable_message")?;
                map.serialize_entry("incoming_sms_id", id)?;
            }
            Self::UnknownStatus { id, status } => {
                map.serialize_entry("event", "unknown_status")?;
                map.serialize_entry("user_id", id)?;
                map.serialize_entry("status", status)?;
            }
        }
        map.end()
    }
}

/// The messages with updates for the caller, in order.
#[derive(Debug)]
pub(super) struct Updates(Chain<UPDATES>);

impl Updates {
    pub(super) const NONE: Self = Self(Chain::EMPTY);

    /// Adds a message, unless it is already in the chain.
    pub(super) fn push(&mut self, table: &mut Messages<'_>, id: SlotId) {
        let Some(slot) = table.get_mut(id).filter(|slot| !slot.has(IN_UPDATES)) else { return };
        slot.set(IN_UPDATES, true);
        self.0.push(table, id);
    }

    /// Removes and returns the next message. All its updates may be acknowledged by now.
    pub(super) fn pop(&mut self, table: &mut Messages<'_>) -> Option<SlotId> {
        let id = self.0.pop(table)?;
        table.get_mut(id)?.set(IN_UPDATES, false);
        Some(id)
    }
}
