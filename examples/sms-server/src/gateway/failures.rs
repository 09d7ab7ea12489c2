//! The ports whose SIM cards could not send messages.
//!
//! The messenger does not name the port of a message of which no segment was sent, so the gateway is queried for it, once.

use sms_gateway::{
    Error, Gateway,
    core::{UserId, call::QuerySmsResult},
};

use super::{Settings, room::Room};

/// Finds the ports of failed messages, as long as it is polled.
pub(super) async fn find_ports(settings: &Settings, room: &Room) {
    loop {
        let id = room.failed().await;
        match port(&settings.gateway, id).await {
            Ok(Some(port)) => room.outcome(port, false),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, gateway = &*settings.name, "the port of a failed message is not known");
            }
        }
    }
}

async fn port(gateway: &Gateway, id: UserId) -> Result<Option<u8>, Error> {
    let ids = [id];
    let mut response = gateway.query_sms_result(&QuerySmsResult::new().user_ids(&ids)).await?;
    let mut port = None;
    while let Some(result) = response.next().await? {
        if result.user_id.get() == Some(id.get().into()) {
            port = result.port.get().and_then(|port| u8::try_from(port).ok()).or(port);
        }
    }
    Ok(port)
}
