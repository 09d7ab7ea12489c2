//! The store of a messenger. It outlives the messenger.

#[cfg(feature = "flash")]
mod flash;
mod ram;

#[cfg(feature = "flash")]
pub use flash::{FlashError, FlashStore, batch_size, work_size};
pub use ram::{NoRoom, RamStore};

/// The key of a stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Key {
    /// A record of at most [`MAX_RECORD_BYTES`](sms_gateway_core::track::MAX_RECORD_BYTES).
    Record(u32),
    /// A message's text, of at most 1500 bytes.
    Text(u32),
}

/// A change of a stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// The key.
    pub key: Key,
    /// The new value; `None` deletes it.
    pub value: Option<&'a [u8]>,
}

/// Stores the state of a [`Messenger`](crate::Messenger). [`RamStore`] loses it in a power failure. `FlashStore`, with feature `flash`,
/// does not.
///
/// A messenger awaits [`save`](Self::save) before it sends a message and before it returns an event.
///
/// A messenger sets no deadline for these futures, because an interrupted write may have to be repeated. If the medium needs
/// a time limit, the store must set it.
#[allow(async_fn_in_trait)]
pub trait Store {
    /// The reason why something could not be stored.
    type Error: core::fmt::Debug;

    /// Stores either all of these changes or none of them, even if the power fails. If the future is dropped, the same changes are passed
    /// again later.
    ///
    /// # Errors
    /// If the changes are not stored. Earlier values then remain stored, and can be loaded and deleted.
    async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), Self::Error>;

    /// Copies the value of a key into the buffer and returns its length; `None` if there is no value, or it does not fit.
    ///
    /// # Errors
    /// If the medium can't be read.
    async fn load(&mut self, key: Key, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Passes each stored value to `each`, in any order.
    ///
    /// # Errors
    /// If not all values can be read.
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
