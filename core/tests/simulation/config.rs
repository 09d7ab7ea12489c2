//! The world of a seed: the gateway's habits, the quality of the link, the caller's actions.

use std::time::Duration;

use sms_gateway_core::track::{Limits, Settings, Timing};

use crate::{mixes::Mix, numbers::Habit, rng::Rng};

/// A capacity for pending reports at which none is evicted.
pub(crate) const ENOUGH_PENDING: usize = 32_768;

pub(crate) const SECOND: u64 = 1000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// The time that the gateway writes into its status reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportTime {
    /// The send time of the message, as in its result.
    Sending,
    /// The send time of the segment.
    Segment,
    /// The time of arrival.
    Arrival,
    /// The time at which the SMS centre accepted the segment, by its own clock.
    Submission,
    /// The time at which the phone received the segment, by the centre's clock.
    Discharge,
}

/// The gateway and the network behind it. Shares are in a million.
#[derive(Clone, Debug)]
pub(crate) struct DeviceConfig {
    pub(crate) ports: u8,
    pub(crate) report_time: ReportTime,
    /// Whether the gateway omits reports that were not requested, as later versions do.
    pub(crate) heeds_request: bool,
    /// Whether results can be DELIVERED.
    pub(crate) says_delivered: bool,
    /// Whether `time_after` excludes the second that it names.
    pub(crate) strict_times: bool,
    /// Whether responses begin with the newest record.
    pub(crate) newest_first: bool,
    pub(crate) result_spelling: Habit,
    pub(crate) report_spelling: Habit,
    /// Share of messages that fail before their last segment is sent.
    pub(crate) not_sent: u32,
    /// Share of segments whose final report is a failure, or unconfirmed.
    pub(crate) failing: u32,
    pub(crate) unconfirmed: u32,
    /// Shares of final reports that are lost, duplicated, or preceded by temporary ones.
    pub(crate) lost: u32,
    pub(crate) doubled: u32,
    pub(crate) temporary: u32,
    /// Shares of reports that arrive only after minutes, and after hours.
    pub(crate) slow: u32,
    pub(crate) very_slow: u32,
    pub(crate) starts_in_1970: bool,
    /// Average time between clock jumps of an hour, and between restarts; 0 for never.
    pub(crate) clock_steps: u64,
    pub(crate) restarts: u64,
    /// Whether a restart resets task ids and message references.
    pub(crate) restarts_ids: bool,
    /// Whether results and reports survive a restart.
    pub(crate) keeps_records: bool,
    /// Average time between messages of other clients, 0 for never, and whether they may be sent to own numbers.
    pub(crate) foreign: u64,
    pub(crate) foreign_to_ours: bool,
    /// Average time between incoming messages; 0 for never.
    pub(crate) incoming: u64,
    /// Maximum number of results, and of reports, that are kept.
    pub(crate) remembered: usize,
    /// The clocks, phones and other programs of a mix.
    pub(crate) mix: Option<Mix>,
}

/// The number of exchanges with each fate, in a million.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkConfig {
    pub(crate) not_sent: u32,
    pub(crate) request_lost: u32,
    pub(crate) response_lost: u32,
    pub(crate) cut: u32,
    pub(crate) refused: u32,
}

/// The actions of the caller, and the resets of the client. Shares are in a million.
#[derive(Clone, Debug)]
pub(crate) struct CallerConfig {
    pub(crate) messages: u32,
    pub(crate) numbers: u32,
    pub(crate) twins: bool,
    /// Average time between messages, and the size of a burst.
    pub(crate) every: u64,
    pub(crate) burst: u32,
    pub(crate) long: u32,
    pub(crate) one_port: u32,
    pub(crate) stopped: u32,
    pub(crate) resend: u32,
    pub(crate) unreported: u32,
    /// Maximum time until an update is acknowledged.
    pub(crate) acknowledges_within: u64,
    /// Average time between the client's resets; 0 for never.
    pub(crate) resets: u64,
    /// Whether a reset resets the client's clock, as on a board without a real-time clock.
    pub(crate) boot_time: bool,
    pub(crate) slots: usize,
    pub(crate) pending_reports: usize,
}

/// A whole world.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) scenario: &'static str,
    pub(crate) seed: u64,
    pub(crate) device: DeviceConfig,
    pub(crate) link: LinkConfig,
    pub(crate) caller: CallerConfig,
    pub(crate) settings: Settings,
}

impl Config {
    /// Draws a world without faults of the client, with 32 ports and 10,000 numbers, and all kinds of reports.
    pub(crate) fn plain(seed: u64, messages: u32) -> Self {
        let mut rng = Rng::new(seed ^ 0x70);
        let mut device = DeviceConfig::draw(&mut rng, 32);
        device.restarts = 0;
        device.clock_steps = 0;
        device.lost = 10_000;
        let caller = CallerConfig {
            messages,
            numbers: 10_000,
            twins: false,
            every: 450,
            burst: 2000,
            long: 200_000,
            one_port: 50_000,
            stopped: 2000,
            resend: 0,
            unreported: 10_000,
            acknowledges_within: 5 * SECOND,
            resets: 0,
            boot_time: false,
            slots: 32_768,
            pending_reports: ENOUGH_PENDING,
        };
        let settings = settings(&mut rng, 24, &device);
        Self { scenario: "plain", seed, device, link: LinkConfig::default(), caller, settings }
    }

    /// Draws a world with few numbers and a mix of all faults.
    pub(crate) fn harsh(seed: u64, messages: u32) -> Self {
        let mut rng = Rng::new(seed ^ 0x4A);
        let ports = rng.pick(&[1, 2, 4, 8, 16, 32]);
        let device = DeviceConfig::draw(&mut rng, ports);
        let link = LinkConfig::draw(&mut rng);
        let caller = CallerConfig::draw(&mut rng, messages, ports);
        let hours = rng.pick(&[12, 24, 48]);
        let settings = settings(&mut rng, hours, &device);
        Self { scenario: "harsh", seed, device, link, caller, settings }
    }
}

impl DeviceConfig {
    pub(crate) fn draw(rng: &mut Rng, ports: u8) -> Self {
        let report_time = rng.pick(&[ReportTime::Sending, ReportTime::Segment, ReportTime::Arrival]);
        Self {
            ports,
            report_time,
            heeds_request: rng.below(3) > 0,
            says_delivered: rng.below(2) == 0,
            strict_times: rng.below(2) == 0,
            newest_first: rng.below(3) == 0,
            result_spelling: Habit::draw(rng),
            report_spelling: Habit::draw(rng),
            not_sent: 10_000,
            failing: 20_000,
            unconfirmed: 3000,
            lost: rng.pick(&[2000, 20_000, 100_000]),
            doubled: 30_000,
            temporary: 60_000,
            slow: 60_000,
            very_slow: 5000,
            starts_in_1970: rng.below(2) == 0,
            clock_steps: rng.pick(&[0, 3 * HOUR, 12 * HOUR]),
            restarts: rng.pick(&[0, 2 * HOUR, 10 * HOUR]),
            restarts_ids: rng.below(2) == 0,
            keeps_records: rng.below(3) == 0,
            foreign: rng.pick(&[0, 30, 100]) * SECOND / u64::from(ports),
            // Reports of such messages differ from own ones only by the send time.
            foreign_to_ours: report_time == ReportTime::Sending,
            incoming: rng.pick(&[0, 5 * MINUTE]),
            remembered: 65_536,
            mix: None,
        }
    }
}

impl LinkConfig {
    fn draw(rng: &mut Rng) -> Self {
        let level = rng.pick(&[1, 10, 60]);
        let mut share = || level * rng.below(1000) as u32;
        Self {
            not_sent: share(),
            request_lost: share(),
            response_lost: share(),
            cut: share(),
            refused: share(),
        }
    }
}

impl CallerConfig {
    fn draw(rng: &mut Rng, messages: u32, ports: u8) -> Self {
        Self {
            messages,
            numbers: rng.pick(&[3, 10, 50, 500]),
            twins: rng.below(4) == 0,
            // A port needs at least 6.5 s for a message.
            every: rng.between(9000, 20_000) / u64::from(ports),
            burst: rng.pick(&[1, 100, 2000]),
            long: rng.pick(&[0, 200_000, 600_000]),
            one_port: rng.pick(&[0, 50_000, 300_000]),
            stopped: rng.pick(&[0, 20_000, 100_000]),
            resend: rng.pick(&[0, 100_000, 500_000]),
            unreported: rng.pick(&[0, 10_000, 200_000]),
            acknowledges_within: rng.pick(&[SECOND, 5 * MINUTE]),
            resets: rng.pick(&[0, 10 * MINUTE, 2 * HOUR]),
            boot_time: rng.below(2) == 0,
            slots: rng.pick(&[4096, 16_384]),
            pending_reports: rng.pick(&[512, ENOUGH_PENDING]),
        }
    }
}

pub(crate) fn settings(rng: &mut Rng, hours: u64, device: &DeviceConfig) -> Settings {
    let expire = Duration::from_secs(hours * 3600);
    let timing = Timing { expire, late: expire, ..Timing::default() };
    let limits = Limits { recipients: rng.pick(&[1, 16, 128]), ..Limits::default() };
    let exclusive = device.foreign == 0 || !device.foreign_to_ours;
    Settings {
        timing,
        limits,
        incoming: true,
        exclusive,
        first_block: rng.next() as u32,
        ..Settings::default()
    }
}
