//! The signals that the program handles.

use std::{io, sync::Arc};

use sms_server::listen::Tls;

/// Returns a future that waits for Ctrl-C or SIGTERM. Signals count from this call on.
#[cfg(unix)]
pub(crate) fn end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Returns a future that waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// The signals SIGHUP.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signals: tokio::signal::unix::Signal,
}

impl Hangups {
    /// Begins to receive them.
    #[cfg(unix)]
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signals: signal(SignalKind::hangup())? })
    }

    /// Reads the certificate again at each of them.
    #[cfg(unix)]
    pub(crate) async fn reload(mut self, tls: Option<Arc<Tls>>) {
        while self.signals.recv().await.is_some() {
            match tls.as_ref().map(|tls| tls.reload()) {
                None => tracing::info!("there is no certificate to read again"),
                Some(Ok(())) => tracing::info!("the certificate was read again"),
                Some(Err(error)) => tracing::error!(%error, "the earlier certificate remains in use"),
            }
        }
        std::future::pending::<()>().await;
    }

    /// Begins to receive them, on a system that has none.
    #[cfg(not(unix))]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits forever.
    #[cfg(not(unix))]
    pub(crate) async fn reload(self, _: Option<Arc<Tls>>) {
        std::future::pending::<()>().await;
    }
}
