//! Backups, for operators.

use std::{io, path::PathBuf, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;

use super::{Api, problem::Problem};
use crate::storage::{StorageError, Time, back_up};

/// A backup.
#[derive(Serialize)]
pub(super) struct Made {
    file: PathBuf,
    /// In milliseconds since 1970.
    made: u64,
}

/// Makes a backup while the server runs.
pub(super) async fn create(State(api): State<Arc<Api>>) -> Result<Json<Made>, Problem> {
    let now = Time::now();
    // A client that does not wait for the end does not end it.
    let made = tokio::spawn(async move { back_up(&*api.storage, &api.backups, now).await });
    let file = made.await.map_err(|error| StorageError::from(io::Error::other(error)))??;
    Ok(Json(Made { file, made: now.0 }))
}
