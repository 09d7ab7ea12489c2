//! Whatever comes in place of an answer, and however it is cut: one result, no panic, and nothing that httparse reads otherwise.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::answer;

fuzz_target!(|data: &[u8]| {
    if let [seed, bytes @ ..] = data {
        answer::run(*seed, bytes);
    }
});
