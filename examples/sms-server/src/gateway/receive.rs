//! The incoming messages of a gateway.

use sms_gateway::{
    core::Number,
    messenger::{Inbox, Incoming as Sms},
};

use super::{Settings, Shared};
use crate::{
    hash::short,
    metrics,
    storage::{AccountId, Incoming, IncomingMark, StorageError, Time},
};

/// Stores incoming messages, and acknowledges each once it is stored.
pub(super) async fn receive(
    settings: &Settings,
    shared: &Shared,
    account: AccountId,
    mut inbox: Inbox,
) -> Result<(), StorageError> {
    while let Some(sms) = inbox.next().await {
        let mut buffer = [0; Number::MAX_BYTES];
        // It is stored in the form that messages have, so that an opt-out applies to them. A sender with letters cannot be a recipient.
        let number = Number::from_written(&sms.number, &mut buffer).ok();
        let message = Incoming {
            account,
            gateway: settings.id,
            port: sms.port.and_then(|port| u8::try_from(port).ok()),
            from: number.map_or(&*sms.number, Number::as_str).into(),
            text: sms.text.as_str().into(),
            received: Time::now(),
            keyword: number.and_then(|_| settings.keywords.find(&sms.text)),
        };
        if shared.storage.receive(mark(&sms), message).await?.is_some() {
            metrics::counter!(metrics::INCOMING, "gateway" => settings.name.to_string()).increment(1);
        }
        sms.acknowledge();
    }
    Ok(())
}

/// A message that is handed out again after a restart has the same mark.
fn mark(sms: &Sms) -> IncomingMark {
    let contents = format!("{:?}\n{:?}\n{}\n{}", sms.port, sms.time, sms.number, sms.text);
    IncomingMark { id: sms.mark.id, hash: short(contents) }
}
