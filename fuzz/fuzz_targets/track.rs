//! Runs a tracker through arbitrary events. It must obey the rules of a simple model, and restore what it saved.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::track;

fuzz_target!(|data: &[u8]| track::run(data));
