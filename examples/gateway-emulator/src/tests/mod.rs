//! A gateway over real sockets.

mod canned;
mod closing;
mod control;
mod http;
mod login;
mod reports;
mod sending;
