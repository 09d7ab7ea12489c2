//! Logs, to standard error.

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The logs of the server
#[derive(Args)]
pub(crate) struct Log {
    /// The format of the logs, which are written to standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Human)]
    log: Format,
    /// The least severe level that is logged: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "SMS_SERVER_LOG_LEVEL", default_value = "info")]
    log_level: LevelFilter,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line of words for each event
    Human,
    /// A line with a JSON object for each event
    Json,
}

impl Log {
    /// Begins to write logs.
    pub(crate) fn start(&self) {
        // The library warns of each request that fails. The server tells when that begins and when it ends, by the gateway's name.
        let library = if self.log_level <= LevelFilter::INFO { LevelFilter::ERROR } else { self.log_level };
        // Other libraries do not mask numbers and keys, so of them only warnings and errors are logged.
        let filter = Targets::new()
            .with_default(self.log_level.min(LevelFilter::WARN))
            .with_targets([("sms_server", self.log_level), ("sms_gateway", library.min(self.log_level))]);
        let layer = fmt::layer().with_writer(std::io::stderr);
        let layer = match self.log {
            Format::Human => layer.with_ansi(false).boxed(),
            Format::Json => layer.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    }
}
