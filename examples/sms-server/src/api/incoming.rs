//! Incoming messages, listed.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::{
    Api,
    auth::Account,
    page::{Listed, Page},
    params::Params,
    problem::Problem,
};
use crate::{
    names::Names,
    storage::{Incoming, IncomingId, Keyword},
};

/// An incoming message as clients see it.
#[derive(Serialize)]
pub(super) struct Shown {
    id: String,
    from: Box<str>,
    text: Box<str>,
    gateway: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u8>,
    /// In milliseconds since 1970.
    received: u64,
    /// The meaning of the text, if it is a keyword.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<Keyword>,
}

impl Shown {
    fn new(id: IncomingId, message: Incoming, names: &Names) -> Self {
        Self {
            id: id.to_string(),
            from: message.from,
            text: message.text,
            gateway: names.of(message.gateway),
            port: message.port,
            received: message.received.0,
            keyword: message.keyword,
        }
    }
}

/// Lists the account's incoming messages, newest first.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Account(account): Account,
    Params(page): Params<Page>,
) -> Result<Json<Listed<Shown>>, Problem> {
    let (limit, before) = page.check(IncomingId::parse)?;
    let found = api.storage.list_incoming(account, before, limit).await?;
    Ok(Json(Listed::new(found, limit, |id, message| Shown::new(id, message, &api.names))))
}
