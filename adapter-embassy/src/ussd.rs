//! USSD: sending a code and waiting for what the network says to it.

use embassy_time::Timer;
use sms_gateway_core::{
    Port,
    call::{SendUssd, UssdOutcome},
    client::{Buffer, Failure, UssdPolls, UssdReplies, UssdWait},
    json::Text,
};

use crate::{Error, Gateway, Transport, connection::from_core, gateway::now, memory::copy};

/// What became of a USSD code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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

/// The texts that a port shows, the last of them in the lent buffer.
struct Watch<'b> {
    port: Port,
    /// `None` before the first look.
    replies: Option<UssdReplies>,
    buffer: &'b mut [u8],
    /// The length of the last text, or the reason why it is not in the buffer.
    length: Result<usize, Failure>,
}

impl<'b> Watch<'b> {
    const fn new(port: Port, buffer: &'b mut [u8]) -> Self {
        Self { port, replies: None, buffer, length: Ok(0) }
    }

    /// Takes the text that the port shows. Returns whether it is the reply.
    fn take(&mut self, text: Text<'_>) -> bool {
        self.length = self.copy(text);
        if let Some(replies) = &mut self.replies {
            return replies.take(text);
        }
        self.replies = Some(UssdReplies::new(text));
        false
    }

    fn copy(&mut self, text: Text<'_>) -> Result<usize, Failure> {
        if let Text::TooLong { needed } = text {
            return Err(Failure::TooSmall { buffer: Buffer::Record, needed });
        }
        let needed = text.as_str().len();
        let space = self.buffer.get_mut(..needed);
        let space = space.ok_or(Failure::TooSmall { buffer: Buffer::Lent, needed })?;
        copy(space, text.as_str().as_bytes());
        Ok(needed)
    }

    fn text(self) -> Result<&'b str, Failure> {
        let text = self.buffer.get(..self.length?).unwrap_or_default();
        Ok(core::str::from_utf8(text).unwrap_or_default())
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
    /// [`Failure::Invalid`] when the text is empty or longer than 60 bytes; [`Failure::TooSmall`] when the reply does not fit, and all that a
    /// call can end with. The code may have been sent.
    pub async fn ussd<'b>(
        &mut self,
        port: Port,
        text: &str,
        wait: UssdWait,
        reply: &'b mut [u8],
    ) -> Result<Ussd<'b>, Error<T::Error>> {
        let request = SendUssd::send(port.into(), text)?;
        let mut watch = Watch::new(port, reply);
        self.look(&mut watch).await?;
        match self.ussd_outcome(port, &request).await? {
            Some(UssdOutcome::Sent) => self.await_reply(watch, wait).await,
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
        let mut response = self.send_ussd(request).await?;
        while let Some(status) = response.next().await? {
            if status.port.get() == Some(port.get().into()) {
                outcome = status.status.get();
            }
        }
        Ok(outcome)
    }

    /// Asks for the reply until it is there or the limit is over.
    async fn await_reply<'b>(
        &mut self,
        mut watch: Watch<'b>,
        wait: UssdWait,
    ) -> Result<Ussd<'b>, Error<T::Error>> {
        let polls = UssdPolls::new(wait, now());
        while let Some(next) = polls.next(now()) {
            Timer::after(from_core(next.saturating_sub(now()))).await;
            match self.look(&mut watch).await {
                Ok(true) => return Ok(Ussd::Reply(watch.text()?)),
                Ok(false) => {}
                Err(error) if polls.may_go_on(&error.failure, now()) => {}
                Err(error) => return Err(error),
            }
        }
        if watch.replies.is_some_and(|replies| replies.is_unchanged()) {
            return Ok(Ussd::Unchanged(watch.text()?));
        }
        Ok(Ussd::NoReply)
    }

    /// Looks at the text that the port shows. Returns whether it is the reply.
    async fn look(&mut self, watch: &mut Watch<'_>) -> Result<bool, Error<T::Error>> {
        let mut is_reply = None;
        let mut response = self.query_ussd_reply(watch.port.into()).await?;
        while let Some(shown) = response.next().await? {
            // A reply that was found stays in the buffer.
            if shown.port.get() == Some(watch.port.get().into()) && is_reply != Some(true) {
                is_reply = Some(watch.take(shown.text));
            }
        }
        Ok(is_reply.unwrap_or_else(|| watch.take(Text::Missing)))
    }
}
