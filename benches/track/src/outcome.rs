//! The number of requests for following messages, and the delay until each event is known.

use std::time::Duration;

use sms_gateway_core::{
    call::{Flag, QueryIncomingSms},
    track::Settings,
};

use crate::{client::follow, device::Device, traffic::Traffic};

/// Numbers of messages.
const MANY: [u32; 4] = [1, 100, 1_000, 10_000];
/// The interval at which the plain client queries each message (document §11).
const EVERY: Duration = Duration::from_secs(8);
/// Number of messages in one submission.
const RECIPIENTS: u32 = 128;
/// The interval at which single messages are added: four a second. The ports could send five a second.
const APART: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Requests {
    pub(crate) send: u32,
    pub(crate) result: u32,
    pub(crate) report: u32,
    pub(crate) queue: u32,
    /// Number of records in all responses.
    pub(crate) records: u32,
    /// Number of reports that were returned as unmatched.
    pub(crate) strays: u32,
}

pub(crate) struct Outcome {
    pub(crate) requests: Requests,
    pub(crate) traffic: Traffic,
    /// The delays from an event to its update.
    pub(crate) sent: Vec<Duration>,
    pub(crate) delivered: Vec<Duration>,
}

/// Prints the tables.
pub(crate) fn print() {
    println!(
        "Requests and records in responses for each message; seconds from the event to its update: median, 95 % and longest."
    );
    println!(
        "{:33}{:>9}{:>44}{:>9}{:>20}{:>20}",
        "", "requests", "send + results + reports + queue", "records", "sent", "delivered"
    );
    for many in MANY {
        line("all at once, ours", many, &follow(many, Duration::ZERO, Settings::default()));
        line("all at once, plain way", many, &plain(many, Duration::ZERO));
    }
    for many in MANY {
        line("four a second, ours", many, &follow(many, APART, Settings::default()));
        line("four a second, plain way", many, &plain(many, APART));
    }
    print_traffic();
}

/// Prints the table of bytes.
fn print_traffic() {
    println!();
    println!("Requests, bytes and connections for each message, in both directions, without TCP and TLS.");
    println!(
        "{:33}{:>9}{:>9}{:>13}{:>23}{:>23}",
        "", "requests", "bytes", "connections", "sent", "delivered"
    );
    for (pattern, every) in [("all at once", Duration::ZERO), ("four a second", APART)] {
        for many in &MANY[..3] {
            for (name, settings) in [("default", Settings::default()), ("metered", Settings::metered())] {
                let outcome = follow(*many, every, settings);
                traffic_line(&format!("{pattern}, {name}"), *many, &outcome);
            }
        }
    }
    for (name, settings) in [("default", Settings::default()), ("metered", Settings::metered())] {
        let mut traffic = Traffic::default();
        let mut now = Duration::ZERO;
        while now < Duration::from_secs(86_400) {
            traffic.exchange(&QueryIncomingSms::new(Flag::All), "sms", "[]", now);
            now += settings.timing.incoming;
        }
        println!("a day of polling an empty inbox, {name}: {} bytes", traffic.bytes);
    }
}

fn traffic_line(name: &str, many: u32, outcome: &Outcome) {
    let Requests { send, result, report, queue, .. } = outcome.requests;
    let each = |count: u32| f64::from(count) / f64::from(many);
    let (all, bytes) = (each(send + result + report + queue), each(outcome.traffic.bytes));
    let connections = each(outcome.traffic.connections);
    let [sent, delivered] = [&outcome.sent, &outcome.delivered].map(|lags| lag(lags));
    println!("{many:>7} {name:25}{all:>9.3}{bytes:>9.0}{connections:>13.3}{sent:>23}{delivered:>23}");
}

fn line(name: &str, many: u32, outcome: &Outcome) {
    let Requests { send, result, report, queue, records, strays } = outcome.requests;
    let each = |count: u32| f64::from(count) / f64::from(many);
    let all = each(send + result + report + queue);
    let parts = [send, result, report, queue].map(|count| format!("{:.3}", each(count))).join(" + ");
    let [sent, delivered] = [&outcome.sent, &outcome.delivered].map(|lags| lag(lags));
    println!("{many:>7} {name:25}{all:>9.3}{parts:>44}{:>9.2}{sent:>23}{delivered:>23}", each(records));
    if strays > 0 {
        println!("{:10}{strays} of the reports were taken for another client's", "");
    }
}

fn lag(lags: &[Duration]) -> String {
    let mut lags = lags.to_vec();
    lags.sort();
    let part = |percent: usize| lags[(lags.len() - 1) * percent / 100].as_secs_f64();
    format!("{:.1} / {:.1} / {:.1}", part(50), part(95), part(100))
}

/// Queries each message every 8 s after its submission: its result until it is sent, then its reports until it is delivered.
/// Responses take no time, and contain only the requested messages.
fn plain(many: u32, every: Duration) -> Outcome {
    let mut device = Device::default();
    let submissions = if every.is_zero() { many.div_ceil(RECIPIENTS) } else { many };
    let mut requests = Requests { send: submissions, ..Requests::default() };
    let (mut sent, mut delivered) = (vec![], vec![]);
    for number in 0..many {
        let added = every * number;
        let fate = device.accept(number, number, added);
        // Number of queries until the event was known.
        let queries = |event: Duration| {
            let queries = event.saturating_sub(added).as_millis().div_ceil(EVERY.as_millis());
            u32::try_from(queries).expect("not too many")
        };
        let results = queries(fate.sent);
        let all = queries(fate.delivered).max(results + 1);
        requests.result += results;
        requests.report += all - results;
        requests.records += 2;
        sent.push((added + EVERY * results).saturating_sub(fate.sent));
        delivered.push((added + EVERY * all).saturating_sub(fate.delivered));
    }
    Outcome { requests, traffic: Traffic::default(), sent, delivered }
}
