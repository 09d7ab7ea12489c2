//! Runs the program as a process against an emulated gateway in this process.

// Each test program uses only a part of this module.
#![allow(dead_code)]

use std::process::Stdio;

use gateway_emulator::{Emulator, Options};
use serde_json::Value;
use sms_client::text::is_unsafe;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

pub(crate) const PASSWORD: &str = "s3cret-Pässword";

/// Starts a gateway that is a thousand times as fast as a real one.
pub(crate) async fn gateway() -> Emulator {
    gateway_with(Options::default()).await
}

pub(crate) async fn gateway_with(options: Options) -> Emulator {
    start(Options { speed: 1000.0, ..options }).await
}

/// Starts a gateway that is fifty times as fast as a real one. On a faster gateway, a report often arrives before the first query.
/// If no query has shown that the report was still absent, the report could belong to another program's message.
pub(crate) async fn slower_gateway_with(options: Options) -> Emulator {
    start(Options { speed: 50.0, ..options }).await
}

async fn start(options: Options) -> Emulator {
    let password = PASSWORD.to_owned();
    Emulator::start(Options { password, start_time: Some(1_419_163_561), ..options }).await.unwrap()
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Returns the command to run the program, with its login in the environment.
pub(crate) fn command(gateway: &Emulator, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms-client"));
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    command.env("SMS_GATEWAY", gateway.url()).env("SMS_GATEWAY_USER", "admin");
    command.env("SMS_GATEWAY_PASSWORD", PASSWORD);
    command
}

/// Runs the program. Output on stderr is allowed.
pub(crate) async fn run_talking(mut command: Command) -> Run {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    run.is_harmless();
    run
}

impl Run {
    fn is_harmless(&self) {
        assert!(!self.out.contains(PASSWORD) && !self.err.contains(PASSWORD), "{self:?}");
        let harmless = |text: &str| !text.contains(|c| c != '\n' && is_unsafe(c));
        assert!(harmless(&self.out) && harmless(&self.err), "{self:?}");
    }
}

/// The program while it is running.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: String,
}

impl Running {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: String::new() }
    }

    /// Waits for a line that contains these words.
    pub(crate) async fn line(&mut self, words: &[&str]) -> String {
        loop {
            let Some(line) = self.lines.next_line().await.unwrap() else {
                panic!("{words:?}: {}", self.seen)
            };
            self.seen.extend([&line, "\n"]);
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
    }

    /// Interrupts the program, like Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id().unwrap());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end of the program.
    pub(crate) async fn end(mut self) -> Run {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.seen.extend([&line, "\n"]);
        }
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
        let run = Run { code: self.child.wait().await.unwrap().code(), out: self.seen, err };
        run.is_harmless();
        run
    }

    /// Interrupts the program and waits for its end.
    pub(crate) async fn stop(self) -> Run {
        self.interrupt();
        self.end().await
    }
}

pub(crate) async fn run_command(command: Command) -> Run {
    let run = run_talking(command).await;
    assert!(
        run.err.is_empty() || run.err.starts_with("sms-client: ") && run.err.lines().count() == 1,
        "{run:?}"
    );
    run
}

pub(crate) async fn run(gateway: &Emulator, args: &[&str]) -> Run {
    run_command(command(gateway, args)).await
}

/// Runs the program, which must succeed, and returns its output for people.
pub(crate) async fn people(gateway: &Emulator, args: &[&str]) -> String {
    let run = run(gateway, args).await;
    assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
    for line in run.out.lines() {
        assert_eq!(line, line.trim_end());
    }
    run.out
}

/// Runs the program with `--json`. It must succeed. Returns the records and the summary.
pub(crate) async fn json(gateway: &Emulator, args: &[&str]) -> (Vec<Value>, Value) {
    let run = run(gateway, &[args, &["--json"]].concat()).await;
    assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
    let mut objects = objects(&run.out);
    let summary = objects.pop().unwrap();
    (objects, summary)
}

pub(crate) fn objects(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asserts that the run ended with this exit status and one error line that contains these words.
pub(crate) fn fails(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{run:?}");
    for word in words {
        assert!(run.err.contains(word), "`{word}` in {run:?}");
    }
}
