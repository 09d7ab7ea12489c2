//! The cases that read responses.

use std::hint::black_box;

use serde::Deserialize;
use sms_gateway_core::call::{Call, QueryIncomingSms, QuerySmsResult};

use crate::{
    case::{Case, Contestant, keep},
    checksum::{Checksum, Summed},
    generate::{self, Texts},
    ours,
    rivals::{Folded, Incoming, IncomingSms, Results, SmsResult},
};

/// Size of the buffer for results, as the decoder's documentation recommends.
const RESULT_BUFFER: usize = 256;
/// Size of the buffer for incoming messages, and of serde-json-core's buffer for unescaping a string.
const TEXT_BUFFER: usize = 1024;

/// Creates the case for a query_sms_result response of `records` records, spaced as `generate` writes them.
pub(crate) fn results(records: u32, generate: fn(u32) -> String) -> Case {
    type Each = Results<'static, Folded<SmsResult<'static>>>;
    type Kept = Results<'static, Vec<SmsResult<'static>>>;
    let response = keep(generate(records));
    let contestants = contestants::<QuerySmsResult<'static>, Each, Kept>(response, RESULT_BUFFER);
    let title = format!("query_sms_result, {records} records");
    case(title, response, records, contestants)
}

/// Creates the case for a query_incoming_sms response with 1,000 messages.
pub(crate) fn incoming(texts: Texts) -> Case {
    type Each = Incoming<'static, Folded<IncomingSms<'static>>>;
    type Kept = Incoming<'static, Vec<IncomingSms<'static>>>;
    const RECORDS: u32 = 1_000;
    let response = keep(generate::incoming(RECORDS, texts));
    let contestants = contestants::<QueryIncomingSms, Each, Kept>(response, TEXT_BUFFER);
    let how = match texts {
        Texts::Utf8 => "UTF-8",
        Texts::Escapes => "\\u escapes",
        Texts::BmpEscapes => "\\u escapes, no emoji",
    };
    case(format!("query_incoming_sms, {RECORDS} messages, {how}"), response, RECORDS, contestants)
}

/// Creates the case for a response without records and with one unknown key. Every contestant skips the value of this key.
pub(crate) fn unknown(title: &str, value: &str) -> Case {
    type Each = Results<'static, Folded<SmsResult<'static>>>;
    let response = keep(generate::unknown(value));
    let contestants = vec![
        ours::<QuerySmsResult<'static>>("ours", response, usize::MAX, RESULT_BUFFER),
        Contestant::new("serde_json", move || serde_json::<Each>(response)),
        Contestant::new("sonic-rs", move || sonic_rs::<Each>(response)),
        serde_json_core::<Each>(response),
        Contestant::floor(response),
    ];
    let bytes = response.len();
    Case { title: title.into(), bytes, units: bytes, unit: "byte", contestants }
}

fn case(title: String, response: &[u8], records: u32, contestants: Vec<Contestant>) -> Case {
    Case { title, bytes: response.len(), units: records as usize, unit: "record", contestants }
}

/// Returns all contestants that read one response. `Each` adds every record to the checksum when it is read, and drops it.
/// `Kept` first collects all records in a `Vec`.
fn contestants<C, Each, Kept>(response: &'static [u8], buffer: usize) -> Vec<Contestant>
where
    C: Call + 'static,
    for<'a> C::Record<'a>: Summed,
    for<'a> C::Summary<'a>: Summed,
    Each: Deserialize<'static> + Summed,
    Kept: Deserialize<'static> + Summed,
{
    vec![
        ours::<C>("ours", response, usize::MAX, buffer),
        ours::<C>("ours, 1 KB pieces", response, 1024, buffer),
        ours::<C>("ours, 64 B pieces", response, 64, buffer),
        Contestant::new("serde_json", move || serde_json::<Each>(response)),
        Contestant::new("serde_json, Vec", move || serde_json::<Kept>(response)),
        Contestant::new("sonic-rs", move || sonic_rs::<Each>(response)),
        Contestant::new("sonic-rs, Vec", move || sonic_rs::<Kept>(response)),
        serde_json_core::<Each>(response),
        Contestant::floor(response),
    ]
}

fn ours<C: Call>(name: &'static str, response: &'static [u8], piece: usize, buffer: usize) -> Contestant
where
    for<'a> C::Record<'a>: Summed,
    for<'a> C::Summary<'a>: Summed,
{
    let mut buffer = vec![0; buffer];
    Contestant::new(name, move || {
        ours::read::<C>(black_box(response), piece, &mut buffer).map_err(|error| error.to_string())
    })
}

fn serde_json<A: Deserialize<'static> + Summed>(response: &'static [u8]) -> Result<u64, String> {
    serde_json::from_slice::<A>(black_box(response))
        .map(|response| sum(&response))
        .map_err(|error| error.to_string())
}

fn sonic_rs<A: Deserialize<'static> + Summed>(response: &'static [u8]) -> Result<u64, String> {
    sonic_rs::from_slice::<A>(black_box(response))
        .map(|response| sum(&response))
        .map_err(|error| error.to_string())
}

/// Creates the contestant serde-json-core. It has a buffer to unescape into; without one, it would return escapes unchanged.
fn serde_json_core<A: Deserialize<'static> + Summed>(response: &'static [u8]) -> Contestant {
    let mut buffer = vec![0; TEXT_BUFFER];
    Contestant::new("serde-json-core", move || {
        serde_json_core::from_slice_escaped::<A>(black_box(response), &mut buffer)
            .map(|(response, _)| sum(&response))
            .map_err(|error| format!("rejects it: {error:?}"))
    })
}

fn sum(response: &impl Summed) -> u64 {
    let mut sum = Checksum::default();
    sum.add(response);
    sum.value()
}
