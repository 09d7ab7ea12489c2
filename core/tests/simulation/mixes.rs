//! Worlds with two clocks, late reports and other programs, in which the simulation counts wrong assignments.
//!
//! A world of [`Config::mix`] draws one of each: the time in reports, the clocks of the gateway and of each SIM's SMS centre,
//! the phones' absence, the traffic and its numbers, and the other programs. `SIM_MIX=text` runs only worlds whose description
//! contains the text, and `SIM_SEEDS=n` sets the number of worlds. The long run is
//! `cargo test --release -p sms-gateway-core --test simulation mixes -- --ignored --nocapture`

use std::{collections::BTreeMap, time::Instant};

use sms_gateway_core::track::Settings;

use crate::{
    civil::TRUE_START,
    config::{
        CallerConfig, Config, DeviceConfig, ENOUGH_PENDING, HOUR, LinkConfig, MINUTE, ReportTime, SECOND,
        settings,
    },
    figures::Figures,
    number,
    numbers::Habit,
    rng::Rng,
    simulate,
};

/// Maximum number of wrongly decided segments per million in long runs. None may be wrong if the caller wants certainty, or rightly
/// declares that it is alone.
const MAX_WRONG_PER_MILLION: u64 = 10;

/// The part of a world that affects the assignment of reports to messages. Shares are in a million.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    /// The difference between the clock of each SIM's SMS centre and the true time, in seconds.
    offsets: Vec<i64>,
    /// The gain of the centres' clocks, in microseconds per second.
    drift: i64,
    /// Jumps of the two clocks: simulated time, and seconds.
    pub(crate) gateway_jumps: Vec<(u64, i64)>,
    centre_jumps: Vec<(u64, i64)>,
    /// Whether requests select reports by the time in the report, instead of the time of their arrival.
    pub(crate) filters_by_report: bool,
    /// Whether numbers in results contain separators.
    pub(crate) separates: bool,
    /// Whether results of other programs are returned.
    pub(crate) shows_others: bool,
    /// Share of segments that the phone does not receive at once.
    late: u32,
    /// The length of a period before the client's first start, in which an earlier installation already sent messages.
    pub(crate) earlier: u64,
    /// Average time between messages of other programs; 0 for never.
    pub(crate) foreign: u64,
    /// The keys of the table rows in which the world is counted.
    keys: Vec<String>,
}

impl Mix {
    pub(crate) fn centre_time(&self, port: u8, at: u64) -> i64 {
        let seconds = (at / 1000) as i64;
        let jumps = self.centre_jumps.iter().filter(|jump| jump.0 <= at).map(|jump| jump.1);
        TRUE_START
            + seconds
            + self.offsets[usize::from(port)]
            + seconds * self.drift / 1_000_000
            + jumps.sum::<i64>()
    }

    /// Draws the time until the phone receives a segment: usually seconds. If the phone is late, it takes minutes or hours, up to
    /// 71 h 45 min.
    pub(crate) fn draw_delay(&self, rng: &mut Rng) -> u64 {
        let longest = 72 * HOUR - 15 * MINUTE;
        let delay = if rng.happens(self.late) {
            match rng.below(100) {
                0..40 => 10 * SECOND + rng.wait(2 * MINUTE),
                40..85 => 10 * MINUTE + rng.wait(7000 * SECOND),
                _ => rng.below(longest),
            }
        } else {
            2 * SECOND + rng.wait(4 * SECOND)
        };
        delay.min(longest)
    }

    /// Draws the time for which the client is down after a reset.
    pub(crate) fn draw_downtime(&self, rng: &mut Rng) -> u64 {
        if rng.below(2) == 0 { rng.between(10, 120) * SECOND } else { rng.between(600, 20_000) * SECOND }
    }
}

/// The traffic of a mix, with the average time between own messages of all ports, the share of other programs, and the total time.
struct Traffic {
    ports: u8,
    numbers: u32,
    every: u64,
    foreign: u64,
    storms: bool,
    span: u64,
}

impl Traffic {
    fn draw(rng: &mut Rng, messages: u32) -> Self {
        let ports = rng.pick(&[1, 1, 2, 4]);
        let every = rng.pick(&[8, 20, 60, 300, 3600]) * SECOND / u64::from(ports);
        let share = rng.pick(&[0, 0, 10, 50]);
        let foreign = (every * (100 - share)).checked_div(share).unwrap_or(0);
        let storms = rng.below(10) < 3;
        Self {
            ports,
            numbers: rng.pick(&[1, 10, 10_000]),
            every,
            foreign,
            storms,
            span: u64::from(messages) * every,
        }
    }
}

impl Config {
    /// Draws a world of the mixes.
    pub(crate) fn mix(seed: u64, messages: u32) -> Self {
        let mut rng = Rng::new(seed ^ 0x3173);
        let traffic = Traffic::draw(&mut rng, messages);
        let resets = rng.pick(&[0, 2, 5]);
        let device = draw_device(&mut rng, &traffic, resets);
        let caller = CallerConfig {
            messages,
            numbers: traffic.numbers,
            twins: false,
            every: traffic.every,
            burst: if traffic.storms { 300 } else { 1 },
            long: 150_000,
            one_port: 50_000,
            stopped: 0,
            resend: 0,
            unreported: 0,
            acknowledges_within: 5 * SECOND,
            resets: traffic.span.checked_div(resets).unwrap_or(0),
            boot_time: false,
            slots: 8192,
            pending_reports: ENOUGH_PENDING,
        };
        let settings = Settings { exclusive: false, ..settings(&mut rng, 73, &device) };
        Self { scenario: "mix", seed, device, link: LinkConfig::default(), caller, settings }
    }

    /// Draws a world of the mixes whose caller wants certainty.
    pub(crate) fn strict_mix(seed: u64, messages: u32) -> Self {
        let mut config = Self::mix(seed, messages);
        config.scenario = "strict mix";
        config.settings.strict = true;
        config
    }

    /// Draws a world of the mixes without other programs, whose caller declares this with `exclusive`.
    pub(crate) fn exclusive_mix(seed: u64, messages: u32) -> Self {
        let mut config = Self::mix(seed, messages);
        config.scenario = "exclusive mix";
        config.settings.exclusive = true;
        config.device.foreign = 0;
        if let Some(mix) = &mut config.device.mix {
            (mix.foreign, mix.earlier) = (0, 0);
        }
        config
    }

    /// Draws a world of the mixes whose gateway spells the numbers of results and reports with any prefix, and in some worlds
    /// with separators in results.
    pub(crate) fn respelt_mix(seed: u64, messages: u32) -> Self {
        let mut config = Self::mix(seed, messages);
        config.scenario = "respelt mix";
        config.device.result_spelling = Habit::Varies;
        config.device.report_spelling = Habit::Varies;
        if let Some(mix) = &mut config.device.mix {
            mix.separates = seed % 2 == 1;
            mix.keys.push(format!("separators {}", mix.separates));
        }
        config
    }
}

fn draw_device(rng: &mut Rng, traffic: &Traffic, resets: u64) -> DeviceConfig {
    let mut device = DeviceConfig::draw(rng, traffic.ports);
    device.report_time =
        rng.pick(&[ReportTime::Sending, ReportTime::Arrival, ReportTime::Submission, ReportTime::Discharge]);
    (device.result_spelling, device.report_spelling) = (Habit::AsGiven, Habit::AsGiven);
    (device.says_delivered, device.heeds_request) = (false, false);
    (device.failing, device.unconfirmed) = (40_000, 0);
    (device.lost, device.doubled) = (50_000, 30_000);
    (device.clock_steps, device.restarts, device.incoming) = (0, 0, 0);
    (device.starts_in_1970, device.foreign_to_ours) = (false, true);
    let mut mix = draw_mix(rng, traffic);
    let all = if traffic.foreign == 0 { traffic.every } else { traffic.every / 2 };
    device.foreign = if mix.earlier == 0 { traffic.foreign } else { all };
    mix.keys = keys(&device, traffic, &mix, resets);
    device.mix = Some(mix);
    device
}

fn draw_mix(rng: &mut Rng, traffic: &Traffic) -> Mix {
    let drawn = |rng: &mut Rng, steps: &[i64], count: usize| -> Vec<(u64, i64)> {
        (0..count).map(|_| (rng.below(traffic.span), rng.pick(steps))).collect()
    };
    let jumps = rng.pick(&[0, 0, 1, 2, 3]);
    let mut gateway_jumps = Vec::new();
    if jumps & 1 == 1 {
        gateway_jumps = drawn(rng, &[3600, -3600, 40, -90, 5, -5, 600], 3);
        if rng.below(2) == 0 {
            // The gateway is in 1970 for up to two hours.
            let (at, back) = (rng.below(traffic.span), TRUE_START - 100_000_000);
            gateway_jumps.push((at, -back));
            gateway_jumps.push((at + rng.between(MINUTE, 2 * HOUR), back));
        }
    }
    let centre_jumps = if jumps & 2 == 2 { drawn(rng, &[3600, -3600, 30, -30], 2) } else { Vec::new() };
    let is_offset = rng.below(10) >= 3;
    let offsets = (0..traffic.ports).map(|_| {
        let quarters = if is_offset { rng.below(113) as i64 - 56 } else { 0 };
        quarters * 900 + rng.below(181) as i64 - 90
    });
    Mix {
        offsets: offsets.collect(),
        drift: rng.pick(&[0, 1, -10]),
        gateway_jumps,
        centre_jumps,
        separates: false,
        filters_by_report: rng.below(2) == 0,
        shows_others: rng.below(2) == 0,
        late: rng.pick(&[50_000, 150_000, 400_000]),
        earlier: rng.pick(&[0, 1]) * (76 * HOUR).min(traffic.span * 3 / 10),
        foreign: traffic.foreign,
        keys: Vec::new(),
    }
}

fn keys(device: &DeviceConfig, traffic: &Traffic, mix: &Mix, resets: u64) -> Vec<String> {
    let yes = |holds| if holds { "yes" } else { "no" };
    let share = match traffic.foreign {
        0 => 0,
        foreign => 100 * traffic.every / (traffic.every + foreign),
    };
    let is_offset = mix.offsets.iter().any(|offset| offset.abs() > 90);
    vec![
        "all".to_owned(),
        format!("report time {:?}", device.report_time),
        format!("numbers {}", traffic.numbers),
        format!("every {} s", traffic.every * u64::from(traffic.ports) / SECOND),
        format!("storms {}", yes(traffic.storms)),
        format!("foreign {share} %"),
        format!("others shown {}", yes(mix.shows_others)),
        format!("centre offset {}", yes(is_offset)),
        format!("filter by report time {}", yes(mix.filters_by_report)),
        format!("clock jumps {}", yes(!mix.gateway_jumps.is_empty() || !mix.centre_jumps.is_empty())),
        format!("late {} %", mix.late / 10_000),
        format!("restarts {resets}"),
        format!("earlier life {}", yes(mix.earlier > 0)),
    ]
}

/// Runs worlds, and prints a row for each of their features.
fn play(make: fn(u64, u32) -> Config, seeds: std::ops::Range<u64>, messages: u32) -> Figures {
    let messages = number("SIM_MESSAGES").map_or(messages, |messages| messages as u32);
    let seeds = number("SIM_SEEDS").map_or(seeds.clone(), |count| seeds.start..seeds.start + count);
    let seeds = number("SIM_SEED").map_or(seeds, |seed| seed..seed + 1);
    let wanted = std::env::var("SIM_MIX").unwrap_or_default();
    let (started, mut rows, mut worlds) = (Instant::now(), BTreeMap::<String, Figures>::new(), 0);
    for config in seeds.map(|seed| make(seed, messages)) {
        let keys = config.device.mix.as_ref().map_or(Vec::new(), |mix| mix.keys.clone());
        if !keys.join(", ").contains(&wanted) {
            continue;
        }
        worlds += 1;
        let figures = simulate(&config);
        if number("SIM_EACH").is_some() {
            println!("seed {}: {}; {keys:?}", config.seed, row(&figures));
        }
        for key in keys {
            *rows.entry(key).or_default() += figures;
        }
    }
    let all = rows.get("all").copied().unwrap_or_default();
    let rate = all.messages as f64 / started.elapsed().as_secs_f64();
    println!("{worlds} worlds, {rate:.0} messages a second, {all}");
    for (key, figures) in &rows {
        println!("{key:<28} {}", row(figures));
    }
    all
}

fn row(figures: &Figures) -> String {
    let segments = figures.segments_reported;
    let share = |count: u64| 100.0 * count as f64 / segments.max(1) as f64;
    format!(
        "messages {:>7}, segments {segments:>7}, right {:>6.2} %, wrong {:>6} = {:>6} per million, untrue {:>5}, never seen {:>5.2} %, expired {}, unresolved {}",
        figures.messages,
        share(figures.segments_right),
        figures.segments_wrong,
        per_million(figures, figures.segments_wrong),
        figures.segments_untrue,
        share(figures.segments_unseen),
        figures.expired,
        figures.unresolved,
    )
}

fn per_million(figures: &Figures, count: u64) -> u64 {
    count * 1_000_000 / figures.segments_reported.max(1)
}

fn check(figures: &Figures, most: u64) {
    let wrong = per_million(figures, figures.segments_wrong);
    assert!(wrong <= most, "{wrong} per million segments are wrong");
}

#[test]
fn mixes() {
    check(&play(Config::mix, 0..12, 150), 0);
}

#[test]
fn respelt_mixes() {
    check(&play(Config::respelt_mix, 0..4, 150), 0);
}

/// Worlds with few numbers and many phones that are off, in which references come around.
#[test]
fn reports_of_older_messages() {
    let mut all = Figures::default();
    for seed in [8, 21, 24, 27] {
        all += play(Config::mix, seed..seed + 1, 600);
    }
    check(&all, MAX_WRONG_PER_MILLION);
}

#[test]
fn strict_and_exclusive_mixes() {
    check(&play(Config::strict_mix, 0..4, 150), 0);
    check(&play(Config::exclusive_mix, 0..4, 150), 0);
}

#[test]
#[ignore = "takes minutes; for release mode"]
fn many_mixes() {
    check(&play(Config::mix, 1000..2000, 2000), MAX_WRONG_PER_MILLION);
}

#[test]
#[ignore = "takes minutes; for release mode"]
fn many_strict_mixes() {
    check(&play(Config::strict_mix, 1000..2000, 2000), 0);
}

#[test]
#[ignore = "takes minutes; for release mode"]
fn many_exclusive_mixes() {
    check(&play(Config::exclusive_mix, 1000..2000, 2000), 0);
}
