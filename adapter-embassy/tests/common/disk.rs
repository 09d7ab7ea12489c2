//! A store that outlives messengers.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use sms_gateway_embassy::{
    Store,
    store::{Key, Write},
};

/// The stored values, by whether they are texts and by their ids.
type Entries = BTreeMap<(bool, u32), Vec<u8>>;

#[derive(Clone, Default)]
pub struct Disk {
    entries: Rc<RefCell<Entries>>,
    /// Whether saving fails.
    pub is_full: Rc<RefCell<bool>>,
}

fn entry_key(key: Key) -> (bool, u32) {
    match key {
        Key::Record(id) => (false, id),
        Key::Text(id) => (true, id),
    }
}

impl Disk {
    pub fn texts(&self) -> usize {
        self.entries.borrow().keys().filter(|key| key.0).count()
    }
}

impl Store for Disk {
    type Error = ();

    async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), ()> {
        tokio::task::yield_now().await;
        if *self.is_full.borrow() {
            return Err(());
        }
        for write in writes {
            let mut entries = self.entries.borrow_mut();
            match write.value {
                Some(value) => _ = entries.insert(entry_key(write.key), value.to_vec()),
                None => _ = entries.remove(&entry_key(write.key)),
            }
        }
        // The change is stored, but the caller does not know that yet.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn load(&mut self, key: Key, buffer: &mut [u8]) -> Result<Option<usize>, ()> {
        tokio::task::yield_now().await;
        let entries = self.entries.borrow();
        let Some(value) = entries.get(&entry_key(key)) else { return Ok(None) };
        let Some(space) = buffer.get_mut(..value.len()) else { return Ok(None) };
        space.copy_from_slice(value);
        Ok(Some(value.len()))
    }

    async fn restore(&mut self, each: &mut dyn FnMut(Key, &[u8])) -> Result<(), ()> {
        tokio::task::yield_now().await;
        for ((is_text, id), value) in &*self.entries.borrow() {
            each(if *is_text { Key::Text(*id) } else { Key::Record(*id) }, value);
        }
        tokio::task::yield_now().await;
        Ok(())
    }
}
