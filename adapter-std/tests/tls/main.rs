//! HTTPS against `openssl s_server`, and against servers of the tests themselves.

#![allow(missing_docs)]

mod calls;
#[path = "../following/mod.rs"]
mod following;
mod front;
mod impostor;
mod kinds;
mod peer;
mod reach;
mod refusals;
mod renewal;
mod trust;
