//! Tests of the reader: it agrees with serde_json on valid documents, and finds the intended meaning of others.

mod document;
mod generate;
mod oracle;
mod pen;
mod refused;
mod room;
mod tolerated;
mod valid;
mod whole;

use std::vec::Vec;

use proptest::{prelude::ProptestConfig, test_runner::RngAlgorithm};

use crate::call::tests::{Read, read};
use oracle::{CallResponse, Meaning};

/// Calls a generic function with the type of the call that has this number, 0 to 8.
macro_rules! of_call {
    ($number:expr, $function:ident($($argument:expr),*)) => {
        match $number {
            0 => $function::<$crate::call::QuerySmsResult>($($argument),*),
            1 => $function::<$crate::call::QuerySmsDeliverStatus>($($argument),*),
            2 => $function::<$crate::call::QueryIncomingSms>($($argument),*),
            3 => $function::<$crate::call::SendUssd>($($argument),*),
            4 => $function::<$crate::call::QueryUssdReply>($($argument),*),
            5 => $function::<$crate::call::GetPortInfo>($($argument),*),
            6 => $function::<$crate::call::SendSms>($($argument),*),
            7 => $function::<$crate::call::QuerySmsInQueue>($($argument),*),
            _ => $function::<$crate::call::StopSms>($($argument),*),
        }
    };
}
use of_call;

/// Configures this number of cases, with a random number generator that is fast even in unoptimised builds.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_algorithm: RngAlgorithm::XorShift, ..ProptestConfig::default() }
}

const CALLS: usize = 9;
/// A buffer size that is sufficient for every document of the tests.
const LARGE: usize = 8192;

/// Cuts a document into pieces of these sizes. The list of sizes is repeated as needed.
fn pieces<'i>(mut document: &'i [u8], sizes: &[usize]) -> Vec<&'i [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        let (piece, rest) = document.split_at((*size).min(document.len()));
        pieces.push(piece);
        document = rest;
        if document.is_empty() {
            break;
        }
    }
    pieces
}

/// Reads a document at once, asserts that it reads the same in pieces, and returns the result.
fn whole_and_split<C: CallResponse>(document: &[u8], sizes: &[usize], buffer: usize) -> Read
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let whole = read::<C>([document], buffer);
    assert_eq!(read::<C>(pieces(document, sizes), buffer), whole, "split into {sizes:?}");
    assert_eq!(read::<C>(document.chunks(1), buffer), whole, "byte by byte");
    whole
}

/// Asserts that the document is read to its end and has this meaning.
fn means<C: CallResponse>(document: &[u8], sizes: &[usize], meaning: &Meaning)
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let found = whole_and_split::<C>(document, sizes, LARGE);
    let records = meaning.records.iter().filter_map(C::expected_record).collect();
    let expected = Read { records, summary: C::expected_summary(&meaning.head), end: Ok(()) };
    assert_eq!(found, expected, "{}", document.escape_ascii());
}
