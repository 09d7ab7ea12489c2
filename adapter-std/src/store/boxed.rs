//! A store whose type is chosen at run time.

use std::{fmt, pin::Pin};

use super::{Entry, Store, StoreError, Write};

type Boxed<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// [`Store`] with boxed futures, so that it can be a trait object.
trait DynStore: Send {
    fn load(&mut self) -> Boxed<'_, Vec<Entry>>;
    fn save(&mut self, writes: Vec<Write>) -> Boxed<'_, ()>;
}

impl<S: Store> DynStore for S {
    fn load(&mut self) -> Boxed<'_, Vec<Entry>> {
        Box::pin(Store::load(self))
    }

    fn save(&mut self, writes: Vec<Write>) -> Boxed<'_, ()> {
        Box::pin(Store::save(self, writes))
    }
}

/// A store of any type, for a program that chooses it at run time. Each call allocates its future.
pub struct BoxStore(Box<dyn DynStore>);

impl BoxStore {
    /// Boxes a store.
    pub fn new(store: impl Store) -> Self {
        Self(Box::new(store))
    }
}

impl Store for BoxStore {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.0.load().await
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.0.save(writes).await
    }
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxStore").finish_non_exhaustive()
    }
}
