//! Reads an arbitrary HTTP response, split arbitrarily: no panic, the same result at once and in pieces, and agreement with
//! httparse.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::response;

fuzz_target!(|data: &[u8]| {
    if let [seed, bytes @ ..] = data {
        response::run(*seed, bytes);
    }
});
