//! The login against a strict gateway: the scripts of the core's test `login`, with bytes from the fuzzer.

#[path = "../../core/tests/login/client.rs"]
mod client;
#[path = "../../core/tests/login/script.rs"]
mod script;
#[path = "../../core/tests/login/server.rs"]
#[allow(dead_code)]
mod server;

/// Plays a script of bytes.
///
/// # Panics
/// If the client or the gateway breaks a rule.
pub fn play(bytes: &[u8]) {
    script::play(bytes);
}
