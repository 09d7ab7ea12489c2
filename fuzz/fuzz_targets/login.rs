//! Logs in at a gateway with an arbitrary policy for nonces, and with losses. No nonce count is used twice, a right password is never given
//! up, and a wrong password is refused at most twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_fuzz::login;

fuzz_target!(|data: &[u8]| login::play(data));
