//! Calls with their login.

use core::time::Duration;

use sms_gateway_core::{
    Invalid, TooSmall,
    call::{AnyCall, Call, Commas, Decoder, QuerySmsInQueue, Refusal},
    http::{
        AnswerError, Credentials, Head,
        login::{Denial, Login, Step},
        request,
    },
    json::ReadError,
};

use crate::line::Line;

/// How often a request is sent at most, each time with another nonce.
const MAX_LOGINS: u32 = 3;
const UNAUTHORIZED: u16 = 401;
/// The clock and the random numbers are the caller's.
const NOW: Duration = Duration::ZERO;
const ENTROPY: u64 = 0x0123_4567_89AB_CDEF;

/// Makes calls over one connection.
pub(crate) struct Client<'m> {
    pub(crate) line: Line<'m>,
    pub(crate) host: &'m str,
    pub(crate) credentials: Credentials<'m>,
    pub(crate) login: Login<&'m mut [u8]>,
    pub(crate) request: &'m mut [u8],
    pub(crate) record: &'m mut [u8],
}

/// Why a call failed.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "texts"), allow(dead_code))]
pub(crate) enum Failed {
    Invalid(Invalid),
    TooSmall(TooSmall),
    Login(Denial),
    Answer(AnswerError),
    Malformed(ReadError),
    Refused(Refusal),
    Status(u16),
    /// A message is left that did not come to its end.
    #[cfg(feature = "track")]
    Open,
}

impl Client<'_> {
    /// Makes a call, and hands on what is answered.
    pub(crate) fn call<C: Call>(
        &mut self,
        call: &C,
        take: impl FnMut(C::Record<'_>),
        done: impl FnOnce(C::Summary<'_>),
    ) -> Result<(), Failed> {
        self.ask(call.into())?;
        self.read::<C>(take, done)
    }

    /// Hands on what is answered. By itself, so that the decoder is not on the stack while a request is written and a login made.
    #[inline(never)]
    pub(crate) fn read<C: Call>(
        &mut self,
        mut take: impl FnMut(C::Record<'_>),
        done: impl FnOnce(C::Summary<'_>),
    ) -> Result<(), Failed> {
        let mut decoder = Decoder::<C, _>::new(&mut *self.record);
        while let Some(piece) = self.line.piece()? {
            let mut input = self.line.bytes.get(piece).unwrap_or_default();
            while decoder.advance(&mut input)? {
                if let Some(record) = decoder.record() {
                    take(record);
                }
            }
        }
        let summary = decoder.finish()?;
        C::check(&summary)?;
        done(summary);
        Ok(())
    }

    /// Sends a request until it is let in.
    #[inline(never)]
    pub(crate) fn ask(&mut self, call: AnyCall<'_>) -> Result<(), Failed> {
        for _ in 0..MAX_LOGINS {
            if let Some(length) = self.write(call, true)? {
                match self.exchange(length)? {
                    UNAUTHORIZED => self.learn(true)?,
                    200 => {
                        self.login.accepted();
                        return Ok(());
                    }
                    status => return Err(Failed::Status(status)),
                }
            } else {
                self.probe()?;
            }
        }
        Err(self.login.give_up().into())
    }

    /// Writes a request; `None` when a probe comes first.
    fn write(&mut self, call: AnyCall<'_>, authorized: bool) -> Result<Option<usize>, Failed> {
        let authorization = if authorized {
            let length = call.target(Commas::Encoded, self.line.bytes)?.len();
            let (target, out) = self.line.bytes.split_at_mut_checked(length).unwrap_or_default();
            let target = core::str::from_utf8(target).unwrap_or_default();
            match self.login.prepare(Some(&self.credentials), call.method().as_str(), target, NOW, out)? {
                Step::Probe => return Ok(None),
                Step::Plain => None,
                Step::Authorized(value) => Some(value),
            }
        } else {
            None
        };
        let head = Head { host: self.host, authorization, ..Head::default() };
        Ok(Some(request(call, &head, self.request)?.len()))
    }

    fn exchange(&mut self, length: usize) -> Result<u16, Failed> {
        self.line.exchange(self.request.get(..length).unwrap_or_default())
    }

    /// Fetches a challenge.
    fn probe(&mut self) -> Result<(), Failed> {
        let length = self.write(AnyCall::from(&QuerySmsInQueue), false)?.unwrap_or_default();
        if self.exchange(length)? == UNAUTHORIZED {
            return self.learn(false);
        }
        self.login.open();
        self.drain()
    }

    fn learn(&mut self, authorized: bool) -> Result<(), Failed> {
        let challenges = self.line.answer.challenges()?;
        if authorized {
            self.login.refused(challenges, Some(&self.credentials), ENTROPY, NOW)?;
        } else {
            self.login.challenged(challenges, Some(&self.credentials), ENTROPY, NOW)?;
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Failed> {
        while self.line.piece()?.is_some() {}
        Ok(())
    }
}

/// Says what went wrong.
#[cfg(feature = "texts")]
pub(crate) fn tell(failed: &Failed) {
    use core::{
        fmt::{Result, Write},
        hint::black_box,
    };

    struct Sink;

    impl Write for Sink {
        fn write_str(&mut self, text: &str) -> Result {
            black_box(text);
            Ok(())
        }
    }

    let _ = match failed {
        Failed::Invalid(error) => write!(Sink, "{error}"),
        Failed::TooSmall(error) => write!(Sink, "{error}"),
        Failed::Login(error) => write!(Sink, "{error}"),
        Failed::Answer(error) => write!(Sink, "{error}"),
        Failed::Malformed(error) => write!(Sink, "{error}"),
        Failed::Refused(error) => write!(Sink, "{error}"),
        Failed::Status(status) => write!(Sink, "HTTP status {status}"),
        #[cfg(feature = "track")]
        Failed::Open => write!(Sink, "a message is left"),
    };
}

macro_rules! from {
    ($($error:ident => $variant:ident),*) => {
        $(impl From<$error> for Failed {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from!(
    Invalid => Invalid,
    TooSmall => TooSmall,
    Denial => Login,
    AnswerError => Answer,
    ReadError => Malformed,
    Refusal => Refused
);
