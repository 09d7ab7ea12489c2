//! The receiver of the incoming messages and events of a messenger.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::mpsc;

/// Receives values from a messenger, in order. It is a [`Stream`] too.
#[derive(Debug)]
pub struct Receiver<T>(pub(super) mpsc::Receiver<T>);

impl<T> Receiver<T> {
    /// Waits for the next value; `None` if the messenger has ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<T> {
        self.0.recv().await
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(context)
    }
}
