//! The task of a gateway: its messenger, and what feeds it.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use sms_gateway::{Handle, Messenger, Sms};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Settings, Shared, follow, ports, receive, room::Room, store::GatewayStore};
use crate::{
    queue::Offer,
    storage::{HistoryEntry, Place, Priority, State, Time},
};

/// The maximum number of messages that are bound at a time.
const MAX_BOUND: usize = 64;

/// The time before a messenger that has failed is started again.
const RESTART_AFTER: Duration = Duration::from_secs(5);

/// The least priority of messages that precede others within the messenger.
const URGENT: u8 = 8;

/// The time between two looks at the gateway's health.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

/// Uses a gateway until its room is closed.
pub(super) async fn run(settings: Settings, shared: Shared, room: Arc<Room>) {
    while !room.is_closed() {
        if let Err(error) = serve(&settings, &shared, &room).await {
            let gateway = &*settings.name;
            tracing::error!(%error, gateway, "the messenger has ended, and is started again");
            tokio::select! {
                () = sleep(RESTART_AFTER) => {}
                () = room.closed() => {}
            }
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Uses a gateway until its room is closed or its messenger ends.
async fn serve(settings: &Settings, shared: &Shared, room: &Arc<Room>) -> Result<(), Error> {
    let store = GatewayStore { storage: Arc::clone(&shared.storage), gateway: settings.id };
    let builder = Messenger::builder(settings.gateway.clone())
        .store(store)
        .timing(settings.timing)
        .exclusive(settings.exclusive);
    let builder = builder.incoming(settings.incoming.is_some());
    let (messenger, handles) = builder.start().await?;
    let known = follow::Known::new(handles, room, &*shared.storage).await?;
    let outcome = tokio::select! {
        bound = bind(settings, shared, room, &messenger, &known) => bound,
        followed = follow::follow(settings, shared, room, &messenger, &known) => followed,
        () = watch_ports(settings, room) => Ok(()),
        () = move_when_unhealthy(settings, room, &messenger, &known) => Ok(()),
        () = known.stop_cancelled(room) => Ok(()),
        received = receive(settings, shared, &messenger) => received,
        () = room.closed() => Ok(()),
    };
    outcome?;
    Ok(messenger.shutdown().await?)
}

/// Receives messages as long as the messenger runs.
async fn receive(settings: &Settings, shared: &Shared, messenger: &Messenger) -> Result<(), Error> {
    match (settings.incoming, messenger.incoming()) {
        (Some(account), Some(inbox)) => Ok(receive::receive(settings, shared, account, inbox).await?),
        _ => std::future::pending().await,
    }
}

/// Binds messages while there is room for them.
async fn bind(
    settings: &Settings,
    shared: &Shared,
    room: &Room,
    messenger: &Messenger,
    known: &follow::Known,
) -> Result<(), Error> {
    let mut health = messenger.health();
    loop {
        // Before the first request it is not known, but then no port is known to have room either.
        health.wait_for(|health| health.error.is_none()).await?;
        let free = room.wait().await;
        // Health or room may change while the queue is empty.
        let offers = tokio::select! {
            offers = shared.queue.take(&settings.pools, free.min(MAX_BOUND)) => offers?,
            _ = health.changed() => continue,
        };
        let sent = join_all(offers.into_iter().map(|offer| send(shared, messenger, offer))).await;
        for handle in sent.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            room.bound(handle.id().get());
            known.add(handle);
        }
    }
}

/// Gives a message to the messenger, which binds it by its first save.
async fn send(shared: &Shared, messenger: &Messenger, offer: Offer) -> Result<Option<Handle>, Error> {
    let sms = match sms(&offer, Time::now()) {
        Ok(sms) => sms,
        Err(reason) => {
            let detail = Some(reason.to_string().into());
            let entry = HistoryEntry { detail, ..HistoryEntry::new(Time::now(), State::Failed) };
            shared.storage.end(offer.id, entry).await?;
            offer.bound();
            return Ok(None);
        }
    };
    match messenger.send(sms).await {
        Ok(handle) => {
            offer.bound();
            Ok(Some(handle))
        }
        Err(error) => {
            // The save may have succeeded all the same.
            let stored = shared.storage.message(offer.id).await;
            if !matches!(stored, Ok(Some(message)) if message.place == Place::Queued) {
                offer.bound();
            }
            Err(error.into())
        }
    }
}

fn sms(offer: &Offer, now: Time) -> Result<Sms, sms_gateway::core::Invalid> {
    let message = &offer.message;
    let left = Duration::from_millis(message.expires.0.saturating_sub(now.0));
    let sms = Sms::new(&message.to, &*message.text)?.reference(&offer.id.to_string()).valid_for(left);
    Ok(sms.urgent(message.priority >= Priority::new(URGENT).unwrap_or(Priority::HIGHEST)))
}

/// Queries the ports again and again.
async fn watch_ports(settings: &Settings, room: &Room) {
    let mut interval = interval(settings.ports_every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match ports::query(&settings.gateway).await {
            Ok(ports) => room.set_ports(ports),
            // The messenger's health shows a gateway that does not respond.
            Err(error) => tracing::warn!(%error, gateway = &*settings.name, "the ports cannot be queried"),
        }
    }
}

/// Returns messages that were not submitted to the queue, once the gateway has not responded, or has had no port, for a time.
async fn move_when_unhealthy(settings: &Settings, room: &Room, messenger: &Messenger, known: &follow::Known) {
    let health = messenger.health();
    let mut well = Instant::now();
    let mut interval = interval(HEALTH_EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if health.borrow().error.is_none() && room.has_ports() {
            well = Instant::now();
        } else if well.elapsed() >= settings.failover_after {
            // The queue gives them to another gateway, or back to this one when it is well again.
            known.stop_unsent().await;
        }
    }
}
