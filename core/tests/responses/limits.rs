//! Each limit, tested one below it, at it, and one above it.

use sms_gateway_core::{
    TooSmall,
    http::{MAX_HEAD_BYTES, Part, Response, ResponseErrorKind::TooLong, Verdict},
};

use crate::reading::read;

/// Returns a response with this number of bytes in its head.
fn head(begin: &str, length: usize) -> Vec<u8> {
    let end = "\r\nContent-Length: 2\r\n\r\n";
    let mut bytes = begin.as_bytes().to_vec();
    bytes.resize(length - end.len(), b'x');
    bytes.extend_from_slice(end.as_bytes());
    bytes
}

#[test]
fn head_has_a_maximum_length() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(8);
    for begin in ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX: ", &format!("\r\n{interim}HTTP/1.1 200 OK\r\nX")] {
        let begin = if begin.ends_with('X') { format!("{begin}: ") } else { begin.to_owned() };
        for length in [MAX_HEAD_BYTES - 1, MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1] {
            let bytes = [head(&begin, length), b"hi".to_vec()].concat();
            let whole = read([&bytes[..]]);
            assert_eq!(read(bytes.chunks(1000)), whole);
            if length <= MAX_HEAD_BYTES {
                assert_eq!((whole.status, &whole.body[..], whole.error), (Some(200), &b"hi"[..], None));
            } else {
                assert_eq!((whole.status, whole.error), (None, Some((TooLong, MAX_HEAD_BYTES as u64))));
            }
        }
    }
}

/// Returns a chunked response with this number of bytes between two bytes of its body.
fn between_chunks(length: usize) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na".to_vec();
    let begin = bytes.len();
    bytes.extend_from_slice(b"\r\n1;");
    bytes.resize(begin + length - 2, b'x');
    bytes.extend_from_slice(b"\r\nb\r\n");
    bytes
}

#[test]
fn chunk_extension_has_a_maximum_length() {
    for length in [MAX_HEAD_BYTES - 1, MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1] {
        let bytes = between_chunks(length);
        let whole = read([&bytes[..], b"0\r\n\r\n"]);
        let expected = if length <= MAX_HEAD_BYTES { (&b"ab"[..], None) } else { (&b"a"[..], Some(TooLong)) };
        assert_eq!((&whole.body[..], whole.error.map(|error| error.0)), expected, "{length}");
    }
}

#[test]
fn trailers_have_a_maximum_length() {
    for length in [MAX_HEAD_BYTES - 1, MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1] {
        let mut bytes = between_chunks(100);
        let begin = bytes.len() - 2;
        bytes.extend_from_slice(b"0\r\nX:");
        bytes.resize(begin + length - 4, b'x');
        bytes.extend_from_slice(b"\r\n\r\n");
        let expected = (length > MAX_HEAD_BYTES).then_some(TooLong);
        assert_eq!(read([&bytes[..]]).error.map(|error| error.0), expected, "{length}");
    }
}

const TWO_CHALLENGES: &[u8] = b"HTTP/1.1 401 No\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\
    WWW-Authenticate: Basic realm=a  \r\nWWW-Authenticate:\r\nWWW-Authenticate: Digest realm=a    \r\nContent-Length: 2\r\n\r\nno";

#[test]
fn small_buffer_is_an_error_with_the_size_needed_and_the_rest_is_read() {
    let needed = "Basic realm=a\nDigest realm=a".len();
    for room in [0, 1, 12, 13, 14, needed - 1, needed, needed + 1] {
        let mut buffer = vec![0; room];
        let mut response = Response::new(&mut buffer[..]);
        let mut input = TWO_CHALLENGES;
        assert_eq!(response.next(&mut input), Ok(Some(Part::Head { status: 401 })));
        let challenges = response.challenges().map(|found| found.map(str::to_owned).collect());
        if room < needed {
            assert_eq!(challenges, Err(TooSmall { needed }));
        } else {
            assert_eq!(challenges, Ok(vec!["Basic realm=a".to_owned(), "Digest realm=a".to_owned()]));
        }
        assert_eq!(response.next(&mut input), Ok(Some(Part::Body(b"no"))));
        assert_eq!(response.next(&mut input), Ok(Some(Part::End)));
        assert_eq!(response.verdict(), Verdict::Keep);
    }
}

#[test]
fn small_buffer_for_a_location_is_an_error_with_the_size_needed() {
    for room in 0..3 {
        let mut response = Response::new(vec![0; room]);
        let mut input = &b"HTTP/1.1 301 Moved\r\nLocation: /a\r\n\r\n"[..];
        assert_eq!(response.next(&mut input), Ok(Some(Part::Head { status: 301 })));
        assert_eq!(response.location(), if room < 2 { Err(TooSmall { needed: 2 }) } else { Ok(Some("/a")) });
        assert_eq!(response.into_buffer().len(), room);
    }
}

#[test]
fn other_fields_need_no_space() {
    let bytes = [head("HTTP/1.1 401 No\r\nServer: ", 10_000), b"hi".to_vec()].concat();
    let mut response = Response::new([]);
    let mut input = &bytes[..];
    assert_eq!(response.next(&mut input), Ok(Some(Part::Head { status: 401 })));
    assert_eq!(response.challenges().map(Iterator::count), Ok(0));
}
