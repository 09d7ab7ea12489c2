//! Opens or creates the file. If the creation is interrupted, no incomplete file has the final name.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::Path,
    process,
};

use ::redb::{Builder, backends::FileBackend};

use super::{
    super::StorageError,
    backup::{beside, sync_folder},
    tables::Fault,
};

/// Opens a file that exists.
pub(super) fn open(path: &Path) -> Result<FileBackend, StorageError> {
    backend(OpenOptions::new().read(true).write(true).open(path)?)
}

fn backend(file: File) -> Result<FileBackend, StorageError> {
    Ok(FileBackend::new(file).map_err(Fault::from)?)
}

/// Creates an empty database, unless the file exists. It has a temporary name first, because redb cannot open a file whose creation was
/// interrupted, for example by a full disk.
pub(super) fn create(path: &Path) -> Result<(), StorageError> {
    if path.try_exists()? {
        return Ok(());
    }
    let unfinished = beside(path, &format!("{}.new", process::id()));
    let made = finish(&unfinished).and_then(|()| Ok(publish(&unfinished, path)?));
    // If the file was linked, its final name remains.
    let _ = fs::remove_file(&unfinished);
    made
}

fn finish(path: &Path) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    // Only its owner can read it: it holds texts and phone numbers.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Builder::new().create_with_backend(backend(options.open(path)?)?).map_err(Fault::from)?;
    Ok(())
}

/// Gives a finished file its final name, unless another process was faster.
fn publish(finished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(finished, path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        // Some file systems have no hard links.
        Err(_) => fs::rename(finished, path)?,
    }
    sync_folder(path)
}
