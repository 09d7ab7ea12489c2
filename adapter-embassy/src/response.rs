//! A response that is still arriving.

use core::{fmt, marker::PhantomData};

use sms_gateway_core::{call::Call, client::Read};

use crate::{
    Error, Transport,
    connection::{Connection, Fault, GatewaySession},
};

/// The response to a call. Its records can be read while it arrives.
///
/// It borrows the gateway. If it is dropped before its end, the next call closes the connection and opens a new one. A record stays in
/// [`Buffers::record`](crate::Buffers::record) until the next one is requested.
///
/// If the gateway refuses the call, or the response is truncated or malformed, [`next`](Self::next) returns the records before that point
/// and then the error.
pub struct Response<'g, 'm, T, C> {
    connection: &'g mut Connection<'m, T>,
    session: &'g mut GatewaySession<'m>,
    call: PhantomData<fn() -> C>,
}

impl<'g, 'm, T: Transport, C: Call> Response<'g, 'm, T, C> {
    pub(crate) const fn new(
        connection: &'g mut Connection<'m, T>,
        session: &'g mut GatewaySession<'m>,
    ) -> Self {
        Self { connection, session, call: PhantomData }
    }

    /// Returns the next record as soon as it has arrived. Returns `None` at the end of a response that reports success.
    ///
    /// Dropping the future loses nothing if dropping the future of the transport's `read` loses nothing. This is the case with embassy-net.
    ///
    /// # Errors
    /// [`Failure`](sms_gateway_core::client::Failure)`::Refused`, `Malformed`, `TooLarge` or `Lost`; earlier records remain valid.
    pub async fn next(&mut self) -> Result<Option<C::Record<'_>>, Error<T::Error>> {
        self.advance().await?;
        Ok(self.session.record::<C>())
    }

    /// Reads the rest of the response and returns its summary: the data besides its records. Dropping the future has the same effect as
    /// with [`next`](Self::next).
    ///
    /// # Errors
    /// The same as [`next`](Self::next).
    pub async fn finish(&mut self) -> Result<C::Summary<'_>, Error<T::Error>> {
        while self.advance().await? {}
        Ok(self.summary())
    }

    async fn advance(&mut self) -> Result<bool, Error<T::Error>> {
        advance(self.connection, self.session).await.map_err(|fault| self.connection.error(fault))
    }

    /// Returns the summary of the response as far as it has arrived, also after an error.
    pub fn summary(&self) -> C::Summary<'_> {
        self.session.summary::<C>()
    }
}

/// Reads up to the next record (`true`) or the end (`false`). It is not generic over the call: all calls share the compiled code.
pub(crate) async fn advance<T: Transport>(
    connection: &mut Connection<'_, T>,
    session: &mut GatewaySession<'_>,
) -> Result<bool, Fault<T::Error>> {
    let outcome = read(connection, session).await;
    if outcome.is_err() {
        connection.abandon().await;
    }
    outcome
}

async fn read<T: Transport>(
    connection: &mut Connection<'_, T>,
    session: &mut GatewaySession<'_>,
) -> Result<bool, Fault<T::Error>> {
    loop {
        let mut input = connection.wire.body();
        let available = input.len();
        let read = session.read(&mut input);
        let consumed = available.saturating_sub(input.len());
        connection.wire.consume(consumed);
        match read.map_err(|failure| connection.fail(failure))? {
            Read::Record => return Ok(true),
            Read::End => return Ok(false),
            Read::Drain => connection.finish(session).await,
            Read::More => {
                if !connection.piece(session).await? {
                    session.body_ended().map_err(|failure| connection.fail(failure))?;
                }
            }
        }
    }
}

impl<T, C: Call> fmt::Debug for Response<'_, '_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("call", &C::NAME).finish_non_exhaustive()
    }
}
