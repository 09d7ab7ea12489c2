//! The caller's settings: times, limits and the first user_id.

use core::time::Duration;

use crate::call::SendSms;

/// The maximum number of user_ids in a request for results.
pub(super) const MAX_IDS: usize = 64;

/// The maximum number of recipients of one send_sms, as a byte.
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
    /// Whether only this client sends through this gateway to the numbers that it uses; `false` by default. Other senders would be
    /// other programs, people on the gateway's web pages, and an earlier installation whose store was lost less than 3 days ago. With
    /// `exclusive`, a status report with a message's port, number and reference is assigned to the message unless another message of
    /// this client also fits. In simulated worlds with late reports and jumping clocks, the outcome of 87 % of all segments was decided
    /// with `exclusive`, and of 63 % without it.
    pub exclusive: bool,
    /// Whether a status report is only assigned if it cannot belong to another message; `false` by default. Without `strict`, a report
    /// is also assigned if it arrives while no other program can have used the reference again. This does not apply to a number for which
    /// another program's report was seen in the last 6 days. Without `strict`, a report of another program's older message can be taken
    /// for a message's own. In simulations of gateways that hide other programs' messages, 1 of 1.3 million assignments was wrong. With
    /// `strict`, messages without status reports are kept for [`Timing::late`] instead of [`Timing::reported`].
    pub strict: bool,
    /// The first block of user_ids, if none is restored. Any number is valid. Choose a random one if other programs use the same
    /// gateway, or if this program may lose its store. Otherwise, results of other messages with the same user_ids may be taken for
    /// results of this program's messages. If the number is 0, the messenger for embassy draws a random one.
    pub first_block: u32,
}

impl Settings {
    /// Returns settings for links on which bytes cost money: [`Timing::metered`] and [`Limits::metered`].
    ///
    /// The figures come from a simulation with messages of 100 characters. The bytes are those of HTTP in both directions, from a
    /// message's submission to its report; TCP and TLS are not counted. The lag is the time until the delivery is known. A single
    /// message takes one connection, and its bytes include the login.
    ///
    /// | messages | requests for each, default | metered | bytes for each, default | metered | median lag, default | metered |
    /// |---|---|---|---|---|---|---|
    /// | 1 | 4 | 4 | 2,756 | 2,756 | 5 s | 43 s |
    /// | 100, at once | 0.13 | 0.06 | 1,011 | 519 | 4 s | 36 s |
    /// | 1,000, at once | 0.078 | 0.018 | 1,957 | 610 | 4 s | 49 s |
    /// | 100, four a second | 1.15 | 0.22 | 1,358 | 638 | 3 s | 75 s |
    /// | 1,000, four a second | 1.089 | 0.172 | 2,461 | 587 | 3 s | 200 s |
    ///
    /// Polling an inbox in which nothing arrives takes 4.0 MB a day with the default, and 0.13 MB metered. Leave
    /// [`incoming`](Self::incoming) off if nothing is expected. Polls that are more than 40 s apart each open a connection. With HTTPS,
    /// that costs more bytes than the poll itself.
    pub const fn metered() -> Self {
        Self {
            timing: Timing::metered(),
            limits: Limits::metered(),
            incoming: false,
            exclusive: false,
            strict: false,
            first_block: 0,
        }
    }
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
    /// The wait at which doubling ends: 300 s. For a message that was sent, the waits double up to 16 times this value, 80 min.
    pub slowest: Duration,
    /// The wait after a failed request: 2 s. It doubles up to `slowest`.
    pub retry: Duration,
    /// The time between two requests for incoming messages: 10 s.
    pub incoming: Duration,
    /// The age at which a message without an outcome ends as [`Expired`](super::State::Expired): 72 h.
    pub expire: Duration,
    /// The time for which a finished message is kept because reports may still arrive for it: 72 h.
    pub late: Duration,
    /// The time for which a finished message is kept after all its reports arrived: 2 h. It must be longer than any step of the
    /// gateway's clock. After a step back, the gateway returns old reports as if they were new.
    pub reported: Duration,
    /// The time within which a segment's last report may be repeated: 1 h.
    pub doubled: Duration,
    /// The time for which an unmatched report is held before it is returned, because its message's result may be late: 60 s.
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
            doubled: seconds(3600),
            unmatched: seconds(60),
        }
    }
}

impl Timing {
    /// Returns timing for links on which bytes cost money, such as mobile ones, with fewer queries and later updates.
    ///
    /// | | default | metered |
    /// |---|---|---|
    /// | first results, first reports | 8 s, 4 s | 20 s, 30 s |
    /// | results, reports | every 6 s | every 60 s |
    /// | slowest | 300 s | 1,800 s |
    /// | after a failed request | 2 s | 15 s |
    /// | incoming messages | every 10 s | every 300 s |
    /// | unmatched reports | 60 s | 300 s |
    ///
    /// Results and reports are queried together, on one connection. See [`Settings::metered`] for the bytes.
    pub const fn metered() -> Self {
        let seconds = Duration::from_secs;
        Self {
            first_result: seconds(20),
            first_report: seconds(30),
            results_every: seconds(60),
            reports_every: seconds(60),
            slowest: seconds(1800),
            retry: seconds(15),
            incoming: seconds(300),
            expire: seconds(72 * 3600),
            late: seconds(72 * 3600),
            reported: seconds(2 * 3600),
            doubled: seconds(3600),
            unmatched: seconds(300),
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
    /// message may exceed it.
    pub request_bytes: u32,
    /// The maximum number of user_ids in a request for results: 64, and never more.
    pub ids: u8,
    /// The maximum number of messages that the gateway has accepted, or may have accepted, but has not sent yet: 4096.
    pub under_way: u32,
    /// The same maximum for each port: 1024. Only messages that may be sent through that port alone count.
    pub under_way_per_port: u16,
}

impl Limits {
    /// Limits that allow no requests, until the settings are known.
    pub(super) const NONE: Self = Self {
        request_gap: Duration::ZERO,
        recipients: 0,
        request_bytes: 0,
        ids: 0,
        under_way: 0,
        under_way_per_port: 0,
    };

    /// Returns the default limits, but with 1.5 s between two requests. Messages that are added during this gap share a request. The
    /// connection still counts as open after the gap, so a submission does not open another one.
    pub const fn metered() -> Self {
        Self { request_gap: Duration::from_millis(1500), ..Self::usual() }
    }

    const fn usual() -> Self {
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

impl Default for Limits {
    fn default() -> Self {
        Self::usual()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metered_settings_ask_less_often_and_keep_messages_as_long() {
        let (usual, metered) = (Timing::default(), Timing::metered());
        for (usual, metered) in [
            (usual.first_result, metered.first_result),
            (usual.first_report, metered.first_report),
            (usual.results_every, metered.results_every),
            (usual.reports_every, metered.reports_every),
            (usual.slowest, metered.slowest),
            (usual.retry, metered.retry),
            (usual.incoming, metered.incoming),
            (usual.unmatched, metered.unmatched),
            (Limits::default().request_gap, Limits::metered().request_gap),
        ] {
            assert!(usual < metered, "{usual:?}, {metered:?}");
        }
        let kept = |timing: Timing| (timing.expire, timing.late, timing.reported, timing.doubled);
        assert_eq!(kept(usual), kept(metered));
        // A report waits for a result that the next two queries may return.
        assert!(metered.unmatched >= 2 * metered.results_every + metered.first_result);
        assert_eq!(
            Limits { request_gap: Limits::default().request_gap, ..Limits::metered() },
            Limits::default()
        );
    }
}
