//! A request as the server reads it.

use std::net::IpAddr;

use bytes::Bytes;

/// A whole request.
pub(crate) struct Request {
    pub(crate) connection: u64,
    /// The number of earlier responses on the connection.
    pub(crate) answered: u32,
    pub(crate) address: IpAddr,
    pub(crate) method: String,
    /// The request target exactly as sent.
    pub(crate) uri: String,
    pub(crate) authorization: Option<String>,
    pub(crate) host: String,
    /// Whether the client wants the connection to close after the response.
    pub(crate) last: bool,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn path_and_query(&self) -> (&str, &str) {
        self.uri.split_once('?').unwrap_or((&self.uri, ""))
    }
}
