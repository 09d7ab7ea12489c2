//! A session against a peer that does anything.

mod directed;
mod event;
mod exhaustive;
mod raw;
mod world;
