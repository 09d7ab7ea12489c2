//! A gateway over real sockets.

mod canned;
mod control;
mod http;
mod login;
mod reports;
mod sending;
