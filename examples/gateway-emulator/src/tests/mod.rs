//! Tests over real sockets.

mod canned;
mod closing;
mod control;
mod http;
mod https;
mod login;
mod past;
mod refusals;
mod reports;
mod sending;
