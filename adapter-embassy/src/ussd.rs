//! USSD: sending a code and waiting for what the network says to it.

use embassy_time::{Duration, Instant, Timer};
use sms_gateway_core::{
    Port,
    call::{SendUssd, UssdOutcome},
    json::Text,
};

use crate::{Buffer, Error, Gateway, Transport, memory::copy};

/// How long a USSD reply is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UssdWait {
    /// Between two questions for the reply; gateways need some seconds.
    pub interval: Duration,
    /// In all.
    pub limit: Duration,
}

impl Default for UssdWait {
    /// Asks every 2 s for 30 s.
    fn default() -> Self {
        Self { interval: Duration::from_secs(2), limit: Duration::from_secs(30) }
    }
}

/// What became of a USSD code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ussd<'b> {
    /// The network's reply.
    Reply(&'b str),
    /// All the time the port showed this text, which it had shown before the code was sent. It may be the same reply once
    /// more, or the old one still: the gateway does not tell them apart.
    Unchanged(&'b str),
    /// No reply within the limit.
    NoReply,
    /// The port did not send it.
    NotSent(UssdOutcome),
    /// The gateway's answer says nothing of the port.
    Untold,
}

/// A text, by its length and a hash of it.
type Trace = (usize, u64);

/// What a port shows.
struct Shown {
    trace: Trace,
    /// Where it found no room, if it did not.
    lacking: Option<Buffer>,
}

impl Shown {
    /// Its length in the lent buffer.
    fn length<E>(&self) -> Result<usize, Error<E>> {
        let (needed, _) = self.trace;
        self.lacking.map_or(Ok(needed), |buffer| Err(Error::TooSmall { buffer, needed }))
    }
}

impl<T: Transport> Gateway<'_, T> {
    /// Sends a USSD code on a port and waits for the reply, which is written into `reply`: 512 bytes do as a rule. A reply that was there
    /// before is not taken for the new one.
    ///
    /// A question for the reply that fails is asked again until the limit, unless the login is at fault. Dropping the future leaves open
    /// whether the code was sent; its reply can be had by [`query_ussd_reply`](Self::query_ussd_reply) still.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the text is empty or longer than 60 bytes; [`Error::TooSmall`] when the reply does not fit, and all that a
    /// call can end with. The code may have been sent.
    pub async fn ussd<'b>(
        &mut self,
        port: Port,
        text: &str,
        wait: UssdWait,
        reply: &'b mut [u8],
    ) -> Result<Ussd<'b>, Error<T::Error>> {
        let request = SendUssd::send(port.into(), text)?;
        // That one need not fit.
        let before = self.ussd_reply(port, reply).await?;
        match self.ussd_outcome(port, &request).await? {
            Some(UssdOutcome::Sent) => self.await_reply(port, before, wait, reply).await,
            Some(outcome) => Ok(Ussd::NotSent(outcome)),
            None => Ok(Ussd::Untold),
        }
    }

    /// What the gateway says of the port.
    async fn ussd_outcome(
        &mut self,
        port: Port,
        request: &SendUssd<'_>,
    ) -> Result<Option<UssdOutcome>, Error<T::Error>> {
        let mut outcome = None;
        let mut answer = self.send_ussd(request).await?;
        while let Some(status) = answer.next().await? {
            if status.port.get() == Some(port.get().into()) {
                outcome = status.status.get();
            }
        }
        Ok(outcome)
    }

    /// Asks for the reply until it is there or the limit is over. `before` is what the port showed first.
    async fn await_reply<'b>(
        &mut self,
        port: Port,
        mut before: Option<Shown>,
        wait: UssdWait,
        reply: &'b mut [u8],
    ) -> Result<Ussd<'b>, Error<T::Error>> {
        let end = Instant::now().saturating_add(wait.limit);
        let mut length = None;
        while length.is_none() && Instant::now() < end {
            Timer::at(Instant::now().saturating_add(wait.interval).min(end)).await;
            match self.ussd_reply(port, reply).await {
                Ok(Some(shown)) if before.as_ref().is_none_or(|before| before.trace != shown.trace) => {
                    length = Some(shown.length()?);
                }
                Ok(Some(_)) => {}
                // Once the old reply is gone, the next one is new whatever it says.
                Ok(None) => before = None,
                Err(error) if error.may_pass() && Instant::now() < end => {}
                Err(error) => return Err(error),
            }
        }
        let shown =
            |length: usize| core::str::from_utf8(reply.get(..length).unwrap_or_default()).unwrap_or_default();
        Ok(match (length, before) {
            (Some(length), _) => Ussd::Reply(shown(length)),
            (None, Some(old)) => Ussd::Unchanged(shown(old.length()?)),
            (None, None) => Ussd::NoReply,
        })
    }

    /// The reply that the port shows, unless it is blank: one that waits for its reply shows none or a space.
    async fn ussd_reply(&mut self, port: Port, out: &mut [u8]) -> Result<Option<Shown>, Error<T::Error>> {
        let mut shown = None;
        let mut answer = self.query_ussd_reply(port.into()).await?;
        while let Some(reply) = answer.next().await? {
            if reply.port.get() != Some(port.get().into()) {
                continue;
            }
            shown = match reply.text {
                // Of that only the length is known.
                Text::TooLong { needed } => Some(Shown { trace: (needed, 0), lacking: Some(Buffer::Record) }),
                text if text.as_str().trim().is_empty() => None,
                text => {
                    let text = text.as_str();
                    let room = out.get_mut(..text.len());
                    let lacking = if room.is_some() { None } else { Some(Buffer::Lent) };
                    copy(room.unwrap_or_default(), text.as_bytes());
                    Some(Shown { trace: trace(text), lacking })
                }
            };
        }
        Ok(shown)
    }
}

/// FNV-1a.
fn trace(text: &str) -> Trace {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (text.len(), hash)
}
