//! Storage of everything that outlives the process. [`Redb`] keeps it in one file.
//!
//! Each method that changes something is one transaction, durable when its future is ready. Changes that wait at the same time are merged
//! into one commit. A method whose future is dropped may or may not have had its effect.

mod files;
mod model;
mod redb;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use sms_gateway::store::{Entry, Write};

pub use files::{back_up, create_folder};
pub use model::{
    AccountId, GatewayId, HistoryEntry, Incoming, IncomingId, Keyword, Message, MessageId, Mode, Place,
    PoolId, Priority, State, Subject, Time,
};
pub use redb::{Redb, Restored};

/// A message to be accepted.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The pool that is to send it.
    pub pool: PoolId,
    /// The recipient's number, as `Number` of the core has checked it.
    pub to: Box<str>,
    /// The text.
    pub text: Box<str>,
    /// The caller's label.
    pub reference: Option<Box<str>>,
    /// The priority.
    pub priority: Priority,
    /// The time by which a gateway must have accepted it.
    pub expires: Time,
}

/// An idempotency key as it is stored: a hash of the caller's key, and a hash of the request that came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// A hash of the key.
    pub key: [u8; 16],
    /// A hash of the request.
    pub request: [u8; 16],
    /// The time after which the key may be forgotten.
    pub until: Time,
}

/// The outcome of [`Storage::accept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The messages are queued under these ids, in order.
    New(Vec<MessageId>),
    /// The same request was accepted before, under these ids.
    Known(Vec<MessageId>),
    /// Another request was accepted before with the same idempotency key. Nothing was accepted now.
    Conflict,
    /// The recipient of the message at this index opted out. Nothing was accepted.
    OptedOut(usize),
}

/// The part of a queue that has one pool, priority and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The pool.
    pub pool: PoolId,
    /// The priority.
    pub priority: Priority,
    /// The account.
    pub account: AccountId,
}

/// A report of a gateway's messenger about a message that is bound to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The message.
    pub message: MessageId,
    /// The gateway.
    pub gateway: GatewayId,
    /// The key of the messenger's record. A report of an earlier binding changes nothing.
    pub key: u32,
    /// The time of the report.
    pub at: Time,
    /// The port, once it is known.
    pub port: Option<u8>,
    /// The event.
    pub outcome: Outcome,
    /// Why, in words.
    pub detail: Option<Box<str>>,
}

/// The effect of a [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message is in this state, and the messenger follows it.
    Is(State),
    /// The message has ended in this state.
    Ended(State),
    /// The gateway provably did not accept the message, which returns to its queue.
    NotAccepted,
}

/// The mark by which an incoming message is recognised if it is received again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingMark {
    /// The gateway's id of the message.
    pub id: i64,
    /// A hash of its contents.
    pub hash: [u8; 16],
}

/// An event that waits to be sent to its account's webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the order of the account's events.
    pub place: u64,
    /// Its subject.
    pub subject: Subject,
    /// The number of attempts that have failed since then.
    pub attempts: u32,
    /// The time at which the event was added, or at which a person last retried it.
    pub since: Time,
    /// The reason the last attempt has failed, in words.
    pub failure: Option<Box<str>>,
}

/// The webhook of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The account.
    pub account: AccountId,
    /// The time at which its receiver responded that it wants no more events. `None` while it gets events.
    pub disabled: Option<Time>,
}

/// The part of an id or a place below its time in milliseconds.
const COUNTER_BITS: u32 = 20;

/// Numbers about the contents of the storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The queues of all pools that have ever had one.
    pub queues: Vec<QueueStatistics>,
    /// The number of events that were not accepted yet, including dead letters.
    pub events: u64,
}

/// Numbers about the queue of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueStatistics {
    /// The pool.
    pub pool: PoolId,
    /// The number of queued messages.
    pub length: u64,
    /// The time at which the oldest of them was accepted.
    pub oldest: Option<Time>,
}

/// The storage of a server.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Returns the numbers of accounts, pools or gateways with these names. New names get new numbers.
    async fn accounts(&self, names: Vec<String>) -> Result<Vec<AccountId>, StorageError>;
    /// As [`accounts`](Self::accounts), for pools.
    async fn pools(&self, names: Vec<String>) -> Result<Vec<PoolId>, StorageError>;
    /// As [`accounts`](Self::accounts), for gateways.
    async fn gateways(&self, names: Vec<String>) -> Result<Vec<GatewayId>, StorageError>;

    /// Writes 256 KiB, to find out whether the storage can be written and has room for more messages.
    async fn check(&self) -> Result<(), StorageError>;
    /// Returns numbers about the contents. The time that it takes does not depend on the number of messages.
    async fn statistics(&self) -> Result<Statistics, StorageError>;

    /// Returns the modes of gateways. One that is missing is active.
    async fn modes(&self) -> Result<BTreeMap<GatewayId, Mode>, StorageError>;
    /// Sets the mode of a gateway.
    async fn set_mode(&self, gateway: GatewayId, mode: Mode) -> Result<(), StorageError>;

    /// Accepts messages of an account, all or none.
    async fn accept(
        &self,
        account: AccountId,
        key: Option<IdempotencyKey>,
        messages: Vec<NewMessage>,
        now: Time,
    ) -> Result<Acceptance, StorageError>;
    /// Returns a message.
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StorageError>;
    /// Returns the history of a message, oldest entry first.
    async fn history(&self, id: MessageId) -> Result<Vec<HistoryEntry>, StorageError>;
    /// Returns the entry of a message's history with this number.
    async fn history_entry(&self, id: MessageId, number: u32) -> Result<Option<HistoryEntry>, StorageError>;
    /// Returns at most `limit` messages of an account, or of all, with ids below `before`, newest first.
    async fn list(
        &self,
        account: Option<AccountId>,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<(MessageId, Message)>, StorageError>;

    /// Returns all lanes that hold messages, in order.
    async fn lanes(&self) -> Result<Vec<Lane>, StorageError>;
    /// Returns at most `limit` queued messages of a lane with ids above `after`, oldest first.
    async fn queued(
        &self,
        lane: Lane,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<(MessageId, Message)>, StorageError>;
    /// Returns at most `limit` queued messages that expire before `now`, the earliest first.
    async fn expired(&self, now: Time, limit: usize) -> Result<Vec<MessageId>, StorageError>;
    /// Ends a message that is queued or held. Of one that is bound, only notes that its cancellation is wanted, if `entry` is that.
    /// Returns the place where the message was; `None` if there is no such message.
    async fn end(&self, id: MessageId, entry: HistoryEntry) -> Result<Option<Place>, StorageError>;

    /// Returns at most `limit` held messages of an account, or of all, with ids above `after`, oldest first.
    async fn held(
        &self,
        account: Option<AccountId>,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<(MessageId, Message)>, StorageError>;
    /// Returns those of these messages to the queue that are held. Returns them with their lanes.
    async fn release(&self, ids: Vec<MessageId>, now: Time) -> Result<Vec<(MessageId, Lane)>, StorageError>;
    /// Writes a consistent copy of everything to a new file. Other calls proceed meanwhile. Only [`Redb::restore`] reads the copy.
    async fn backup(&self, path: PathBuf, now: Time) -> Result<(), StorageError>;

    /// Returns the records of a gateway's messenger.
    async fn records(&self, gateway: GatewayId) -> Result<Vec<Entry>, StorageError>;
    /// Returns the names of all gateways but these to which messages are bound, each with the number of the messages.
    async fn bound_to_others(&self, gateways: Vec<GatewayId>) -> Result<Vec<(String, usize)>, StorageError>;
    /// Applies the changes of a gateway's messenger. A [`Write::Reference`] with the id of a queued message binds the message to this
    /// gateway, in the same commit as the messenger's first record of it.
    ///
    /// # Errors
    /// [`StorageError::NotQueued`]: nothing was changed.
    async fn save(&self, gateway: GatewayId, writes: Vec<Write>, now: Time) -> Result<(), StorageError>;
    /// Applies reports, each that is not out of date. Returns for each whether it was applied.
    async fn report(&self, reports: Vec<Report>) -> Result<Vec<bool>, StorageError>;

    /// Stores an incoming message with its event, and does what its keyword asks for. Returns `None` if a message with the same mark was
    /// received before.
    async fn receive(
        &self,
        mark: IncomingMark,
        message: Incoming,
    ) -> Result<Option<IncomingId>, StorageError>;
    /// Returns an incoming message.
    async fn incoming(&self, id: IncomingId) -> Result<Option<Incoming>, StorageError>;
    /// Returns at most `limit` incoming messages of an account with ids below `before`, newest first.
    async fn list_incoming(
        &self,
        account: AccountId,
        before: Option<IncomingId>,
        limit: usize,
    ) -> Result<Vec<(IncomingId, Incoming)>, StorageError>;

    /// Opts a recipient out of the messages of an account, or in again. [`accept`](Self::accept) refuses messages to recipients who opted
    /// out. Returns false if nothing changed.
    async fn set_opt_out(
        &self,
        account: AccountId,
        number: Box<str>,
        keyword: Keyword,
        now: Time,
    ) -> Result<bool, StorageError>;
    /// Returns the time at which a recipient opted out of the messages of an account; `None` if the recipient did not.
    async fn opt_out(&self, account: AccountId, number: Box<str>) -> Result<Option<Time>, StorageError>;
    /// Returns at most `limit` recipients above `after` who opted out of the messages of an account, each with the time, in order.
    async fn opt_outs(
        &self,
        account: AccountId,
        after: Option<Box<str>>,
        limit: usize,
    ) -> Result<Vec<(Box<str>, Time)>, StorageError>;

    /// Sets the accounts that have a webhook, each with a hash of its configuration. From now on, changes of their messages add events.
    /// A webhook that was [disabled](Self::disable_webhook) stays so unless its hash has changed.
    async fn set_webhooks(&self, webhooks: Vec<(AccountId, [u8; 16])>) -> Result<(), StorageError>;
    /// Returns the webhooks, in the order of their accounts.
    async fn webhooks(&self) -> Result<Vec<Webhook>, StorageError>;
    /// Disables the webhook of an account: its events stay, and none is due.
    async fn disable_webhook(&self, account: AccountId, now: Time) -> Result<(), StorageError>;
    /// Enables the webhook of an account. Returns false if the account has none.
    async fn enable_webhook(&self, account: AccountId) -> Result<bool, StorageError>;
    /// Returns at most `limit` events of an account whose time has come, the earliest first.
    async fn due(&self, account: AccountId, now: Time, limit: usize) -> Result<Vec<Waiting>, StorageError>;
    /// Removes an event that was received.
    async fn finish(&self, account: AccountId, place: u64) -> Result<(), StorageError>;
    /// Notes that an attempt has failed and why, and when the next one is due: [`Time::NEVER`] for a dead letter, which waits until a
    /// person [retries](Self::retry) it.
    async fn postpone(
        &self,
        account: AccountId,
        place: u64,
        due: Time,
        failure: Box<str>,
    ) -> Result<(), StorageError>;
    /// Returns at most `limit` dead letters of an account with places above `after`, in order.
    async fn dead_letters(
        &self,
        account: AccountId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StorageError>;
    /// Makes dead letters of an account due again: the one at a place, or at most `limit` of all. Returns their number.
    async fn retry(
        &self,
        account: AccountId,
        place: Option<u64>,
        limit: usize,
        now: Time,
    ) -> Result<usize, StorageError>;
}

/// The reason the storage could not read or change something.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The disk is full or fails, or the file is damaged. Nothing was changed, or everything, if the disk failed at the very end.
    #[error("the storage failed: {0}")]
    Failed(Arc<str>),
    /// The file was written by a later version.
    #[error("the storage has format {found}, which is newer than this version of the program")]
    Version {
        /// Its format.
        found: u64,
    },
    /// The file is a backup.
    #[error("the file is a backup; `sms-server restore` makes a storage of it")]
    Backup,
    /// The file is not a backup.
    #[error("the file is not a backup")]
    NotBackup,
    /// The file is open already, in this process or another.
    #[error("the storage is in use by another process")]
    InUse,
    /// The message that was to be bound is not queued any more.
    #[error("{0} is not queued")]
    NotQueued(MessageId),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string().into())
    }
}
