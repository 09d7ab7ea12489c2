//! The disk under the server's files.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use server_trial::Failure;

/// File systems that lose everything with the machine's power.
const IN_MEMORY: [&str; 3] = ["tmpfs", "ramfs", "devtmpfs"];

/// The number of writes that are timed.
const WRITES: u32 = 200;

/// Returns the type of the file system that holds a folder.
///
/// # Errors
/// It is in memory, so that nothing written to it is durable.
pub fn file_system(folder: &Path) -> Result<String, Failure> {
    let folder = folder.canonicalize()?;
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mut found = (0, "");
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        if let (Some(place), Some(kind)) = (fields.nth(1), fields.next())
            && folder.starts_with(place)
            && place.len() >= found.0
        {
            found = (place.len(), kind);
        }
    }
    if found.1.is_empty() || IN_MEMORY.contains(&found.1) {
        return Err(format!("{} is in memory ({}), not on a disk", folder.display(), found.1).into());
    }
    Ok(found.1.to_owned())
}

/// Returns the time that the disk takes to write a page durably, on average.
///
/// # Errors
/// The system's.
pub fn durable_write(folder: &Path) -> Result<Duration, Failure> {
    let mut file = File::create(folder.join("page"))?;
    let began = Instant::now();
    for _ in 0..WRITES {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
    }
    Ok(began.elapsed() / WRITES)
}
