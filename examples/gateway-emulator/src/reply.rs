//! HTTP responses: regular ones, which hyper sends, and irregular ones, which hyper cannot send.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, ext::ReasonPhrase};

/// The way in which a client finds the end of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// The end of the connection.
    UntilClose,
}

/// The behaviour of a connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The connection waits for the next request.
    KeepAlive,
    /// The connection closes.
    Close,
    /// The connection stays open, but further requests get no response.
    Stall,
}

/// One step in writing a response byte by byte.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(Bytes),
    Pause(Duration),
}

/// The outcome of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An ordinary response, which hyper writes.
    Ordinary(Reply),
    /// Exactly these steps, then this end.
    Exact(Vec<Step>, End),
}

/// A response, which either hyper or the emulator itself writes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) reason: Option<&'static str>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    pub(crate) framing: Framing,
    pub(crate) http_1_0: bool,
    pub(crate) close: bool,
    /// Whether `Connection: close` announces that the connection closes.
    pub(crate) announced: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            reason: None,
            headers: vec![("Content-Type", content_type.to_owned())],
            body: body.into(),
            framing: Framing::Length,
            http_1_0: false,
            close: false,
            announced: true,
        }
    }

    /// Creates a short page like those of a device's web server.
    pub(crate) fn page(status: u16) -> Self {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let title = title.unwrap_or_default();
        let page = format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
        Self::new(status, "text/html", page)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn outcome(self) -> Outcome {
        let unannounced = self.close && !self.announced;
        if self.http_1_0 || self.framing != Framing::Length || unannounced {
            Outcome::Exact(vec![Step::Write(self.bytes())], self.end())
        } else {
            Outcome::Ordinary(self)
        }
    }

    /// Returns the behaviour of the connection after the response.
    pub(crate) fn end(&self) -> End {
        if self.close || self.http_1_0 || self.framing == Framing::UntilClose {
            End::Close
        } else {
            End::KeepAlive
        }
    }

    /// Returns all bytes of the response.
    pub(crate) fn bytes(&self) -> Bytes {
        let version = if self.http_1_0 { "HTTP/1.0" } else { "HTTP/1.1" };
        let canonical = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let reason = self.reason.or(canonical).unwrap_or_default();
        let mut text = format!("{version} {} {reason}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            text.extend(format!("{name}: {value}\r\n").bytes());
        }
        if self.end() == End::Close && self.announced {
            text.extend(b"Connection: close\r\n");
        }
        match self.framing {
            Framing::Length => text.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes()),
            Framing::Chunked => text.extend(b"Transfer-Encoding: chunked\r\n\r\n"),
            Framing::UntilClose => text.extend(b"\r\n"),
        }
        match self.framing {
            Framing::Chunked => chunk(&self.body, &mut text),
            Framing::Length | Framing::UntilClose => text.extend_from_slice(&self.body),
        }
        text.into()
    }

    /// Converts the response for hyper, which adds the length and manages the connection.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut builder = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        if self.close {
            builder = builder.header("Connection", "close");
        }
        if let Some(reason) = self.reason {
            builder = builder.extension(ReasonPhrase::from_static(reason.as_bytes()));
        }
        let body = Full::new(self.body);
        builder.body(body.clone()).unwrap_or_else(|_| Response::new(body))
    }
}

/// The last chunk, with a trailer.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\nX-Served: yes\r\n\r\n";

/// Writes chunks of growing size (RFC 9112 §7.1), each with an extension, and a trailer after the last chunk.
pub(crate) fn chunk(body: &[u8], out: &mut Vec<u8>) {
    let (mut rest, mut size) = (body, 1);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        out.extend(format!("{:X};part=\"{size}\"\r\n", piece.len()).bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
        rest = behind;
        size = size * 2 + 1;
    }
    out.extend_from_slice(LAST_CHUNK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_add_up() {
        let mut out = Vec::new();
        chunk(b"0123456789abc", &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "1;part=\"1\"\r\n0\r\n3;part=\"3\"\r\n123\r\n7;part=\"7\"\r\n456789a\r\n2;part=\"15\"\r\nbc\r\n0\r\nX-Served: yes\r\n\r\n"
        );
    }
}
