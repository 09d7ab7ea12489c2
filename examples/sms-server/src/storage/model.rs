//! The stored values: messages, their histories and places, incoming messages, events.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970, by this machine's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    /// A time that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// Returns the present time.
    pub fn now() -> Self {
        Self(u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns the time this number of milliseconds later.
    #[must_use]
    pub const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

#[cfg(not(test))]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// In tests, this time passes as tokio's does, which can be paused.
#[cfg(test)]
fn since_1970() -> Duration {
    use std::{sync::OnceLock, time::Instant as SystemInstant};
    use tokio::time::Instant;
    static START: OnceLock<(Duration, Instant)> = OnceLock::new();
    let (then, start) = START.get_or_init(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (now, Instant::from_std(SystemInstant::now()))
    });
    *then + start.elapsed()
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $type:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $type);
    };
}

number!(
    /// A message's id. Ids rise in the order in which messages were accepted.
    MessageId, u64
);
number!(
    /// An incoming message's id.
    IncomingId, u64
);
number!(
    /// The number of an account in the database.
    AccountId, u32
);
number!(
    /// The number of a pool in the database. A pool is a set of gateways that the configuration names.
    PoolId, u16
);
number!(
    /// The number of a gateway in the database.
    GatewayId, u32
);

/// The prefix of message ids as clients see them.
const MESSAGE_PREFIX: &str = "msg_";

/// Formats it as clients see it, for example `msg_0000018f3a2b7c00`.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MESSAGE_PREFIX}{:016x}", self.0)
    }
}

impl MessageId {
    /// Reads an id as [`Display`](fmt::Display) writes it.
    pub fn parse(text: &str) -> Option<Self> {
        parse(text, MESSAGE_PREFIX).map(Self)
    }
}

/// The prefix of the ids of incoming messages as clients see them.
const INCOMING_PREFIX: &str = "in_";

/// Formats it as clients see it, for example `in_0000018f3a2b7c00`.
impl fmt::Display for IncomingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{INCOMING_PREFIX}{:016x}", self.0)
    }
}

impl IncomingId {
    /// Reads an id as [`Display`](fmt::Display) writes it.
    pub fn parse(text: &str) -> Option<Self> {
        parse(text, INCOMING_PREFIX).map(Self)
    }
}

fn parse(text: &str, prefix: &str) -> Option<u64> {
    let digits = text.strip_prefix(prefix).filter(|digits| digits.len() == 16)?;
    let is_canonical = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_canonical.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// A message's priority: from 0 to 9, the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Priority(u8);

impl Priority {
    /// The highest priority.
    pub const HIGHEST: Self = Self(9);
    /// The usual priority.
    pub const USUAL: Self = Self(4);

    /// Returns a priority from 0 to 9; `None` for any other number.
    pub const fn new(number: u8) -> Option<Self> {
        if number <= Self::HIGHEST.0 { Some(Self(number)) } else { None }
    }

    /// Returns the number, from 0 to 9.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// An outgoing message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The account that it belongs to.
    pub account: AccountId,
    /// The pool that sends it.
    pub pool: PoolId,
    /// The recipient's number.
    pub to: Box<str>,
    /// The text. It is empty once it was purged.
    pub text: Box<str>,
    /// The caller's label.
    pub reference: Option<Box<str>>,
    /// The priority.
    pub priority: Priority,
    /// The time of acceptance.
    pub created: Time,
    /// The time by which a gateway must have accepted it; otherwise it expires.
    pub expires: Time,
    /// Its place.
    pub place: Place,
    /// Its state, as clients see it.
    pub state: State,
    /// Whether its cancellation was requested after it was bound.
    pub is_unwanted: bool,
    /// The number of entries in its history.
    pub entries: u32,
    /// The number of gateways that it was bound to.
    pub attempts: u16,
}

/// Shows neither the number nor the text, which do not belong in logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("account", &self.account)
            .field("place", &self.place)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The one place of a message. It moves from `Queued` to `Bound` and to `Ended`, and back from `Bound` to `Queued` only with proof that
/// the gateway did not accept it. Only restoring a backup holds messages, and only a person releases them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the queue of its pool. Any gateway of the pool may send it.
    Queued,
    /// A gateway's messenger is responsible for it.
    Bound {
        /// The gateway.
        gateway: GatewayId,
        /// The key of the messenger's record, which is the message's user_id on the gateway.
        key: u32,
    },
    /// It has its outcome.
    Ended,
    /// It was queued in a backup that was restored. It may have been sent since, so it waits until a person releases or cancels it.
    Held,
}

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a port with room.
    Queued,
    /// It was queued in a backup that was restored, and waits until a person releases or cancels it.
    Held,
    /// A gateway was chosen, and the message is being submitted to it.
    Submitting,
    /// The response to its submission was lost, and the gateway is being queried.
    Uncertain,
    /// The gateway has accepted it.
    Accepted,
    /// The gateway has sent it to the network.
    Sent,
    /// All segments were delivered. Final.
    Delivered,
    /// It was refused, or could not be sent or delivered. Final.
    Failed,
    /// No gateway accepted it in time. Final.
    Expired,
    /// It was cancelled before it was sent. Final.
    Cancelled,
    /// Whether it was sent could not be found out. Final.
    Unresolved,
}

impl State {
    /// The states that messages end in. A message ends as `Sent` if its delivery cannot be found out.
    pub const FINAL: [Self; 6] =
        [Self::Sent, Self::Delivered, Self::Failed, Self::Expired, Self::Cancelled, Self::Unresolved];

    /// Whether it is an outcome.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Expired | Self::Cancelled | Self::Unresolved)
    }
}

/// What a gateway is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It gets messages.
    #[default]
    Active,
    /// It gets no more messages. Those that are bound to it go on.
    Paused,
    /// It gets no more messages. Those that were not submitted yet return to the queue.
    Draining,
}

/// An entry of a message's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The time of the change.
    pub at: Time,
    /// The state after it.
    pub state: State,
    /// The gateway concerned.
    pub gateway: Option<GatewayId>,
    /// The port concerned.
    pub port: Option<u8>,
    /// Why, in words.
    pub detail: Option<Box<str>>,
}

impl HistoryEntry {
    /// Creates an entry without a gateway.
    pub const fn new(at: Time, state: State) -> Self {
        Self { at, state, gateway: None, port: None, detail: None }
    }
}

/// An incoming message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// The account that it is for.
    pub account: AccountId,
    /// The gateway that received it.
    pub gateway: GatewayId,
    /// The port that received it.
    pub port: Option<u8>,
    /// The sender: a number, or letters.
    pub from: Box<str>,
    /// The text.
    pub text: Box<str>,
    /// The time at which the server received it.
    pub received: Time,
    /// The meaning of the text, if it is a keyword.
    pub keyword: Option<Keyword>,
}

/// Shows neither the sender nor the text, which do not belong in logs.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("account", &self.account)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The meaning of a keyword by which a recipient decides about further messages of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyword {
    /// The recipient opts out.
    Stop,
    /// The recipient opts in again.
    Start,
}

/// The subject of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// A change of an outgoing message: the entry of its history.
    Message {
        /// The message.
        id: MessageId,
        /// The number of the entry, counted from 0.
        entry: u32,
    },
    /// An incoming message.
    Incoming(IncomingId),
}

/// Formats the id of the event, which is the same each time it is sent: `evt_0000018f3a2b7c00_2`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { id, entry } => write!(f, "evt_{:016x}_{entry}", id.0),
            Self::Incoming(id) => write!(f, "evt_{:016x}_in", id.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_are_read_as_they_are_written_and_in_no_other_way() {
        for id in [0, 1, u64::MAX] {
            let id = MessageId(id);
            assert_eq!(MessageId::parse(&id.to_string()), Some(id));
        }
        for other in
            ["", "msg_", "msg_1", "msg_00000000000000FF", "msg_+0000000000000ff", "m_00000000000000ff"]
        {
            assert_eq!(MessageId::parse(other), None, "{other}");
        }
    }

    #[test]
    fn priorities_end_at_nine() {
        assert_eq!(Priority::new(9), Some(Priority::HIGHEST));
        assert_eq!(Priority::new(10), None);
    }
}
