//! Sends the messages, follows them to their outcomes, and receives a message.

use core::{fmt, future::ready};

use embassy_time::{Instant, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use log::{info, warn};
use sms_gateway_embassy::{Either, Event, core::track::InboxMark};

use super::{Failure, Post, messages::Messages, shown::Shown};

/// Sends the messages one by one, until all have ended and an incoming message was received.
pub(super) async fn until_done<F: NorFlash<Error: fmt::Debug>>(
    messenger: &mut Post<'_, F>,
    messages: &mut Messages,
    end: Instant,
) -> Result<InboxMark, Failure> {
    let mut received = None;
    loop {
        match received {
            Some(mark) if messages.have_ended(messenger) => return Ok(mark),
            _ => {}
        }
        match messenger.next_or(Timer::at(messages.next(end))).await? {
            Either::First(Event::Update(message)) => {
                info!("{} to {}: {}", message.id, messages.number(message.id), Shown(&message));
                // Final updates are acknowledged when everything is done. Until then the messenger keeps the messages, even
                // across resets.
                if !message.is_final {
                    messenger.acknowledge(&message);
                }
            }
            Either::First(Event::Incoming(sms)) => {
                info!("from {}: {}", sms.number, sms.text.as_str());
                received = Some(sms.mark);
            }
            Either::First(Event::RequestsFailing(error)) => warn!("{error}"),
            Either::First(other) => warn!("{other:?}"),
            Either::Second(()) if Instant::now() < end => messages.send_next(messenger).await?,
            Either::Second(()) => {
                messages.log_missing(messenger);
                if received.is_none() {
                    warn!("missing: a message that comes in");
                }
                return Err(Failure::Missing);
            }
        }
    }
}

/// Acknowledges all messages, and stores the acknowledgements.
pub(super) async fn acknowledge<F: NorFlash<Error: fmt::Debug>>(
    messenger: &mut Post<'_, F>,
    messages: &Messages,
    received: InboxMark,
) -> Result<(), Failure> {
    messages.acknowledge(messenger);
    messenger.acknowledge_incoming(received);
    // `next_or` stores changes before it does anything else.
    messenger.next_or(ready(())).await?;
    Ok(())
}
