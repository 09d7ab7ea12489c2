//! Errors that end the program. Each has a line for people and an exit status for scripts.

use std::{fmt, io, process::ExitCode};

use sms_client::text::escape;
use sms_gateway::{
    Closed, Error, Failure as CallFailure, UrlError,
    core::Invalid,
    messenger::{SendError, StartError},
    tls::{FetchError, Reason},
};

/// The exit status, as listed in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The output can't be written, the store can't be used, or the certificate is not the pinned one.
    Output = 1,
    /// Wrong usage, or an input that exceeds a limit. Nothing was sent.
    Usage = 2,
    /// The gateway refused the request.
    Refused = 3,
    /// The gateway was unreachable or too slow, or it refused the login.
    Transport = 4,
    /// The response cannot be read.
    Unreadable = 5,
    /// Some messages did not reach the requested outcome.
    Failed = 6,
    /// The outcome of some messages is unknown, or they were not sent.
    Open = 7,
}

/// The reason why the program ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of the output has closed it, which is not an error.
    PipeClosed,
    /// An error with a message.
    Message {
        /// The exit status.
        exit: Exit,
        /// The message, in one line.
        line: String,
    },
}

impl Failure {
    pub(crate) fn new(exit: Exit, line: impl Into<String>) -> Self {
        Self::Message { exit, line: line.into() }
    }

    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self::new(Exit::Usage, line)
    }

    /// Returns the exit status of the program.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::PipeClosed => ExitCode::SUCCESS,
            Self::Message { exit, .. } => ExitCode::from(*exit as u8),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PipeClosed => f.write_str("the output is not read any more"),
            Self::Message { line, .. } => f.write_str(&escape(line)),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(exit(&error), explain(&error))
    }
}

impl From<Invalid> for Failure {
    fn from(error: Invalid) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<UrlError> for Failure {
    fn from(error: UrlError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Url(error) => error.into(),
            error => Self::new(Exit::Transport, chain(&error)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::new(Exit::Output, format!("the output can't be written: {error}")),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(Exit::Output, chain(&error))
    }
}

/// A messenger ends by itself only if its store fails.
impl From<Closed> for Failure {
    fn from(error: Closed) -> Self {
        Self::new(Exit::Output, chain(&error))
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed(closed) => closed.into(),
            error => Self::usage(chain(&error)),
        }
    }
}

/// Describes an error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Returns the exit status for an error of a call.
pub(crate) fn exit(error: &Error) -> Exit {
    match &error.failure {
        CallFailure::Invalid(_) | CallFailure::Credentials(_) => Exit::Usage,
        CallFailure::Refused(refusal) if refusal.code.is_some() => Exit::Refused,
        CallFailure::Refused(_) | CallFailure::Malformed(_) => Exit::Unreadable,
        _ => Exit::Transport,
    }
}

/// Explains an error of a call, and advises the user on it.
pub(crate) fn explain(error: &Error) -> String {
    let advice = match error.failure {
        CallFailure::NoCredentials => "; give the name with --user or SMS_GATEWAY_USER",
        CallFailure::BasicNotAllowed => " with --allow-basic",
        CallFailure::Untrusted if error.untrusted().is_some_and(|why| why.reason != Reason::NotPinned) => {
            " with --pin or SMS_GATEWAY_PIN"
        }
        _ => "",
    };
    format!("{}{advice}", error.explain())
}
