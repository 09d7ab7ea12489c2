//! Reads a response that serde_json accepts, which must yield the same values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::{agrees, of_call};

fuzz_target!(|data: &[u8]| {
    if let [call, document @ ..] = data {
        of_call!(*call, agrees, document);
    }
});
