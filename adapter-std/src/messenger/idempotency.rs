//! The idempotency keys of the messages that the tracker holds.
//!
//! Only two hashes are kept and stored with the message: the hash of the key, and the hash of the message's number and text. So each
//! message takes a fixed amount of space. The keys themselves, which may be personal data, are not stored.

use std::collections::{HashMap, hash_map::Entry};

use sha2::{Digest, Sha256};
use sms_gateway_core::UserId;

use super::{SendError, Sms};

type Hash = [u8; 16];

/// The hash of a key, and that of the message's number and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idempotency {
    key: Hash,
    message: Hash,
}

impl Idempotency {
    /// Returns the hashes of a message; `None` if it has no key.
    pub(super) fn of(sms: &Sms) -> Option<Self> {
        let key = hash(&[sms.idempotency_key.as_deref()?]);
        // A number contains no zero byte, so the separator is unambiguous.
        Some(Self { key, message: hash(&[sms.number(), "\0", &sms.text]) })
    }

    /// Returns the hashes as they are stored.
    pub(super) fn stored(&self) -> [u8; 32] {
        let mut stored = [0; 32];
        let (key, message) = stored.split_at_mut(size_of::<Hash>());
        key.copy_from_slice(&self.key);
        message.copy_from_slice(&self.message);
        stored
    }

    /// Reads stored hashes.
    pub(super) fn restore(stored: &[u8; 32]) -> Self {
        let half = |at| std::array::from_fn(|index| stored[at + index]);
        Self { key: half(0), message: half(size_of::<Hash>()) }
    }
}

/// Returns the first half of the texts' SHA-256. Stored hashes outlive the program, so every version must compute the same ones.
fn hash(texts: &[&str]) -> Hash {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.as_bytes());
    }
    let hash = hash.finalize();
    std::array::from_fn(|index| hash[index])
}

/// The messages with a key.
#[derive(Default)]
pub(super) struct IdempotencyKeys {
    messages: HashMap<Hash, (UserId, Hash)>,
    keys: HashMap<UserId, Hash>,
}

impl IdempotencyKeys {
    /// Returns the message with the same key, if there is one.
    ///
    /// # Errors
    /// [`SendError::KeyConflict`] if that message has another number or text.
    pub(super) fn find(&self, wanted: Option<&Idempotency>) -> Result<Option<UserId>, SendError> {
        match wanted.and_then(|wanted| Some((wanted, self.messages.get(&wanted.key)?))) {
            Some((wanted, (_, message))) if *message != wanted.message => Err(SendError::KeyConflict),
            known => Ok(known.map(|(_, (id, _))| *id)),
        }
    }

    /// Adds a message.
    pub(super) fn insert(&mut self, id: UserId, idempotency: &Idempotency) {
        self.messages.insert(idempotency.key, (id, idempotency.message));
        self.keys.insert(id, idempotency.key);
    }

    /// Removes a message, if it has a key.
    pub(super) fn remove(&mut self, id: UserId) {
        let Some(key) = self.keys.remove(&id) else { return };
        // The key may belong to another message by now.
        if let Entry::Occupied(entry) = self.messages.entry(key)
            && entry.get().0 == id
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idempotency(number: &str, text: &str, key: &str) -> Idempotency {
        Idempotency::of(&Sms::new(number, text).unwrap().idempotency_key(key)).unwrap()
    }

    fn id(id: i64) -> UserId {
        UserId::new(id).unwrap()
    }

    #[test]
    fn stored_hashes_are_those_of_earlier_versions() {
        let stored = idempotency("+4915100001", "Hello, é", "order-17").stored();
        let hex = stored.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hex, "72a90ea3da8b5dd01bde2f27314e02e27630c584e3ad9a9d0b8c40e3be77cdc0");
        assert_eq!(Idempotency::restore(&stored).stored(), stored);
    }

    #[test]
    fn number_and_text_are_compared_apart() {
        let [one, other] = [("12", "3"), ("1", "23")].map(|(number, text)| idempotency(number, text, "a"));
        assert_ne!(one, other);
    }

    #[test]
    fn a_key_belongs_to_its_latest_message() {
        let (mut keys, one) = (IdempotencyKeys::default(), idempotency("1", "Hello", "a"));
        keys.insert(id(1), &one);
        assert_eq!(keys.find(Some(&one)).unwrap(), Some(id(1)));
        assert_eq!(keys.find(None).unwrap(), None);
        let conflict = keys.find(Some(&idempotency("1", "Hi", "a")));
        assert!(matches!(conflict, Err(SendError::KeyConflict)));
        keys.insert(id(2), &one);
        keys.remove(id(1));
        assert_eq!(keys.find(Some(&one)).unwrap(), Some(id(2)));
        keys.remove(id(2));
        assert_eq!(keys.find(Some(&one)).unwrap(), None);
        assert!(keys.messages.is_empty() && keys.keys.is_empty());
    }
}
