//! `sms-server` as a child process.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{Failure, killer::Target};

/// The time limit of a start. After a kill, the server may have to repair its file.
const LIMIT: Duration = Duration::from_secs(120);

/// The beginning of the line that the server prints when it is ready.
const READY: &str = "listening on http://";

/// The program and its configuration.
#[derive(Clone, Debug)]
pub struct SmsServer {
    /// The program.
    pub program: PathBuf,
    /// The configuration.
    pub config: PathBuf,
}

/// The running program. It is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Returns its process id; `None` if it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }
}

impl Target for SmsServer {
    type Life = Process;

    fn start(&self) -> Result<Process, Failure> {
        let mut child = Command::new(&self.program)
            .args(["run", "--config"])
            .arg(&self.config)
            // Refused events and failed requests are part of the trial.
            .env("SMS_SERVER_LOG_LEVEL", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.program.display()))?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        Ok(Process { child, lines: BufReader::new(stdout).lines() })
    }

    async fn ready(&self, life: &mut Process) -> Result<SocketAddr, Failure> {
        let printed =
            timeout(LIMIT, life.lines.next_line()).await.map_err(|_| "the server does not start")??;
        let printed = printed.ok_or("the server has ended")?;
        let address = printed.strip_prefix(READY).ok_or_else(|| format!("not an address: {printed}"))?;
        Ok(address.parse()?)
    }

    async fn kill(&self, life: Process) -> Result<(), Failure> {
        kill(life.child).await
    }
}

/// Kills a process that is expected to run.
///
/// # Errors
/// It ended by itself before.
pub async fn kill(mut child: Child) -> Result<(), Failure> {
    if let Some(status) = child.try_wait()? {
        return Err(format!("the server ended by itself: {status}").into());
    }
    Ok(child.kill().await?)
}
