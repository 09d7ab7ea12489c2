//! Calls over a blocking connection, made with the core's engine.

use core::time::Duration;

use footprint::Wire as Link;
use sms_gateway_core::{
    Invalid,
    call::{AnyCall, Call},
    client::{Broken, Cause, Failure, Loss, Next, Read, ResponseHead, Session, Site, Wire, WireEvent},
};

const NOW: Duration = Duration::ZERO;
const ENTROPY: u64 = 0x0123_4567_89AB_CDEF;

/// Makes calls over one connection.
pub(crate) struct Client<'m> {
    pub(crate) link: Link,
    pub(crate) wire: Wire<&'m mut [u8]>,
    pub(crate) session: Session<&'m mut [u8]>,
    pub(crate) site: Site<'m>,
    pub(crate) request: &'m mut [u8],
}

/// The reason a call or the program failed.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "texts"), allow(dead_code))]
pub(crate) enum Failed {
    Call(Failure),
    /// A message did not reach its end.
    #[cfg(feature = "track")]
    Open,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Call(failure)
    }
}

impl From<Invalid> for Failed {
    fn from(error: Invalid) -> Self {
        Self::Call(error.into())
    }
}

impl Client<'_> {
    /// Makes a call, hands out its records, and returns its summary.
    pub(crate) fn call<C: Call>(
        &mut self,
        call: &C,
        mut take: impl FnMut(C::Record<'_>),
    ) -> Result<C::Summary<'_>, Failed> {
        self.ask(call.into())?;
        while self.advance()? {
            if let Some(record) = self.session.record::<C>() {
                take(record);
            }
        }
        Ok(self.session.summary::<C>())
    }

    /// Performs the exchanges of a call until its response can be read.
    #[inline(never)]
    pub(crate) fn ask(&mut self, call: AnyCall<'_>) -> Result<(), Failed> {
        self.session.begin(call.spec(), call.is_repeatable());
        let mut length = self.write(call)?;
        loop {
            let next = match self.exchange(length) {
                Ok(head) => self.respond(head)?,
                Err(cause) => self.session.lost(Broken { loss: Loss::Lost, cause })?,
            };
            match next {
                Next::Read => return Ok(()),
                Next::Send => length = self.write(call)?,
                Next::Resend => {}
            }
        }
    }

    /// Writes the next request, and returns its length.
    fn write(&mut self, call: AnyCall<'_>) -> Result<usize, Failure> {
        self.session.write(call, &self.site, NOW, self.wire.scratch(), self.request)
    }

    /// Sends a request, and reads the head of its response.
    fn exchange(&mut self, length: usize) -> Result<ResponseHead, Cause> {
        self.wire.begin();
        self.link.write(self.request.get(..length).unwrap_or_default());
        loop {
            match self.parse()? {
                WireEvent::Head(head) => return Ok(head),
                WireEvent::End => return Err(Cause::Transport),
                _ => {}
            }
        }
    }

    fn respond(&mut self, head: ResponseHead) -> Result<Next, Failure> {
        let credentials = self.site.credentials.as_ref();
        let next = self.session.responded(head, self.wire.challenges(), credentials, || ENTROPY, NOW);
        if next != Ok(Next::Read) {
            self.drain();
        }
        next
    }

    /// Parses the received bytes, and receives more if they are not enough.
    fn parse(&mut self) -> Result<WireEvent, Cause> {
        let event = self.wire.parse()?;
        if event == WireEvent::More {
            let count = self.link.read(self.wire.space());
            self.wire.received(count)?;
        }
        Ok(event)
    }

    fn drain(&mut self) {
        while self.wire.may_drain() && self.parse().is_ok() {}
    }

    /// Reads up to the next record (`true`) or the end of the response (`false`).
    #[inline(never)]
    pub(crate) fn advance(&mut self) -> Result<bool, Failure> {
        loop {
            let mut input = self.wire.body();
            let available = input.len();
            let read = self.session.read(&mut input);
            let consumed = available.saturating_sub(input.len());
            self.wire.consume(consumed);
            match read? {
                Read::Record => return Ok(true),
                Read::End => return Ok(false),
                Read::Drain => self.drain(),
                Read::More => match self.parse() {
                    Ok(WireEvent::End) => self.session.body_ended()?,
                    Ok(_) => {}
                    Err(cause) => return Err(self.session.body_lost(cause)),
                },
            }
        }
    }
}

/// Formats the error as text.
#[cfg(feature = "texts")]
pub(crate) fn show(failed: &Failed) {
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
        Failed::Call(failure) => write!(Sink, "{failure}"),
        #[cfg(feature = "track")]
        Failed::Open => write!(Sink, "a message is left"),
    };
}
