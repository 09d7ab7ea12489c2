//! A session against an arbitrary peer.

mod detached;
mod directed;
mod event;
mod exhaustive;
mod raw;
mod world;
