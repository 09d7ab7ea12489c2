//! Calls over one connection that stays open.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::Failure;

/// The time limit of a connection and of a call.
const LIMIT: Duration = Duration::from_secs(30);

/// A connection to an HTTP server.
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// There is no connection within 30 s.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = timeout(LIMIT, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender, or with the server.
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Makes a call, and returns the status and the body of the response.
    ///
    /// # Errors
    /// There is no complete response within 30 s. Nothing is repeated. After an error, the connection cannot be used.
    pub async fn call(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let called = async {
            self.0.ready().await?;
            let response = self.0.send_request(request).await?;
            let status = response.status();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        timeout(LIMIT, called).await?
    }
}
