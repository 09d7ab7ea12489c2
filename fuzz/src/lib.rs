//! Code that the fuzz targets share: choosing a call, reading a response in pieces, comparing with serde_json and httparse, and
//! the rules for messages.

mod expected;
pub mod login;
pub mod response;
pub mod track;
#[path = "../../core/src/json/tests/whole.rs"]
mod whole;

use std::fmt::Debug;

pub use expected::agrees;
use sms_gateway_core::{
    call::{Call, Decoder},
    json::{Malformed, ReadError},
};

/// Runs a generic function for the call that a byte chooses, `'0'` to `'8'` in the order of the document.
#[macro_export]
macro_rules! of_call {
    ($byte:expr, $function:path, $($argument:expr),*) => {
        match $byte.wrapping_sub(b'0') % 9 {
            0 => of_call!(@ $function, SendSms, $($argument),*),
            1 => of_call!(@ $function, QuerySmsResult, $($argument),*),
            2 => of_call!(@ $function, QuerySmsDeliverStatus, $($argument),*),
            3 => of_call!(@ $function, QuerySmsInQueue, $($argument),*),
            4 => of_call!(@ $function, QueryIncomingSms, $($argument),*),
            5 => of_call!(@ $function, SendUssd, $($argument),*),
            6 => of_call!(@ $function, QueryUssdReply, $($argument),*),
            7 => of_call!(@ $function, StopSms, $($argument),*),
            _ => of_call!(@ $function, GetPortInfo, $($argument),*),
        }
    };
    (@ $function:path, $call:ident, $($argument:expr),*) => {{
        use $function as function;
        function::<sms_gateway_core::call::$call>($($argument),*)
    }};
}

/// The result of reading a response.
#[derive(Debug, PartialEq)]
pub struct Read {
    /// The records as `Debug` shows them.
    pub records: Vec<String>,
    /// The summary as `Debug` shows it.
    pub summary: String,
    /// The error of the document, if it has one.
    pub end: Result<(), ReadError>,
    /// Number of bytes read.
    pub taken: usize,
}

/// Reads a response in pieces.
///
/// # Panics
/// If the offset of an error is not where reading stopped, or if reading can be continued after it.
pub fn read<'i, C: Call>(pieces: impl IntoIterator<Item = &'i [u8]>, buffer: usize) -> Read
where
    for<'a> C::Record<'a>: Debug,
    for<'a> C::Summary<'a>: Debug,
{
    let mut decoder = Decoder::<C, _>::new(vec![0; buffer]);
    let mut records = Vec::new();
    let mut taken = 0;
    for piece in pieces {
        let mut input = piece;
        while let Ok(Some(record)) = decoder.next(&mut input) {
            records.push(format!("{record:?}"));
        }
        taken += piece.len() - input.len();
        if !input.is_empty() {
            break;
        }
    }
    let end = decoder.finish().map(drop);
    if let Err(error) = end {
        assert_eq!(error.offset, taken as u64);
        if error.kind != Malformed::CutOff {
            assert_eq!(decoder.advance(&mut &b"}"[..]), Err(error));
        }
    }
    Read { records, summary: format!("{:?}", decoder.summary()), end, taken }
}

/// Splits a document into pieces of two alternating sizes, which `seed` chooses.
pub fn pieces(seed: u8, mut document: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut sizes = [1 + usize::from(seed & 0xF), 1 + usize::from(seed >> 4)].into_iter().cycle();
    std::iter::from_fn(move || {
        let (piece, rest) = document.split_at(sizes.next()?.min(document.len()));
        document = rest;
        (!piece.is_empty()).then_some(piece)
    })
}
