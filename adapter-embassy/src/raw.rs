//! Responses to raw calls.

use core::fmt;

use crate::{
    Error, Transport,
    connection::{Connection, Fault, GatewaySession},
};

/// The response to a [raw call](crate::Gateway::raw): its status, and its body in pieces as they arrive.
///
/// It borrows the gateway. If it is dropped before its end, the next call closes the connection and opens a new one.
pub struct RawResponse<'g, 'm, T> {
    connection: &'g mut Connection<'m, T>,
    session: &'g mut GatewaySession<'m>,
}

impl<'g, 'm, T: Transport> RawResponse<'g, 'm, T> {
    pub(crate) const fn new(
        connection: &'g mut Connection<'m, T>,
        session: &'g mut GatewaySession<'m>,
    ) -> Self {
        Self { connection, session }
    }

    /// Returns the status code.
    pub const fn status(&self) -> u16 {
        self.session.status()
    }

    /// Returns the address that a redirect names. `None` if the response is not a redirect, or if the address does not fit into half of
    /// [`Buffers::challenge`](crate::Buffers::challenge).
    pub fn location(&self) -> Option<&str> {
        self.connection.wire.location().ok().flatten()
    }

    /// Returns the next piece of the body; `None` at the end. The piece stays in [`Buffers::response`](crate::Buffers::response) until the
    /// next call. Dropping the future loses nothing, as with [`Response::next`](crate::Response::next).
    ///
    /// # Errors
    /// [`Failure::Lost`](crate::Failure::Lost) if the body is incomplete or a time limit of the call expires. Earlier pieces remain valid.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, Error<T::Error>> {
        match self.read().await {
            Ok(true) => Ok(Some(self.connection.wire.body())),
            Ok(false) => Ok(None),
            Err(fault) => {
                self.connection.abandon().await;
                Err(self.connection.error(fault))
            }
        }
    }

    async fn read(&mut self) -> Result<bool, Fault<T::Error>> {
        let returned = self.connection.wire.body().len();
        self.connection.wire.consume(returned);
        // After an earlier error, this fails again before anything is read.
        self.count(0)?;
        let is_piece = self.connection.piece(self.session).await?;
        if is_piece {
            self.count(self.connection.wire.body().len())?;
        } else {
            self.connection.finish(self.session).await;
        }
        Ok(is_piece)
    }

    /// Reports the length of a piece to the session.
    fn count(&mut self, bytes: usize) -> Result<(), Fault<T::Error>> {
        self.session.piece(bytes).map_err(|failure| self.connection.fail(failure))
    }
}

impl<T: Transport> fmt::Debug for RawResponse<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status()).finish_non_exhaustive()
    }
}
