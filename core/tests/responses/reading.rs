//! Reading as a client does, with what it has to rely on.

use sms_gateway_core::http::{CloseReason, Part, Response, ResponseErrorKind, Verdict};

/// What reading gave.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) status: Option<u16>,
    pub(crate) body: Vec<u8>,
    pub(crate) challenges: Vec<String>,
    pub(crate) location: Option<String>,
    pub(crate) verdict: Verdict,
    /// The answer was whole before the connection ended.
    pub(crate) whole_early: bool,
    pub(crate) error: Option<(ResponseErrorKind, u64)>,
}

/// Reads what a connection brings in these pieces, and its end.
pub(crate) fn read<'i>(pieces: impl IntoIterator<Item = &'i [u8]>) -> Read {
    let mut answer = Response::new([0; 200]);
    let mut body = Vec::new();
    let mut told = Vec::new();
    let mut error = None;
    let (mut given, mut taken) = (0, 0);
    for mut input in pieces {
        given += input.len();
        let whole = input.len();
        loop {
            match answer.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Part::Head { status })) => {
                    assert_eq!((told.as_slice(), answer.status()), (&[][..], Some(status)));
                    told.push("head");
                }
                Ok(Some(Part::Body(piece))) => {
                    assert_eq!(told, ["head"]);
                    // It ends where reading stopped, and is no copy.
                    assert!(!piece.is_empty());
                    assert_eq!(piece.as_ptr_range().end, input.as_ptr());
                    body.extend_from_slice(piece);
                }
                Ok(Some(Part::End)) => {
                    assert_eq!((told.as_slice(), answer.is_complete()), (&["head"][..], true));
                    told.push("end");
                }
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        taken += whole - input.len();
        assert!(input.is_empty() || error.is_some() || answer.is_complete());
        if error.is_some() {
            assert_eq!(answer.next(&mut &b"HTTP/1.1 200 OK\r\n\r\n"[..]).err(), error);
            break;
        }
        assert_eq!(told.last() == Some(&"end"), answer.is_complete());
    }
    let whole_early = answer.is_complete();
    let early = answer.verdict();
    assert!(whole_early || early != Verdict::Keep);
    if whole_early {
        assert!(taken == given || early != Verdict::Keep);
        assert_eq!(answer.remaining(), Some(0));
    }
    let closed = answer.closed();
    error = error.or(closed.err());
    assert_eq!(closed.err(), error);
    if let Some(error) = error {
        assert_eq!((error.offset, answer.verdict()), (taken as u64, Verdict::Close(CloseReason::Unreadable)));
    }
    let verdict = if whole_early { early } else { answer.verdict() };
    Read { body, whole_early, error: error.map(|error| (error.kind, error.offset)), ..head(&answer, verdict) }
}

/// The values of the head, without a body.
fn head(answer: &Response<[u8; 200]>, verdict: Verdict) -> Read {
    Read {
        status: answer.status(),
        body: Vec::new(),
        challenges: answer.challenges().expect("room").map(str::to_owned).collect(),
        location: answer.location().expect("room").map(str::to_owned),
        verdict,
        whole_early: false,
        error: None,
    }
}

/// Cuts into pieces of these sizes, and the rest.
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
