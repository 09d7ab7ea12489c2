//! Opens or creates the file. If the creation is interrupted, no incomplete file has the final name.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use ::redb::backends::FileBackend;

use super::{Database, StoreError, fault};

/// Opens a file, or creates it.
pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    let existing = OpenOptions::new().read(true).write(true).open(path);
    match existing {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(path)?;
            database(OpenOptions::new().read(true).write(true).open(path)?)
        }
        existing => database(existing?),
    }
}

fn database(file: File) -> Result<Database, StoreError> {
    Database::new(FileBackend::new(file).map_err(fault)?)
}

/// Creates an empty database under a temporary name first, because redb cannot open a file whose creation was interrupted.
fn create(path: &Path) -> Result<(), StoreError> {
    let unfinished = beside(path);
    let made = (|| {
        database(private().open(&unfinished)?)?;
        publish(&unfinished, path)?;
        Ok(())
    })();
    // If the file was linked, its final name remains.
    let _ = fs::remove_file(&unfinished);
    made
}

/// Returns a temporary name in the same directory that no other file has.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(path);
    name.push(format!(".{}-{count}.new", process::id()));
    name.into()
}

/// Options for a new file that only its owner can read: it holds texts and phone numbers.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Gives a finished file its final name, unless another process was faster.
fn publish(finished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(finished, path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        // Some file systems have no hard links.
        Err(_) => fs::rename(finished, path)?,
    }
    sync_directory(path)
}

/// Makes the name of a file durable, by a sync of its directory.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
