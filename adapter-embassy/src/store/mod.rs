//! What a messenger keeps beyond its own life.

#[cfg(feature = "flash")]
mod flash;
mod ram;

#[cfg(feature = "flash")]
pub use flash::{FlashError, FlashStore, batch_size, work_size};
pub use ram::{NoRoom, RamStore};

/// What something is stored under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Key {
    /// A record of at most [`MAX_RECORD_BYTES`](sms_gateway_core::track::MAX_RECORD_BYTES).
    Record(u32),
    /// A message's text, of at most 1500 bytes.
    Text(u32),
}

/// A change of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// Of what.
    pub key: Key,
    /// What it is from now on; `None`: it is forgotten.
    pub value: Option<&'a [u8]>,
}

/// Keeps what a [`Messenger`](crate::Messenger) must not forget. [`RamStore`] forgets with the power; `FlashStore`, with
/// feature `flash`, does not.
///
/// A messenger awaits [`save`](Self::save) before a message is sent and before news is told.
#[allow(async_fn_in_trait)]
pub trait Store {
    /// Why something could not be stored.
    type Error: core::fmt::Debug;

    /// Stores all these changes, or none of them, whenever the power goes. The future may be dropped: the same changes come again then.
    ///
    /// # Errors
    /// When they are not stored. What was stored before is still there then, and can be read and forgotten.
    async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), Self::Error>;

    /// Gives what is stored under a key, copied into the buffer, with its length; `None` if there is nothing, or nothing that fits.
    ///
    /// # Errors
    /// When it can't be told.
    async fn load(&mut self, key: Key, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Gives all that is stored, in any order.
    ///
    /// # Errors
    /// When not all can be told.
    async fn restore(&mut self, each: &mut dyn FnMut(Key, &[u8])) -> Result<(), Self::Error>;
}

impl<S: Store + ?Sized> Store for &mut S {
    type Error = S::Error;

    async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), Self::Error> {
        S::save(self, writes).await
    }

    async fn load(&mut self, key: Key, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        S::load(self, key, buffer).await
    }

    async fn restore(&mut self, each: &mut dyn FnMut(Key, &[u8])) -> Result<(), Self::Error> {
        S::restore(self, each).await
    }
}
