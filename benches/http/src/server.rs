//! The server. It answers a GET without credentials with a challenge, because this library's login begins with such a GET. It answers
//! every other request with the same response.

use std::{io, net::TcpListener};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;

use crate::{case::Case, runtime};

const CHALLENGE: HeaderValue = HeaderValue::from_static(
    r#"Digest realm="Web Server", domain="",qop="auth", nonce="3f4a9be2c1d05e77", opaque="5ccc069c403ebaf9",algorithm="MD5", stale="FALSE""#,
);

/// Serves until the program ends.
///
/// # Errors
/// Errors of the system.
pub(crate) fn serve(listener: TcpListener, case: Case) -> io::Result<()> {
    let body = Bytes::from(case.response());
    runtime()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let body = body.clone();
            let service = service_fn(move |request| response(request, body.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn response(request: Request<Incoming>, body: Bytes) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, received) = request.into_parts();
    received.collect().await?;
    if head.method == Method::GET && !head.headers.contains_key(AUTHORIZATION) {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
        return Ok(response);
    }
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
