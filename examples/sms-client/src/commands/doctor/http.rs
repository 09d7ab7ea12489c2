//! Requests and responses, parsed from their bytes.

use super::trace::Exchange;

/// The way in which the end of a response is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length,
    Chunked,
    /// The end of the connection.
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
    /// The names, in their original spelling, and the values.
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    /// The body, without the chunk framing.
    pub(super) body: Vec<u8>,
    /// Whether the whole body arrived, as far as the framing shows this.
    pub(super) is_whole: bool,
}

/// A request that this program sent.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Exchange {
    /// Parses the final response. Returns `None` if its head is incomplete or is not HTTP.
    pub(super) fn response(&self) -> Option<Response> {
        let mut bytes = &self.response[..];
        loop {
            let (head, rest) = split(bytes)?;
            let line = head.lines().next()?.to_owned();
            let status = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
            match status {
                100..200 => bytes = rest,
                200..1000 => break Some(Self::read(line, status, &headers(&head), rest)),
                _ => break None,
            }
        }
    }

    fn read(line: String, status: u16, headers: &[(String, String)], rest: &[u8]) -> Response {
        let headers = headers.to_vec();
        let is_chunked = value(&headers, "transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let length = value(&headers, "content-length").and_then(|value| value.trim().parse().ok());
        let (framing, body, is_whole) = match length {
            _ if is_chunked => {
                let (body, is_whole) = unchunked(rest);
                (Framing::Chunked, body, is_whole)
            }
            Some(length) => {
                (Framing::Length, rest.get(..length).unwrap_or(rest).to_vec(), rest.len() >= length)
            }
            None => (Framing::UntilClose, rest.to_vec(), true),
        };
        Response { line, status, headers, framing, body, is_whole }
    }

    /// Parses the request.
    pub(super) fn request(&self) -> Option<Request> {
        let (head, body) = split(&self.request)?;
        let mut words = head.lines().next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers = headers(&head);
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

    /// Returns whether the response announces that the connection closes.
    pub(super) fn announces_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.trim().eq_ignore_ascii_case("close"))
    }
}

/// Splits a message after the empty line. Lines end with a line feed, with or without a carriage return before.
fn split(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut start = 0;
    loop {
        let end = start + bytes.get(start..)?.iter().position(|byte| *byte == b'\n')?;
        if matches!(bytes.get(start..end)?, b"" | b"\r") && start > 0 {
            let head = String::from_utf8_lossy(bytes.get(..start)?).into_owned();
            return Some((head, bytes.get(end + 1..)?));
        }
        start = end + 1;
    }
}

/// Parses the headers of a head. A line that begins with white space continues the line before.
fn headers(head: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines().skip(1) {
        match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => value.extend([" ", line.trim()]),
            (_, _, Some((name, value))) => {
                headers.push((name.trim_end().to_owned(), value.trim().to_owned()));
            }
            _ => {}
        }
    }
    headers
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// Joins the chunks that arrived. Returns the body, and whether the last chunk arrived.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let size = line.split(';').next().map(str::trim).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        match usize::from_str_radix(size, 16) {
            Ok(0) => return (body, true),
            Ok(size) => {
                body.extend_from_slice(rest.get(..size).unwrap_or(rest));
                rest = rest.get(size..).unwrap_or_default();
            }
            Err(_) => break,
        }
        // Skips the line end after the chunk.
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        rest = rest.get(end..).unwrap_or_default();
    }
    (body, false)
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
        assert!(!response(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nbody").unwrap().is_whole);
        let read = response(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nbody").unwrap();
        assert_eq!((&*read.body, read.framing, read.reason()), (&b"bo"[..], Framing::Length, ""));
        let chunks =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
        for end in chunks.len() - 10..=chunks.len() {
            let read = response(&chunks[..end]).unwrap();
            assert!(b"abcde".starts_with(&read.body) && read.body.len() >= 2, "{end}");
            assert_eq!(read.is_whole, end >= chunks.len() - 2, "{end}");
        }
        let odd = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\nB: 2\n\nHTTP/1.1 401 Who\nA : 1,\n\t2: 3\n\nx\n\n";
        let read = response(odd).unwrap();
        assert_eq!(
            (read.status, &*read.body, &*read.headers),
            (401, &b"x\n\n"[..], &[("A".into(), "1, 2: 3".into())][..])
        );
        for wrong in [
            &b"HTTP/1.1 200 OK\r\nA: 1\r\n"[..],
            b"",
            b"\r\n\r\n",
            b"hello\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 13800 OK\r\n\r\n",
            b"HTTP/1.1 99 OK\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            assert!(response(wrong).is_none());
        }
    }
}
