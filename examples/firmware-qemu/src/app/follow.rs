//! Sends the messages, follows them to their outcomes, and takes what comes in.

use core::{fmt, future::ready};

use embassy_time::{Instant, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use log::{info, warn};
use sms_gateway_embassy::{Either, Event, core::track::InboxMark};

use super::{Failure, Post, messages::Messages, shown::Shown};

/// Hands the messages over, one after the other, until all have come to their ends and one has come in.
pub(super) async fn to_the_end<F: NorFlash<Error: fmt::Debug>>(
    messenger: &mut Post<'_, F>,
    messages: &mut Messages,
    end: Instant,
) -> Result<InboxMark, Failure> {
    let mut received = None;
    loop {
        match received {
            Some(mark) if messages.are_over(messenger) => return Ok(mark),
            _ => {}
        }
        match messenger.next_or(Timer::at(messages.next(end))).await? {
            Either::First(Event::Update(message)) => {
                info!("{} to {}: {}", message.id, messages.number(message.id), Shown(&message));
                // Ends are acknowledged when all is done. Until then the messenger knows the messages, also after a reset.
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
            Either::Second(()) if Instant::now() < end => messages.hand_over(messenger).await?,
            Either::Second(()) => {
                messages.tell_missing(messenger);
                if received.is_none() {
                    warn!("missing: a message that comes in");
                }
                return Err(Failure::Missing);
            }
        }
    }
}

/// Acknowledges all, and has that stored.
pub(super) async fn acknowledge<F: NorFlash<Error: fmt::Debug>>(
    messenger: &mut Post<'_, F>,
    messages: &Messages,
    received: InboxMark,
) -> Result<(), Failure> {
    messages.acknowledge(messenger);
    messenger.acknowledge_incoming(received);
    // It stores first.
    messenger.next_or(ready(())).await?;
    Ok(())
}
