//! A gateway over real sockets.

mod login;
