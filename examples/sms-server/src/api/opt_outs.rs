//! Recipients who opted out of an account's messages: listed, added, removed.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;

use super::{
    Api,
    auth::Account,
    number,
    page::{self, Page},
    params::Params,
    problem::{Kind, Problem},
};
use crate::storage::{Keyword, Time};

/// A recipient who opted out.
#[derive(Serialize)]
struct Shown {
    number: Box<str>,
    /// In milliseconds since 1970.
    since: u64,
}

/// A page of recipients who opted out.
#[derive(Serialize)]
pub(super) struct Listed {
    opt_outs: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the recipients who opted out, in the order of their numbers.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Account(account): Account,
    Params(page): Params<Page>,
) -> Result<Json<Listed>, Problem> {
    // A `+` that a client did not encode arrives as a space.
    let (limit, after) = page.check(|cursor| number(&cursor.replacen(' ', "+", 1)).ok())?;
    let found = api.storage.opt_outs(account, after, limit).await?;
    let next = page::next(&found, limit, |(number, _)| number.to_string());
    let shown = found.into_iter().map(|(number, since)| Shown { number, since: since.0 });
    Ok(Json(Listed { opt_outs: shown.collect(), next }))
}

/// Adds a recipient who opted out in another way than by a message.
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Account(account): Account,
    Path(written): Path<String>,
) -> Result<StatusCode, Problem> {
    api.storage.set_opt_out(account, number(&written)?, Keyword::Stop, Time::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a recipient who wants messages again.
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Account(account): Account,
    Path(written): Path<String>,
) -> Result<StatusCode, Problem> {
    if api.storage.set_opt_out(account, number(&written)?, Keyword::Start, Time::now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(Kind::NotFound, "This number did not opt out of this account's messages."))
}

fn number(written: &str) -> Result<Box<str>, Problem> {
    number::read(written).map_err(|error| Problem::invalid(format!("The number: {error}.")))
}
