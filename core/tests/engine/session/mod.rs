//! A session against an arbitrary peer.

mod detached;
mod directed;
mod doubt;
mod event;
mod excerpt;
mod exhaustive;
mod raw;
mod ussd;
mod world;
