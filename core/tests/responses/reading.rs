//! Reads a response as a client does, and checks the guarantees that clients depend on.

use sms_gateway_core::http::{CloseReason, Part, Response, ResponseError, ResponseErrorKind, Verdict};

/// The result of reading a response.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) status: Option<u16>,
    pub(crate) body: Vec<u8>,
    pub(crate) challenges: Vec<String>,
    pub(crate) location: Option<String>,
    pub(crate) verdict: Verdict,
    /// Whether the response was complete before the connection ended.
    pub(crate) whole_early: bool,
    pub(crate) error: Option<(ResponseErrorKind, u64)>,
}

/// Reads a response from a connection that delivers these pieces and then ends.
pub(crate) fn read<'i>(pieces: impl IntoIterator<Item = &'i [u8]>) -> Read {
    let mut response = Response::new([0; 200]);
    let mut body = Vec::new();
    let mut parts = Vec::new();
    let mut error = None;
    let (mut delivered, mut consumed) = (0, 0);
    for mut input in pieces {
        delivered += input.len();
        let whole = input.len();
        loop {
            match response.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Part::Head { status })) => {
                    assert_eq!((parts.as_slice(), response.status()), (&[][..], Some(status)));
                    parts.push("head");
                }
                Ok(Some(Part::Body(piece))) => {
                    assert_eq!(parts, ["head"]);
                    // The piece ends where reading stopped, so it is not a copy.
                    assert!(!piece.is_empty());
                    assert_eq!(piece.as_ptr_range().end, input.as_ptr());
                    body.extend_from_slice(piece);
                }
                Ok(Some(Part::End)) => {
                    assert_eq!((parts.as_slice(), response.is_complete()), (&["head"][..], true));
                    parts.push("end");
                }
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        consumed += whole - input.len();
        assert!(input.is_empty() || error.is_some() || response.is_complete());
        if error.is_some() {
            assert_eq!(response.next(&mut &b"HTTP/1.1 200 OK\r\n\r\n"[..]).err(), error);
            break;
        }
        assert_eq!(parts.last() == Some(&"end"), response.is_complete());
    }
    let whole_early = response.is_complete();
    assert!(!whole_early || consumed == delivered || response.verdict() != Verdict::Keep);
    let (verdict, error) = end(&mut response, consumed as u64, error);
    Read {
        body,
        whole_early,
        error: error.map(|error| (error.kind, error.offset)),
        ..head(&response, verdict)
    }
}

/// Ends the connection. Returns the verdict on it, and the error of the response.
fn end(
    response: &mut Response<[u8; 200]>,
    consumed: u64,
    error: Option<ResponseError>,
) -> (Verdict, Option<ResponseError>) {
    let (whole_early, early) = (response.is_complete(), response.verdict());
    assert!(whole_early || early != Verdict::Keep);
    if whole_early {
        assert_eq!(response.remaining(), Some(0));
    }
    let closed = response.closed();
    let error = error.or(closed.err());
    assert_eq!(closed.err(), error);
    if let Some(error) = error {
        let unreadable = Verdict::Close(CloseReason::Unreadable);
        assert_eq!((error.offset, response.verdict()), (consumed, unreadable));
    }
    (if whole_early { early } else { response.verdict() }, error)
}

/// Returns the values of the head, without a body.
fn head(response: &Response<[u8; 200]>, verdict: Verdict) -> Read {
    Read {
        status: response.status(),
        body: Vec::new(),
        challenges: response.challenges().expect("the values fit").map(str::to_owned).collect(),
        location: response.location().expect("the values fit").map(str::to_owned),
        verdict,
        whole_early: false,
        error: None,
    }
}

/// Splits bytes into pieces of these sizes, and a last piece with the rest.
pub(crate) fn cut<'i>(mut bytes: &'i [u8], sizes: &[usize]) -> Vec<&'i [u8]> {
    let mut pieces = Vec::new();
    for size in sizes {
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}
