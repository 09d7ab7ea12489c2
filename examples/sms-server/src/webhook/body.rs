//! The contents of events.

use serde_json::{Value, json};

use crate::names::Names;
use crate::storage::{HistoryEntry, Message, MessageId, State, Storage, StorageError, Subject};

/// Returns the body of an event; `None` if what it is about does not exist any more. It is the same each time.
pub(super) async fn of(
    storage: &dyn Storage,
    subject: Subject,
    names: &Names,
) -> Result<Option<Vec<u8>>, StorageError> {
    let body = match subject {
        Subject::Message { id, entry } => {
            let entry = storage.history_entry(id, entry).await?;
            let message = storage.message(id).await?;
            message.zip(entry).map(|(message, entry)| of_message(id, &message, &entry, names))
        }
        Subject::Incoming(id) => storage.incoming(id).await?.map(|message| {
            json!({
                "type": "message.received",
                "timestamp": message.received.0,
                "data": {
                    "id": id.to_string(),
                    "from": message.from,
                    "text": message.text,
                    "gateway": names.of(message.gateway),
                    "port": message.port,
                    "keyword": message.keyword,
                },
            })
        }),
    };
    Ok(body.map(|body| body.to_string().into_bytes()))
}

fn of_message(id: MessageId, message: &Message, entry: &HistoryEntry, names: &Names) -> Value {
    json!({
        "type": format!("message.{}", name(entry.state)),
        "timestamp": entry.at.0,
        "data": {
            "id": id.to_string(),
            "to": message.to,
            "reference": message.reference,
            "state": entry.state,
            "detail": entry.detail,
            "gateway": entry.gateway.map(|gateway| names.of(gateway)),
            "port": entry.port,
        },
    })
}

fn name(state: State) -> String {
    match serde_json::to_value(state) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}
