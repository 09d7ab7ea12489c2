//! Reading a response in pieces, compared with httparse.

use sms_gateway_core::http::{
    Part, Response, ResponseError,
    ResponseErrorKind::{Coding, Length, LengthAndCoding, LengthsDiffer, Status, Switched, TooLong},
    Verdict,
};

use crate::pieces;

/// Size of the buffer for challenges.
const ROOM: usize = 1000;

/// The result of reading a response.
#[derive(Debug, PartialEq)]
struct Read {
    status: Option<u16>,
    kept: Vec<String>,
    body: Vec<u8>,
    remaining: Option<u64>,
    whole: bool,
    /// The verdict before and after the end of the connection.
    verdicts: [Verdict; 2],
    error: Option<ResponseError>,
    taken: usize,
}

fn read<'i>(bytes: impl IntoIterator<Item = &'i [u8]>) -> Read {
    let mut response = Response::new([0; ROOM]);
    let (mut body, mut heads, mut ends, mut taken) = (Vec::new(), 0, 0, 0);
    'pieces: for piece in bytes {
        let mut input = piece;
        loop {
            let part = response.next(&mut input);
            match part {
                Ok(Some(Part::Head { .. })) => heads += 1,
                Ok(Some(Part::Body(bytes))) => body.extend_from_slice(bytes),
                Ok(Some(Part::End)) => ends += 1,
                Ok(None) | Err(_) => taken += piece.len() - input.len(),
            }
            match part {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => break 'pieces,
            }
        }
    }
    assert_eq!((heads, ends), (i32::from(response.status().is_some()), i32::from(response.is_complete())));
    let (whole, remaining, early) = (response.is_complete(), response.remaining(), response.verdict());
    let error = response.closed().err();
    assert!(error.is_none_or(|error| error.offset == taken as u64));
    Read {
        status: response.status(),
        kept: response
            .challenges()
            .into_iter()
            .flatten()
            .chain(response.location().ok().flatten())
            .map(str::to_owned)
            .collect(),
        body,
        remaining,
        whole,
        verdicts: [early, response.verdict()],
        error,
        taken,
    }
}

/// Asserts that a response reads the same at once and in pieces. If httparse accepts the head, it must read the same values.
///
/// # Panics
/// If a rule is broken.
pub fn run(seed: u8, bytes: &[u8]) {
    let whole = read([bytes]);
    assert_eq!(read(pieces(seed, bytes)), whole);
    assert!(whole.taken == bytes.len() || whole.error.is_some() || whole.whole);
    let mut rest = bytes;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 300];
        let mut head = httparse::Response::new(&mut headers);
        let Ok(httparse::Status::Complete(length)) = head.parse(rest) else { return };
        let (before, after) = rest.split_at(length);
        rest = after;
        let consumed = bytes.len() - rest.len();
        let refused = whole.error.is_some_and(|error| error.offset < consumed as u64);
        match head.code {
            Some(100 | 102..=199) if !refused => {}
            _ => return assert_alike(&whole, &head, rest, before.ends_with(b"\r\n")),
        }
    }
}

/// Compares the result with a head that httparse has accepted, and with the bytes after the head. A head is `orderly` if its last line ends
/// with a carriage return and a line feed. Otherwise chunks may also lack the carriage return, which httparse does not accept.
fn assert_alike(read: &Read, head: &httparse::Response<'_, '_>, rest: &[u8], orderly: bool) {
    let values = |name: &str| {
        let found = head.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.trim_ascii()).collect::<Vec<_>>()
    };
    let Some(status) = read.status else {
        let error = read.error.expect("a head without an error is read");
        let kinds = [Status, Switched, Length, LengthsDiffer, LengthAndCoding, Coding, TooLong];
        return assert!(kinds.contains(&error.kind), "{error}");
    };
    assert_eq!(head.code, Some(status));
    let name = if status == 401 { "WWW-Authenticate" } else { "Location" };
    let mut kept = values(name);
    let fits = kept.iter().map(|value| value.len() + 1).sum::<usize>() <= ROOM;
    kept.retain(|value| !value.is_empty() && std::str::from_utf8(value).is_ok());
    kept.truncate(if status == 401 { usize::MAX } else { usize::from(status / 100 == 3) });
    assert!(!fits || read.kept.iter().map(String::as_bytes).eq(kept), "{:?}", read.kept);

    let (lengths, codings) = (values("Content-Length"), values("Transfer-Encoding"));
    if matches!(status, 204 | 304) {
        assert_eq!((&read.body[..], read.whole), (&[][..], true));
    } else if !codings.is_empty() {
        assert!(lengths.is_empty() && codings.len() == 1 && codings[0].eq_ignore_ascii_case(b"chunked"));
        if read.whole
            && orderly
            && let Some(body) = chunks(rest)
        {
            assert_eq!(read.body, body);
        }
    } else if let [length, ..] = lengths[..] {
        let length = String::from_utf8_lossy(length);
        let length: usize = length
            .split(',')
            .next()
            .and_then(|first| first.trim().parse().ok())
            .expect("httparse and the reader accepted the length");
        assert_eq!(read.body, &rest[..length.min(rest.len())]);
        assert_eq!((read.whole, read.error.is_none()), (rest.len() >= length, rest.len() >= length));
    } else {
        assert_eq!((&read.body[..], read.error, read.whole), (rest, None, false));
    }
}

/// Returns the chunked body with the sizes as httparse reads them, or `None` if the body is incomplete.
fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((length, size))) = httparse::parse_chunk_size(rest) else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        rest = rest.get(length..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}
