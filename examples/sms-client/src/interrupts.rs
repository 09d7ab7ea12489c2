//! Ctrl-C, and SIGTERM, with which a supervisor ends a program.

use std::{
    io::{self, IsTerminal, Write},
    pin::pin,
    time::Duration,
};

use tokio::time::sleep;

/// Duration of silent waiting, after which the program explains the wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Receives Ctrl-C and SIGTERM. After [`Interrupts::new`], these signals no longer end the program by themselves.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Interrupts {
    #[cfg(unix)]
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for the next signal.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the program's last work, such as a response in flight. Returns `None` if another signal interrupts the wait.
    pub(crate) async fn unless_again<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut patience = pin!(sleep(PATIENCE));
        let mut is_told = !io::stderr().is_terminal();
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                () = self.next() => return None,
                () = &mut patience, if !is_told => {
                    is_told = true;
                    let _ = writeln!(io::stderr(), "waiting for the gateway's response; Ctrl-C ends the wait");
                }
            }
        }
    }
}
