//! The caller's settings: times, limits and the first user_id.

use core::time::Duration;

use crate::call::SendSms;

/// The maximum number of user_ids in a request for results.
pub(super) const MAX_IDS: usize = 64;

/// The maximum number of recipients of one send_sms, in one byte.
#[allow(clippy::cast_possible_truncation)]
pub(super) const MAX_RECIPIENTS: u8 = SendSms::MAX_RECIPIENTS as u8;

/// The settings for one gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Times and waits.
    pub timing: Timing,
    /// Limits of requests and of messages under way.
    pub limits: Limits,
    /// Whether the inbox is polled; `false` by default.
    pub incoming: bool,
    /// The first block of user_ids, if none is restored. Any number is valid. Choose a random one if other programs use the same
    /// gateway, or if this program may lose its store: otherwise the gateway's results for other messages with the same user_ids may be
    /// taken for its own. The messenger for embassy draws one instead of 0.
    pub first_block: u32,
}

/// Times and waits, each below 100 days, with a resolution of 10 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The wait from acceptance to the first request for the result: 8 s (document §11). It doubles while nothing changes.
    pub first_result: Duration,
    /// The wait from sending to the first request for reports: 4 s. It doubles while nothing changes.
    pub first_report: Duration,
    /// The minimum time between two requests for results: 6 s.
    pub results_every: Duration,
    /// The minimum time between two requests for reports: 6 s.
    pub reports_every: Duration,
    /// The wait at which doubling ends: 300 s. The waits of a message that was sent double up to 16 times this value, 80 min.
    pub slowest: Duration,
    /// The wait after a failed request: 2 s. It doubles up to `slowest`.
    pub retry: Duration,
    /// The time between two requests for incoming messages: 10 s.
    pub incoming: Duration,
    /// The age at which a message without an outcome ends as [`Expired`](super::State::Expired): 72 h.
    pub expire: Duration,
    /// The time for which a finished message is kept, since reports may still arrive for it: 72 h.
    pub late: Duration,
    /// The time for which a finished message is kept after all its reports arrived: 2 h. It must be longer than steps of the
    /// gateway's clock: after a step back, the gateway returns old reports as if they were new.
    pub reported: Duration,
    /// The time after a segment's last report in which it may be repeated: 10 min.
    pub doubled: Duration,
    /// The time after which an unmatched report is returned, since its message's result may be late: 60 s.
    pub unmatched: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            first_result: seconds(8),
            first_report: seconds(4),
            results_every: seconds(6),
            reports_every: seconds(6),
            slowest: seconds(300),
            retry: seconds(2),
            incoming: seconds(10),
            expire: seconds(72 * 3600),
            late: seconds(72 * 3600),
            reported: seconds(2 * 3600),
            doubled: seconds(600),
            unmatched: seconds(60),
        }
    }
}

/// Limits of requests and of messages under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The minimum time between two requests of any kind: 20 ms.
    pub request_gap: Duration,
    /// The maximum number of recipients of one send_sms: 128, and never more.
    pub recipients: u8,
    /// The maximum sum of the messages' [`Draft::text_bytes`](super::Draft::text_bytes) in one send_sms, in bytes: 64 KiB. A single
    /// message may have more.
    pub request_bytes: u32,
    /// The maximum number of user_ids in a request for results: 64, and never more.
    pub ids: u8,
    /// The maximum number of messages that the gateway has and has not sent: 4096.
    pub under_way: u32,
    /// The same for each port, for messages that name a single port: 1024.
    pub under_way_per_port: u16,
}

impl Limits {
    /// Limits without room, until the settings are known.
    pub(super) const NONE: Self = Self {
        request_gap: Duration::ZERO,
        recipients: 0,
        request_bytes: 0,
        ids: 0,
        under_way: 0,
        under_way_per_port: 0,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_gap: Duration::from_millis(20),
            recipients: MAX_RECIPIENTS,
            request_bytes: 64 * 1024,
            ids: 64,
            under_way: 4096,
            under_way_per_port: 1024,
        }
    }
}
