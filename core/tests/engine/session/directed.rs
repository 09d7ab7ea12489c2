//! Peers with a plan.
