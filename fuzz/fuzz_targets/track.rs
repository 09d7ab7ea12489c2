//! Whatever happens to messages, in whatever order: the tracker keeps to what a plain model says, and to what was saved.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::track;

fuzz_target!(|data: &[u8]| track::run(data));
