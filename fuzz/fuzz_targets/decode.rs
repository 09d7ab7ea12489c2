//! Reads an arbitrary response to a call, split arbitrarily: no panic, and the same result at once and in pieces.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use sms_gateway_core::call::Call;
use sms_gateway_fuzz::{of_call, pieces, read};

fn reads_the_same_in_pieces<C: Call>(size: u8, seed: u8, document: &[u8])
where
    for<'a> C::Record<'a>: Debug,
    for<'a> C::Summary<'a>: Debug,
{
    let buffer = usize::from(size) * 2;
    let whole = read::<C>([document], buffer);
    assert_eq!(read::<C>(pieces(seed, document), buffer), whole);
    assert!(
        whole.taken == document.len()
            || whole.end.is_err()
            || document[..whole.taken].trim_ascii_end().ends_with(b"}")
    );
}

fuzz_target!(|data: &[u8]| {
    if let [call, size, seed, document @ ..] = data {
        of_call!(*call, reads_the_same_in_pieces, *size, *seed, document);
    }
});
