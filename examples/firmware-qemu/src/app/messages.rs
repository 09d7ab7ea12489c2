//! The messages to send, and those that the messenger already has.

use core::fmt;

use embassy_time::{Duration, Instant};
use embedded_storage_async::nor_flash::NorFlash;
use heapless::Vec;
use log::{info, warn};
use sms_gateway_embassy::{
    Sms, Store,
    core::{UserId, track::Message},
    store::Key,
};

use super::{Failure, Post, shown::Shown};

/// A message, and whether it may be sent twice.
///
/// The connection may break, or the board may be reset, just before the gateway would accept the message. If `resend` is false,
/// the message then ends as `Unresolved`. If `resend` is true, it is sent again after the gateway's queue is empty and two queries
/// have returned no result for it.
struct Planned {
    number: &'static str,
    text: &'static str,
    resend: bool,
}

const MESSAGES: [Planned; 4] = [
    Planned { number: "13800138000", text: "The pump runs again.", resend: false },
    Planned {
        number: "+8613800138001",
        text: "Daily report of the pump in the old mill. It ran for 21 hours and 14 minutes, moved 83 cubic metres, and drew 41 kWh. \
         The water stands at 2.7 m, and the filter should be changed within the next four days.",
        resend: false,
    },
    Planned { number: "13800138003", text: "The filter was changed.", resend: false },
    // An alarm.
    Planned { number: "13800138002", text: "Die Pumpe läuft trocken 😀", resend: true },
];

/// Time between one message and the next.
const PACE: Duration = Duration::from_millis(150);

/// The messages that the messenger already has: the ids that it assigned to the first messages of [`MESSAGES`].
pub(super) struct Messages {
    ids: Vec<UserId, { MESSAGES.len() }>,
    /// The time at which the next message is due.
    due: Instant,
}

impl Messages {
    /// Returns the messages in the store. Ids increase, so the first message has the lowest id.
    pub(super) async fn restore<S: Store>(store: &mut S) -> Result<Self, S::Error> {
        let mut ids = Vec::new();
        let mut note = |key, _: &[u8]| {
            if let Key::Record(key) = key
                && let Ok(id) = UserId::new(key.into())
            {
                // The store never has more messages than the list.
                let _ = ids.push(id);
            }
        };
        store.restore(&mut note).await?;
        ids.sort_unstable();
        Ok(Self { ids, due: Instant::now() })
    }

    /// Returns the time at which the next message is due, or `end` if `end` is earlier. Returns `end` if no message is left.
    pub(super) fn next(&self, end: Instant) -> Instant {
        if self.ids.is_full() { end } else { self.due.min(end) }
    }

    /// Sends the next message. When `send` returns, the message is stored.
    pub(super) async fn send_next<F: NorFlash<Error: fmt::Debug>>(
        &mut self,
        messenger: &mut Post<'_, F>,
    ) -> Result<(), Failure> {
        if let Some(Planned { number, text, resend }) = MESSAGES.get(self.ids.len()) {
            let id = messenger.send(&Sms::new(number, text)?.resend(*resend)).await?;
            info!("message {id} to {number} is stored");
            let _ = self.ids.push(id);
            self.due = Instant::now() + PACE;
        }
        Ok(())
    }

    /// Logs the states of messages from a previous run.
    pub(super) fn log_states<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) {
        info!("{} messages are stored", self.ids.len());
        for (Planned { number, .. }, message) in self.of(messenger) {
            info!("{} to {number} was {:?}", message.id, message.state);
        }
    }

    /// Returns whether all messages have ended.
    pub(super) fn have_ended<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) -> bool {
        self.of(messenger).filter(|(_, message)| message.is_final).count() == MESSAGES.len()
    }

    /// Logs the messages without an outcome.
    pub(super) fn log_missing<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) {
        for (place, Planned { number, .. }) in MESSAGES.iter().enumerate() {
            match self.ids.get(place).and_then(|id| messenger.message(*id)) {
                Some(message) if message.is_final => {}
                Some(message) => {
                    warn!("missing: the outcome of {} to {number}: {:?}", message.id, message.state);
                }
                None => warn!("missing: the message to {number}"),
            }
        }
    }

    pub(super) fn log_outcomes<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) {
        for (Planned { number, text, .. }, message) in self.of(messenger) {
            info!("outcome of {} to {number}: {}, text: {text}", message.id, Shown(&message));
        }
    }

    /// Acknowledges the final updates.
    pub(super) fn acknowledge<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &mut Post<'_, F>) {
        for id in &self.ids {
            if let Some(message) = messenger.message(*id) {
                messenger.acknowledge(&message);
            }
        }
    }

    /// Returns the recipient of a message.
    pub(super) fn number(&self, id: UserId) -> &'static str {
        let place = self.ids.iter().position(|known| *known == id);
        place.and_then(|place| MESSAGES.get(place)).map_or("nobody", |order| order.number)
    }

    fn of<F: NorFlash<Error: fmt::Debug>>(
        &self,
        messenger: &Post<'_, F>,
    ) -> impl Iterator<Item = (&'static Planned, Message)> {
        MESSAGES.iter().zip(&self.ids).filter_map(|(to, id)| Some((to, messenger.message(*id)?)))
    }
}
