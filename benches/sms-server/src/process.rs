//! Processes of this program in another role.

use std::{
    env, fs, io,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::threads;

/// Formats a number of bytes in MiB.
pub fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// A process of this program in another role. It is killed when it is dropped.
pub struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// The environment variable with the password of the emulated gateways, which is `admin`.
    pub const PASSWORD: &str = "GATEWAY_PASSWORD";

    /// Starts this program with these arguments.
    ///
    /// # Errors
    /// The system's.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(arguments).env(Self::PASSWORD, "admin").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let piped = || io::Error::other("a pipe is missing");
        let input = child.stdin.take().ok_or_else(piped)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(piped)?);
        Ok(Self { child, input, output })
    }

    /// Reads the next line that the process prints, without its end.
    ///
    /// # Errors
    /// The system's, or that the process has ended.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the process has ended"));
        }
        Ok(line.trim_end().to_owned())
    }

    /// Sends a line to the process.
    ///
    /// # Errors
    /// The system's.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.input, "{line}")
    }

    /// Returns the resident memory in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn resident(&self) -> io::Result<u64> {
        self.kilobytes("VmRSS:")
    }

    /// Returns the maximum of the resident memory so far, in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn most_resident(&self) -> io::Result<u64> {
        self.kilobytes("VmHWM:")
    }

    fn kilobytes(&self, name: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        number.map(|number| number * 1024).ok_or_else(|| io::Error::other(format!("no {name}")))
    }

    /// Returns the processor time of all threads so far.
    ///
    /// # Errors
    /// The system's.
    pub fn processor_time(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, time) = threads::parse(&stat).ok_or_else(|| io::Error::other("no processor time"))?;
        Ok(time)
    }

    /// Kills the process, as `kill -9` does, and waits for its end.
    ///
    /// # Errors
    /// The system's.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Asks the process to end, as SIGTERM does, and waits for its end.
    ///
    /// # Errors
    /// The system's, or that the process has failed.
    pub fn end(mut self) -> io::Result<()> {
        if let Some(pid) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default()) {
            kill_process(pid, Signal::TERM)?;
        }
        self.wait()
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    /// The system's, or that the process has failed.
    pub fn wait(&mut self) -> io::Result<()> {
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("the process has failed: {status}")))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
