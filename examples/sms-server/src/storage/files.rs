//! The folders of the storage, and the files of backups in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Storage, StorageError, Time};

/// Creates a folder that only its owner can read, since numbers and texts are stored in it. One that exists already is left as it is.
///
/// # Errors
/// The system's.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Makes a [backup](Storage::backup) in a folder, which is created if it is missing. Returns the file, which is named after the time.
///
/// # Errors
/// [`StorageError`]: there is no backup.
pub async fn back_up(storage: &dyn Storage, folder: &Path, now: Time) -> Result<PathBuf, StorageError> {
    create_folder(folder)?;
    let file = folder.join(format!("{}.backup", now.0));
    storage.backup(file.clone(), now).await?;
    Ok(file)
}
