//! The cases of reading answers.

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

/// The working buffer for results: the size that the decoder's documentation names.
const RESULT_BUFFER: usize = 256;
/// The working buffer for incoming messages, and what serde-json-core gets to unescape one string.
const TEXT_BUFFER: usize = 1024;

/// query_sms_result with so many records, of one way of spacing.
pub(crate) fn results(records: u32, generate: fn(u32) -> String) -> Case {
    type Each = Results<'static, Folded<SmsResult<'static>>>;
    type Kept = Results<'static, Vec<SmsResult<'static>>>;
    let answer = keep(generate(records));
    let contestants = contestants::<QuerySmsResult<'static>, Each, Kept>(answer, RESULT_BUFFER);
    let title = format!("query_sms_result, {records} records");
    case(title, answer, records, contestants)
}

/// query_incoming_sms with 1,000 messages.
pub(crate) fn incoming(texts: Texts) -> Case {
    type Each = Incoming<'static, Folded<IncomingSms<'static>>>;
    type Kept = Incoming<'static, Vec<IncomingSms<'static>>>;
    const RECORDS: u32 = 1_000;
    let answer = keep(generate::incoming(RECORDS, texts));
    let contestants = contestants::<QueryIncomingSms, Each, Kept>(answer, TEXT_BUFFER);
    let how = match texts {
        Texts::Utf8 => "UTF-8",
        Texts::Escapes => "\\u escapes",
        Texts::BmpEscapes => "\\u escapes, no emoji",
    };
    case(format!("query_incoming_sms, {RECORDS} messages, {how}"), answer, RECORDS, contestants)
}

/// An answer with no record, one key of which is unknown; everybody reads past its value.
pub(crate) fn unknown(title: &str, value: &str) -> Case {
    type Each = Results<'static, Folded<SmsResult<'static>>>;
    let answer = keep(generate::unknown(value));
    let contestants = vec![
        ours::<QuerySmsResult<'static>>("ours", answer, usize::MAX, RESULT_BUFFER),
        Contestant::new("serde_json", move || serde_json::<Each>(answer)),
        Contestant::new("sonic-rs", move || sonic_rs::<Each>(answer)),
        serde_json_core::<Each>(answer),
        Contestant::floor(answer),
    ];
    let bytes = answer.len();
    Case { title: title.into(), bytes, units: bytes, unit: "byte", contestants }
}

fn case(title: String, answer: &[u8], records: u32, contestants: Vec<Contestant>) -> Case {
    Case { title, bytes: answer.len(), units: records as usize, unit: "record", contestants }
}

/// All contestants over one answer: `Each` folds the records as they come, `Kept` collects them.
fn contestants<C, Each, Kept>(answer: &'static [u8], buffer: usize) -> Vec<Contestant>
where
    C: Call + 'static,
    for<'a> C::Record<'a>: Summed,
    for<'a> C::Summary<'a>: Summed,
    Each: Deserialize<'static> + Summed,
    Kept: Deserialize<'static> + Summed,
{
    vec![
        ours::<C>("ours", answer, usize::MAX, buffer),
        ours::<C>("ours, 1 KB pieces", answer, 1024, buffer),
        ours::<C>("ours, 64 B pieces", answer, 64, buffer),
        Contestant::new("serde_json", move || serde_json::<Each>(answer)),
        Contestant::new("serde_json, Vec", move || serde_json::<Kept>(answer)),
        Contestant::new("sonic-rs", move || sonic_rs::<Each>(answer)),
        Contestant::new("sonic-rs, Vec", move || sonic_rs::<Kept>(answer)),
        serde_json_core::<Each>(answer),
        Contestant::floor(answer),
    ]
}

fn ours<C: Call>(name: &'static str, answer: &'static [u8], piece: usize, buffer: usize) -> Contestant
where
    for<'a> C::Record<'a>: Summed,
    for<'a> C::Summary<'a>: Summed,
{
    let mut buffer = vec![0; buffer];
    Contestant::new(name, move || {
        ours::read::<C>(black_box(answer), piece, &mut buffer).map_err(|error| error.to_string())
    })
}

fn serde_json<A: Deserialize<'static> + Summed>(answer: &'static [u8]) -> Result<u64, String> {
    serde_json::from_slice::<A>(black_box(answer))
        .map(|answer| sum(&answer))
        .map_err(|error| error.to_string())
}

fn sonic_rs<A: Deserialize<'static> + Summed>(answer: &'static [u8]) -> Result<u64, String> {
    sonic_rs::from_slice::<A>(black_box(answer)).map(|answer| sum(&answer)).map_err(|error| error.to_string())
}

/// With a buffer to unescape into: without one it would give escapes out as they stand.
fn serde_json_core<A: Deserialize<'static> + Summed>(answer: &'static [u8]) -> Contestant {
    let mut buffer = vec![0; TEXT_BUFFER];
    Contestant::new("serde-json-core", move || {
        serde_json_core::from_slice_escaped::<A>(black_box(answer), &mut buffer)
            .map(|(answer, _)| sum(&answer))
            .map_err(|error| format!("refuses it: {error:?}"))
    })
}

fn sum(answer: &impl Summed) -> u64 {
    let mut sum = Checksum::default();
    sum.add(answer);
    sum.value()
}
