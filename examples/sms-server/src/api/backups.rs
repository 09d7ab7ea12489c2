//! Backups, for operators.

use std::{io, path::PathBuf, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;

use super::{Api, problem::Problem};
use crate::{
    server::create_folder,
    storage::{StorageError, Time},
};

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
    let file = api.backups.join(format!("{}.backup", now.0));
    let (folder, storage) = (api.backups.clone(), Arc::clone(&api.storage));
    let path = file.clone();
    // A client that does not wait for the end does not end it.
    let written = tokio::spawn(async move {
        create_folder(&folder)?;
        storage.backup(path, now).await
    });
    written.await.map_err(|error| StorageError::from(io::Error::other(error)))??;
    Ok(Json(Made { file, made: now.0 }))
}
