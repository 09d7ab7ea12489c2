//! A session against an arbitrary peer.

mod directed;
mod event;
mod excerpt;
mod exhaustive;
mod raw;
mod ussd;
mod world;
