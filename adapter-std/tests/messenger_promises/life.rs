//! One life of a messenger: it sends, follows and receives until its work is done or it is interrupted.

use std::{
    collections::{BTreeSet, VecDeque},
    future::pending,
    sync::{Arc, Mutex},
};

use sms_gateway::{
    Gateway, Handle, Messenger,
    core::call::SendSms,
    messenger::{Event, Events, Inbox},
};
use tokio::task::JoinSet;

use super::{common::recipient, outgoing, setup::Interruption, world::World};

/// The number of queries after which an open message stays undecided.
const LOOKS: u64 = 3;

/// Continues the world's work. Tasks that still run when this returns end with the runtime.
pub async fn live(world: &Arc<World>, interruption: Option<&Interruption>) {
    let (messenger, handles) = world.builder(interruption).start().await.unwrap();
    let receiver = tokio::spawn(receive(Arc::clone(world), messenger.incoming().unwrap()));
    tokio::spawn(watch(Arc::clone(world), messenger.events().unwrap()));
    let queue = Arc::new(Mutex::new(claim(world, &messenger, handles).await));
    let mut senders = JoinSet::new();
    for _ in 0..world.setup.senders {
        senders.spawn(send_all(Arc::clone(world), messenger.clone(), Arc::clone(&queue)));
    }
    if world.setup.has_strangers {
        tokio::spawn(send_as_strangers(Arc::clone(world)));
    }
    if let Some(interruption) = interruption {
        let enough = world.emulator.counts().requests + interruption.after;
        world.emulator.counts_when(|counts| counts.requests >= enough).await;
        if !interruption.is_orderly {
            // Nothing is dropped or shut down before the runtime ends.
            tokio::spawn(async move {
                let _keep = (messenger, senders);
                pending::<()>().await;
            });
            return;
        }
    } else {
        finish(world).await;
    }
    receiver.abort();
    let _ = receiver.await;
    messenger.shutdown().await.unwrap();
}

/// Starts once more after the world's work is done. Messages acknowledged before an orderly end must not be handed out again.
pub async fn after(world: &Arc<World>) {
    let (messenger, handles) = world.builder(None).start().await.unwrap();
    let receiver = tokio::spawn(receive(Arc::clone(world), messenger.incoming().unwrap()));
    for handle in handles {
        let index = outgoing::index(handle.reference().unwrap());
        if world.record.look().outgoing[index].is_final() {
            world.record.flaw(format!("m{index} is returned although its end was acknowledged"));
        }
    }
    look(world, "query_incoming_sms", 2).await;
    messenger.shutdown().await.unwrap();
    receiver.await.unwrap();
}

/// Waits until the gateway has carried out this number of further requests of a call.
async fn look(world: &World, call: &str, times: u64) {
    let looks = |counts: &gateway_emulator::Counts| counts.calls.get(call).copied().unwrap_or(0);
    let enough = looks(&world.emulator.counts()) + times;
    world.emulator.counts_when(|counts| looks(counts) >= enough).await;
}

/// Waits until all messages have their outcome. Messages that stay undecided get a few further queries first.
async fn finish(world: &World) {
    let mut serial = 0;
    while !world.is_settled() {
        serial = world.emulator.requests_after(serial).await.last().map_or(serial, |seen| seen.serial);
    }
    world.calm();
    world.emulator.idle().await;
    world.record.when(|reported| world.is_all_received(reported)).await;
    while is_behind(world) {
        serial = world.emulator.requests_after(serial).await.last().map_or(serial, |seen| seen.serial);
    }
    if !world.record.look().outgoing.iter().all(super::record::Known::is_final) {
        look(world, "query_sms_deliver_status", LOOKS).await;
        look(world, "query_sms_result", LOOKS).await;
    }
}

/// Whether there is a message that the gateway shows as delivered and the messenger does not know to be finished.
fn is_behind(world: &World) -> bool {
    let ledger = world.ledger();
    let reported = world.record.look();
    let mut open = reported.outgoing.iter().zip(ledger).filter(|(known, _)| !known.is_final());
    open.any(|(_, records)| records.iter().any(|seen| world.shows_delivered(seen)))
}

/// Follows the messages of former lives. Returns the messages to be sent.
async fn claim(world: &Arc<World>, messenger: &Messenger, handles: Vec<Handle>) -> VecDeque<usize> {
    let mut claimed = BTreeSet::new();
    for handle in handles {
        let index = outgoing::index(handle.reference().unwrap());
        if !claimed.insert(index) {
            world.record.flaw(format!("m{index} is returned twice by a start"));
        }
        let outgoing = &world.setup.outgoing[index];
        world.record.accepted(index, handle.id());
        if outgoing.has_key {
            let again = messenger.send(outgoing.sms(index)).await.unwrap();
            world.record.accepted(index, again.id());
        }
        tokio::spawn(follow(Arc::clone(world), index, handle));
    }
    let mut reported = world.record.look();
    let known = std::mem::take(&mut reported.outgoing);
    let lost = |index: &usize| {
        let known = &known[*index];
        known.id.is_some() && !known.is_final() && !claimed.contains(index)
    };
    reported
        .flaws
        .extend((0..known.len()).filter(lost).map(|index| format!("m{index} is lost by a restart")));
    let left = (0..known.len()).filter(|index| known[*index].id.is_none() && !claimed.contains(index));
    let left = left.collect();
    reported.outgoing = known;
    left
}

async fn send_all(world: Arc<World>, messenger: Messenger, queue: Arc<Mutex<VecDeque<usize>>>) {
    loop {
        let Some(index) = queue.lock().unwrap().pop_front() else { return };
        let Some(handle) = send(&world, &messenger, index).await else { return };
        tokio::spawn(follow(Arc::clone(&world), index, handle));
        let patience = world.setup.patience;
        world.record.when(|reported| patience.is_over(&reported.outgoing[index])).await;
    }
}

/// Sends a message; a message with a key is sent by two calls at once. Returns `None` if the messenger has ended.
async fn send(world: &World, messenger: &Messenger, index: usize) -> Option<Handle> {
    let outgoing = &world.setup.outgoing[index];
    let handle = if outgoing.has_key {
        let sms = outgoing.sms(index);
        let (handle, again) = tokio::join!(messenger.send(sms.clone()), messenger.send(sms));
        world.record.accepted(index, again.ok()?.id());
        handle.ok()?
    } else {
        messenger.send(outgoing.sms(index)).await.ok()?
    };
    world.record.accepted(index, handle.id());
    if outgoing.is_stopped {
        handle.stop().await.ok()?;
    }
    Some(handle)
}

async fn follow(world: Arc<World>, index: usize, mut handle: Handle) {
    while let Ok(Some(message)) = handle.next_update().await {
        world.record.updated(index, message);
        if message.is_final {
            handle.acknowledge();
            return;
        }
    }
}

async fn receive(world: Arc<World>, mut inbox: Inbox) {
    while let Some(message) = inbox.next().await {
        world.record.received(&message.text);
        message.acknowledge();
    }
}

async fn watch(world: Arc<World>, mut events: Events) {
    while let Some(event) = events.next().await {
        if let Event::UnreadableMessage { incoming_sms_id } = event {
            world.record.unreadable(incoming_sms_id);
        }
    }
}

/// Sends other messages to the same numbers, as another program would, without the proxy.
async fn send_as_strangers(world: Arc<World>) {
    let gateway = Gateway::builder(&world.emulator.url()).credentials("admin", "admin").allow_basic(true);
    let gateway = gateway.build().unwrap();
    let mut serial = 0;
    for (outgoing, id) in world.setup.outgoing.iter().step_by(5).zip(1_900_000_000..) {
        let recipients = [recipient(&outgoing.number, id)];
        // The message may be refused, or the response lost.
        let _ = gateway.send_sms(&SendSms::new("stranger", &recipients).unwrap()).await;
        serial = world.emulator.requests_after(serial).await.last().map_or(serial, |seen| seen.serial);
    }
}
