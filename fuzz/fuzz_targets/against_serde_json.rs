//! Reads a response. If serde_json accepts the response, the decoder must read the same values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::{agrees, of_call};

fuzz_target!(|data: &[u8]| {
    if let [call, document @ ..] = data {
        of_call!(*call, agrees, document);
    }
});
