//! The messages that are sent, and which of them the messenger has.

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

/// A message, and whether better twice than never. One that is not is never sent twice: where a connection broke or the board was
/// reset just before the gateway took it, it ends as `Unresolved`. One that is, is then sent again once the gateway, its queue
/// empty, has twice said that it does not know it.
struct Order {
    number: &'static str,
    text: &'static str,
    resend: bool,
}

const MESSAGES: [Order; 3] = [
    Order { number: "13800138000", text: "The pump runs again.", resend: false },
    Order {
        number: "+8613800138001",
        text: "Daily report of the pump in the old mill. It ran for 21 hours and 14 minutes, moved 83 cubic metres, and drew 41 kWh. \
         The water stands at 2.7 m, and the filter should be changed within the next four days.",
        resend: false,
    },
    // An alarm.
    Order { number: "13800138002", text: "Die Pumpe läuft trocken 😀", resend: true },
];

/// How long after one message there is cause for the next.
const PACE: Duration = Duration::from_millis(150);

/// Which messages the messenger has: the first ones, in this order, by the ids it gave them.
pub(super) struct Messages {
    ids: Vec<UserId, { MESSAGES.len() }>,
    /// When there is cause for the next one.
    due: Instant,
}

impl Messages {
    /// Those that are stored. Ids grow, so that the oldest message has the lowest.
    pub(super) async fn restore<S: Store>(store: &mut S) -> Result<Self, S::Error> {
        let mut ids = Vec::new();
        let mut note = |key, _: &[u8]| {
            if let Key::Record(key) = key
                && let Ok(id) = UserId::new(key.into())
            {
                // There are no more than were sent.
                let _ = ids.push(id);
            }
        };
        store.restore(&mut note).await?;
        ids.sort_unstable();
        Ok(Self { ids, due: Instant::now() })
    }

    /// When the next one is to be handed over, if that is before the end.
    pub(super) fn next(&self, end: Instant) -> Instant {
        if self.ids.is_full() { end } else { self.due.min(end) }
    }

    /// Hands the next one over. It is stored when `send` returns.
    pub(super) async fn hand_over<F: NorFlash<Error: fmt::Debug>>(
        &mut self,
        messenger: &mut Post<'_, F>,
    ) -> Result<(), Failure> {
        if let Some(Order { number, text, resend }) = MESSAGES.get(self.ids.len()) {
            let id = messenger.send(&Sms::new(number, text)?.resend(*resend)).await?;
            info!("message {id} to {number} is stored");
            let _ = self.ids.push(id);
            self.due = Instant::now() + PACE;
        }
        Ok(())
    }

    /// How far those have come that an earlier life had.
    pub(super) fn tell<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) {
        info!("{} messages are stored", self.ids.len());
        for (Order { number, .. }, message) in self.of(messenger) {
            info!("{} to {number} was {:?}", message.id, message.state);
        }
    }

    /// Whether all have come to their end.
    pub(super) fn are_over<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) -> bool {
        self.of(messenger).filter(|(_, message)| message.is_final).count() == MESSAGES.len()
    }

    /// What is missing of them.
    pub(super) fn tell_missing<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) {
        for (place, Order { number, .. }) in MESSAGES.iter().enumerate() {
            match self.ids.get(place).and_then(|id| messenger.message(*id)) {
                Some(message) if message.is_final => {}
                Some(message) => {
                    warn!("missing: the outcome of {} to {number}: {:?}", message.id, message.state);
                }
                None => warn!("missing: the message to {number}"),
            }
        }
    }

    pub(super) fn tell_outcomes<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &Post<'_, F>) {
        for (Order { number, text, .. }, message) in self.of(messenger) {
            info!("outcome of {} to {number}: {}, text: {text}", message.id, Shown(&message));
        }
    }

    /// Acknowledges their ends.
    pub(super) fn acknowledge<F: NorFlash<Error: fmt::Debug>>(&self, messenger: &mut Post<'_, F>) {
        for id in &self.ids {
            if let Some(message) = messenger.message(*id) {
                messenger.acknowledge(&message);
            }
        }
    }

    /// The number that a message is sent to.
    pub(super) fn number(&self, id: UserId) -> &'static str {
        let place = self.ids.iter().position(|known| *known == id);
        place.and_then(|place| MESSAGES.get(place)).map_or("nobody", |order| order.number)
    }

    fn of<F: NorFlash<Error: fmt::Debug>>(
        &self,
        messenger: &Post<'_, F>,
    ) -> impl Iterator<Item = (&'static Order, Message)> {
        MESSAGES.iter().zip(&self.ids).filter_map(|(to, id)| Some((to, messenger.message(*id)?)))
    }
}
