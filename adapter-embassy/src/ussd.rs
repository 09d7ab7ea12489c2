//! USSD: sends a code and waits for the network's reply.

use embassy_time::{Instant, Timer};
use sms_gateway_core::{
    Port,
    call::SendUssd,
    client::{Ussd, UssdDialog, UssdReplies, UssdWait},
};

use crate::{
    Error, Gateway, Transport,
    clock::{from_core, now},
};

impl<T: Transport> Gateway<'_, T> {
    /// Sends a USSD code on a port and waits for the reply, which is written into `reply`. 512 bytes usually suffice. First it queries
    /// the text that the port shows, so that an old text is not mistaken for the reply. If the gateway refuses that query, the code is sent
    /// all the same; a text that never changes is then [`Ussd::Unchanged`], because it may be old. If the login or the connection fails
    /// during that query, the code is not sent.
    ///
    /// Failed queries for the reply are retried until the limit, unless the error is permanent or the gateway locks the client out.
    /// [`Ussd::NoReply`] means that the code was sent and no reply could be read. If the future is dropped, the code may have been sent;
    /// [`query_ussd_reply`](Self::query_ussd_reply) still returns its reply.
    ///
    /// # Errors
    /// [`Failure::Invalid`](crate::Failure::Invalid) if the text is empty or longer than 60 bytes;
    /// [`Failure::TooSmall`](crate::Failure::TooSmall) if the reply does not fit; and the errors of the calls. In the last two cases, the
    /// code may have been sent.
    pub async fn ussd<'b>(
        &mut self,
        port: Port,
        text: &str,
        wait: UssdWait,
        reply: &'b mut [u8],
    ) -> Result<Ussd<&'b str>, Error<T::Error>> {
        let request = SendUssd::send(port.into(), text)?;
        let mut dialog = UssdDialog::new(port, reply);
        match self.read_replies(&mut dialog).await {
            Err(error) if !UssdReplies::may_send_after(&error.failure) => return Err(error),
            _ => {}
        }
        let mut response = self.send_ussd(&request).await?;
        while let Some(status) = response.next().await? {
            dialog.take_status(&status);
        }
        dialog.sent(wait, now());
        while let Some(next) = dialog.next_query(now()) {
            Timer::at(Instant::MIN.saturating_add(from_core(next))).await;
            match self.read_replies(&mut dialog).await {
                // The code has been sent, so this error is not returned.
                Err(error) if !dialog.may_go_on(&error.failure, now()) => break,
                _ => {}
            }
        }
        Ok(dialog.outcome()?)
    }

    async fn read_replies(&mut self, dialog: &mut UssdDialog<'_>) -> Result<(), Error<T::Error>> {
        dialog.begin_reading();
        let mut response = self.query_ussd_reply(dialog.port().into()).await?;
        while let Some(reply) = response.next().await? {
            dialog.take_reply(&reply);
        }
        dialog.end_reading();
        Ok(())
    }
}
