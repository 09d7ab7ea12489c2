//! The task of a gateway: its messenger, and what feeds it.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use sms_gateway::{Handle, Messenger, Sms};
use tokio::time::sleep;

use super::{
    Settings, Shared, failures, follow,
    health::{self, Trials},
    receive,
    room::Room,
    store::GatewayStore,
};
use crate::{
    metrics,
    queue::Offer,
    storage::{HistoryEntry, Priority, State, StorageError, Time},
};

/// The maximum number of messages that are bound at a time.
const MAX_BOUND: usize = 64;

/// The time before a messenger that has failed is started again.
const RESTART_AFTER: Duration = Duration::from_secs(5);

/// The least priority of messages that precede others within the messenger.
const URGENT: u8 = 8;

/// Uses a gateway until its room is closed.
pub(super) async fn run(settings: Settings, shared: Shared, room: Arc<Room>) {
    while !room.is_closed() {
        if let Err(error) = serve(&settings, &shared, &room).await {
            let gateway = &*settings.name;
            tracing::error!(%error, gateway, "the messenger has ended, and is started again");
            room.set_health(Some(error.to_string()));
            tokio::select! {
                () = sleep(RESTART_AFTER) => {}
                () = room.closed() => {}
            }
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Uses a gateway until its room is closed or its messenger ends.
async fn serve(settings: &Settings, shared: &Shared, room: &Room) -> Result<(), Error> {
    let store = GatewayStore { storage: Arc::clone(&shared.storage), gateway: settings.id };
    let builder = Messenger::builder(settings.gateway.clone())
        .store(store)
        .timing(settings.timing)
        .exclusive(settings.exclusive);
    let builder = builder.incoming(settings.incoming.is_some());
    let (messenger, handles) = builder.start().await?;
    let mut working = pin!(work(settings, shared, room, &messenger, handles));
    let outcome = tokio::select! {
        outcome = &mut working => outcome,
        () = room.closed() => Ok(()),
    };
    // A messenger that continued would share its records with the next one. The offers that are being bound return to the queue only
    // afterwards, when it is certain which of them are bound.
    let ended = messenger.clone().shutdown().await;
    outcome?;
    Ok(ended?)
}

/// Does everything that a gateway needs. Ends only with an error.
async fn work(
    settings: &Settings,
    shared: &Shared,
    room: &Room,
    messenger: &Messenger,
    handles: Vec<Handle>,
) -> Result<(), Error> {
    let known = follow::Known::new(handles, room, &*shared.storage).await?;
    tokio::select! {
        bound = bind(settings, shared, room, messenger, &known) => bound,
        followed = follow::follow(settings, shared, room, messenger, &known) => followed,
        received = receive(settings, shared, messenger) => received,
        () = health::watch_ports(settings, room) => Ok(()),
        () = health::move_unsent(settings, room, messenger, &known) => Ok(()),
        () = health::note(settings, room, messenger) => Ok(()),
        () = failures::find_ports(settings, room) => Ok(()),
        () = known.stop_cancelled(room) => Ok(()),
    }
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
    let mut trials = Trials::new();
    loop {
        // Before the first request it is not known, but then no port is known to have room either.
        let is_well = health.borrow_and_update().error.is_none();
        if is_well {
            trials = Trials::new();
        }
        // Health or room may change while the queue is empty.
        let offers = tokio::select! {
            biased;
            changed = health.changed() => {
                changed?;
                continue;
            }
            offers = take(settings, shared, room), if is_well => offers?,
            offers = trials.take(&shared.queue, &settings.pools, room), if !is_well => offers?,
        };
        let sent = join_all(offers.into_iter().map(|offer| send(shared, room, messenger, offer))).await;
        known.add(sent.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten(), room);
    }
}

/// Takes messages for which there is room.
async fn take(settings: &Settings, shared: &Shared, room: &Room) -> Result<Vec<Offer>, StorageError> {
    loop {
        let free = room.wait().await;
        tokio::select! {
            biased;
            () = room.full() => {}
            offers = shared.queue.take(&settings.pools, free.min(MAX_BOUND)) => return offers,
        }
    }
}

/// Gives a message to the messenger, which binds it by its first save.
async fn send(
    shared: &Shared,
    room: &Room,
    messenger: &Messenger,
    offer: Offer,
) -> Result<Option<Handle>, Error> {
    // A message whose recipient opts out between this check and the binding is sent, like one that was bound before.
    let (account, to) = (offer.message.account, offer.message.to.clone());
    if shared.storage.opt_out(account, to).await?.is_some() {
        return end(shared, offer, State::Cancelled, "the recipient opted out".into()).await;
    }
    let sms = match sms(&offer, Time::now()) {
        // Without a list, the gateway chooses among its ports.
        Ok(sms) => room.choose().map_or(sms.clone(), |ports| sms.ports(ports)),
        Err(reason) => return end(shared, offer, State::Failed, reason.to_string().into()).await,
    };
    // If it fails, the save may have succeeded all the same: the queue reads the message again.
    let handle = messenger.send(sms).await?;
    offer.bound();
    Ok(Some(handle))
}

/// Ends a message that is not given to the messenger.
async fn end(shared: &Shared, offer: Offer, state: State, detail: Box<str>) -> Result<Option<Handle>, Error> {
    let entry = HistoryEntry { detail: Some(detail), ..HistoryEntry::new(Time::now(), state) };
    shared.storage.end(offer.id, entry).await?;
    metrics::message_ended(state);
    offer.bound();
    Ok(None)
}

fn sms(offer: &Offer, now: Time) -> Result<Sms, sms_gateway::core::Invalid> {
    let message = &offer.message;
    let left = Duration::from_millis(message.expires.0.saturating_sub(now.0));
    let sms = Sms::new(&message.to, &*message.text)?.reference(&offer.id.to_string()).valid_for(left);
    Ok(sms.urgent(message.priority >= Priority::new(URGENT).unwrap_or(Priority::HIGHEST)))
}
