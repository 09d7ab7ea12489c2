//! When to ask, how long to wait, and how much at once.

use core::time::Duration;

use crate::call::SendSms;

/// How many user_ids a question for results names at most.
pub(super) const MAX_IDS: usize = 64;

/// The same in one byte, as [`SendSms::MAX_RECIPIENTS`].
#[allow(clippy::cast_possible_truncation)]
pub(super) const MAX_RECIPIENTS: u8 = SendSms::MAX_RECIPIENTS as u8;

/// How the tracker works for one gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// When to ask and how long to wait.
    pub timing: Timing,
    /// How much at once.
    pub limits: Limits,
    /// Whether the inbox is polled. Not by default.
    pub incoming: bool,
    /// Where user_ids begin when nothing was restored: any number, a random one where other programs, or an earlier life of this
    /// one whose storage is lost, use the same gateway.
    pub first_epoch: u32,
}

/// When to ask and how long to wait. Each is below 100 days and is kept to 10 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From acceptance to the first question for the result: 8 s (document §11). While nothing changes the waits double.
    pub first_result: Duration,
    /// From a message that was sent to the first question for its reports: 4 s. While nothing changes the waits double.
    pub first_report: Duration,
    /// Between two questions for results: at least 6 s.
    pub results_every: Duration,
    /// Between two questions for reports: at least 6 s.
    pub reports_every: Duration,
    /// Where doubling ends: 300 s. For a message that was sent it goes on up to 16 times that, 80 min.
    pub slowest: Duration,
    /// After a request that failed, doubling up to `slowest`: 2 s.
    pub retry: Duration,
    /// Between two looks into the inbox: 10 s.
    pub incoming: Duration,
    /// A message without an outcome so long after it was added ends [`Expired`](super::State::Expired): 72 h.
    pub expire: Duration,
    /// How long after a message's end reports may still come for it: 72 h.
    pub late: Duration,
    /// How long a message is remembered all of whose reports came: 2 h. It is to be longer than steps of the gateway's clock, since
    /// after a step back the gateway shows old reports as if they were new.
    pub reported: Duration,
    /// How long after a segment's last report that may come again: 10 min.
    pub doubled: Duration,
    /// A report that matches no message is handed out after so long, since its message's result may be on the way: 60 s.
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

/// How much is asked at once, and how much the gateway has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between two requests of any kind: at least 20 ms.
    pub request_gap: Duration,
    /// Recipients of one send_sms: 128, which is also the most.
    pub recipients: u8,
    /// Bytes of text in one send_sms, as the messages' [`Draft::text_bytes`](super::Draft::text_bytes) add up: 64 KiB. A
    /// message alone may have more.
    pub request_bytes: u32,
    /// user_ids in one question for results: 64, which is also the most.
    pub ids: u8,
    /// Messages that the gateway has and has not sent yet: 4096.
    pub under_way: u32,
    /// The same for each port, of messages that name one port alone: 1024.
    pub under_way_per_port: u16,
}

impl Limits {
    /// No room at all, until the settings are known.
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
