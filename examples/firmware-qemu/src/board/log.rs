//! The log: lines on the host's standard output.

use cortex_m_semihosting::hprintln;
use embassy_time::Instant;
use log::{LevelFilter, Log, Metadata, Record};

struct HostLog;

impl Log for HostLog {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let now = Instant::now().as_millis();
        hprintln!("{:>4}.{:03} {:<5} {}", now / 1_000, now % 1_000, record.level(), record.args());
    }

    fn flush(&self) {}
}

/// Sets the logger of the crate `log`.
pub(super) fn start() {
    // If this fails, another logger is already set, which serves as well.
    _ = log::set_logger(&HostLog);
    log::set_max_level(LevelFilter::Info);
}
