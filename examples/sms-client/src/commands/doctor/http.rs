//! The heads of requests and responses, read from their bytes.

use super::trace::Exchange;

/// How the end of a response is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length,
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

impl Framing {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Chunked => "chunked",
            Self::UntilClose => "until-close",
        }
    }
}

/// A response. Bytes of the head that are not UTF-8 are replaced.
pub(super) struct Response {
    /// The status line.
    pub(super) line: String,
    pub(super) status: u16,
    /// The names as they are spelt, and the values.
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    /// The body, without the marks of chunks.
    pub(super) body: Vec<u8>,
}

/// A request. Its lines are those of this program.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Exchange {
    /// Reads the response; `None` if its head is incomplete or is not HTTP.
    pub(super) fn response(&self) -> Option<Response> {
        let (head, rest) = split(&self.response)?;
        let mut lines = head.lines();
        let line = lines.next()?.to_owned();
        let status = line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<_> = lines.filter_map(header).collect();
        let is_chunked = value(&headers, "transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let length = value(&headers, "content-length").and_then(|value| value.trim().parse().ok());
        let (framing, body) = match length {
            _ if is_chunked => (Framing::Chunked, unchunked(rest)),
            Some(length) => (Framing::Length, rest.get(..length).unwrap_or(rest).to_vec()),
            None => (Framing::UntilClose, rest.to_vec()),
        };
        Some(Response { line, status, headers, framing, body })
    }

    /// Reads the request.
    pub(super) fn request(&self) -> Option<Request> {
        let (head, body) = split(&self.request)?;
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers: Vec<_> = lines.filter_map(header).collect();
        let authorization = value(&headers, "authorization").map(str::to_owned);
        Some(Request { method, target, authorization, body: body.to_vec() })
    }
}

impl Response {
    /// Returns the value of the first header with this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    pub(super) fn is_http_1_0(&self) -> bool {
        self.line.starts_with("HTTP/1.0")
    }

    /// Returns the reason phrase.
    pub(super) fn reason(&self) -> &str {
        self.line.splitn(3, ' ').nth(2).unwrap_or_default().trim()
    }

    /// Returns whether the response says that the connection closes.
    pub(super) fn announces_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.trim().eq_ignore_ascii_case("close"))
    }
}

/// Splits a message after the empty line.
fn split(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let (head, rest) = bytes.split_at(end);
    Some((String::from_utf8_lossy(head).into_owned(), rest.get(4..)?))
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim_end().to_owned(), value.trim().to_owned()))
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// Joins chunks, as far as they arrived.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|end| end == b"\r\n") {
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let size = line.split(';').next().map(str::trim).unwrap_or_default();
        rest = rest.get(end + 2..).unwrap_or_default();
        let Some(size) = usize::from_str_radix(size, 16).ok().filter(|size| *size > 0) else { break };
        body.extend_from_slice(rest.get(..size).unwrap_or(rest));
        rest = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn response(bytes: &[u8]) -> Option<Response> {
        let (at, request, response) = (SystemTime::now(), Vec::new(), bytes.to_vec());
        Exchange { connection: 1, at, request, response, is_cut: false, is_closed: false }.response()
    }

    #[test]
    fn heads_and_bodies_are_read() {
        let read = response(b"HTTP/1.0 200 Data follows\r\nA: 1\r\nConnection: Close\r\n\r\nbody").unwrap();
        assert_eq!((read.status, read.reason(), read.framing), (200, "Data follows", Framing::UntilClose));
        assert!(read.is_http_1_0() && read.announces_close() && read.header("a") == Some("1"));
        let read = response(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nbody").unwrap();
        assert_eq!((&*read.body, read.framing, read.reason()), (&b"bo"[..], Framing::Length, ""));
        let chunks =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
        for end in chunks.len() - 10..=chunks.len() {
            let read = response(&chunks[..end]).unwrap();
            assert!(b"abcde".starts_with(&read.body) && read.body.len() >= 2, "{end}");
        }
        for wrong in [&b"HTTP/1.1 200 OK\r\nA: 1\r\n"[..], b"", b"hello\r\n\r\n", b"HTTP/1.1\r\n\r\n"] {
            assert!(response(wrong).is_none());
        }
    }
}
