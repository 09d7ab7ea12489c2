//! The health of a gateway: whether it is given messages, and when it loses those that it was not sent.

use std::time::Duration;

use sms_gateway::Messenger;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::{Settings, follow, ports, room::Room};
use crate::{
    queue::{Offer, Queue},
    storage::{Mode, PoolId, StorageError, Time},
};

/// The time between two looks at the gateway's health.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

/// The time after which the ports are queried again if the gateway did not respond.
const PORTS_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The time before a gateway that is not well is tried for the first time. It doubles after each trial.
const FIRST_TRIAL: Duration = Duration::from_secs(30);

/// The number of doublings: at last, a gateway is tried every 16 minutes.
const MAX_DOUBLINGS: u32 = 5;

/// The time between two looks for a message to try a gateway with.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Queries the ports again and again.
pub(super) async fn watch_ports(settings: &Settings, room: &Room) {
    let mut query = ports::Query::default();
    let gateway = &*settings.name;
    // Only a change is logged.
    let mut known = None;
    loop {
        match query.ports(&settings.gateway).await {
            Ok(ports) => {
                if known.take().is_some() {
                    tracing::info!(gateway, "the ports can be queried again");
                }
                room.set_ports(ports);
                sleep(settings.ports_every).await;
            }
            Err(error) => {
                let error = error.explain();
                if known.as_ref() != Some(&error) {
                    tracing::warn!(
                        gateway,
                        error,
                        "the ports cannot be queried: the gateway gets no messages"
                    );
                    known = Some(error.clone());
                }
                room.no_response(error);
                sleep(settings.ports_every.min(PORTS_AGAIN_AFTER)).await;
            }
        }
    }
}

/// Notes each change of the gateway's health, for operators.
pub(super) async fn note(settings: &Settings, room: &Room, messenger: &Messenger) {
    let mut health = messenger.health();
    loop {
        let (is_known, error) = {
            let health = health.borrow_and_update();
            (health.is_known, health.error.as_ref().map(|error| error.explain()))
        };
        if is_known {
            note_change(&settings.name, room, error);
        }
        tokio::select! {
            Ok(()) = health.changed() => {}
            // The first success is not notified.
            () = sleep(HEALTH_EVERY) => {}
        }
    }
}

fn note_change(gateway: &str, room: &Room, error: Option<String>) {
    let known = room.messenger_health();
    match (&error, known.error.is_some()) {
        (Some(error), false) => tracing::warn!(gateway, error, "requests to the gateway fail"),
        (None, true) => tracing::info!(gateway, "requests to the gateway succeed again"),
        _ => {}
    }
    if !known.is_known || known.error != error {
        room.set_health(error);
    }
}

/// Returns messages that were not submitted to the queue, once requests have failed, or no port could send, for a time, or while the
/// gateway is drained.
pub(super) async fn move_unsent(
    settings: &Settings,
    room: &Room,
    messenger: &Messenger,
    known: &follow::Known,
) {
    let health = messenger.health();
    let mut well = Instant::now();
    let mut interval = interval(HEALTH_EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if room.mode() == Mode::Draining {
            known.stop_unsent().await;
        } else if health.borrow().error.is_none() && room.has_ports() {
            well = Instant::now();
        } else if room.tried().map_or(well, |tried| well.max(tried)).elapsed() >= settings.failover_after {
            // The queue gives them to another gateway, or back to this one when it is well again.
            known.stop_unsent().await;
        }
    }
}

/// The trials of a gateway whose requests fail: now and then it gets a single message. Without one, its messenger may have nothing to
/// request, and would never notice that requests succeed again.
pub(super) struct Trials {
    count: u32,
    next: Instant,
}

impl Trials {
    pub(super) fn new() -> Self {
        Self { count: 0, next: Instant::now() + FIRST_TRIAL }
    }

    /// Waits until it is time for the next trial, the gateway has no message that could be the trial, and a message waits for which no
    /// healthy gateway has room: such a gateway takes it at once.
    pub(super) async fn take(
        &mut self,
        queue: &Queue,
        pools: &[PoolId],
        room: &Room,
    ) -> Result<Vec<Offer>, StorageError> {
        sleep_until(self.next).await;
        loop {
            room.empty().await;
            let offers = queue.take_now(pools, 1, Time::now()).await?;
            if !offers.is_empty() {
                self.next = Instant::now() + FIRST_TRIAL * 2_u32.pow(self.count);
                self.count = MAX_DOUBLINGS.min(self.count + 1);
                room.try_again();
                return Ok(offers);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
