//! A view of the traffic between a client and its gateway, for diagnosis.

use std::{fmt, sync::Arc};

/// An event on a connection to the gateway, for [`Builder::observe`](crate::Builder::observe). With TLS, these are the bytes before
/// encryption and after decryption.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireEvent<'a> {
    /// A connection was opened.
    Opened,
    /// Bytes of a request. They include the login: a hash of the password with Digest, the password itself with Basic.
    Sent(&'a [u8]),
    /// Bytes of a response.
    Received(&'a [u8]),
    /// The gateway closed the connection, or it broke. Connections that the client closes are not reported.
    Closed,
}

/// Shows only the number of bytes.
impl fmt::Debug for WireEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened => f.write_str("Opened"),
            Self::Sent(bytes) => write!(f, "Sent({} bytes)", bytes.len()),
            Self::Received(bytes) => write!(f, "Received({} bytes)", bytes.len()),
            Self::Closed => f.write_str("Closed"),
        }
    }
}

type Observe = dyn Fn(WireEvent<'_>) + Send + Sync;

/// The caller's function that receives the events, if any.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Observe>>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(WireEvent<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observe)))
    }

    pub(crate) fn report(&self, event: WireEvent<'_>) {
        if let Some(observe) = &self.0 {
            observe(event);
        }
    }
}
