//! Tests of the parts of a messenger that no caller can reach alone.

mod event;
mod health;
