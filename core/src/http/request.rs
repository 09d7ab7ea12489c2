//! The bytes of a request: head and body.

use crate::{
    TooSmall,
    call::{AnyCall, CommaEncoding, Method},
    writer::Writer,
};

/// The parts of a request's head that do not depend on the call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// The gateway's host, with the port unless that is 80 (`Host`, RFC 9110 §7.2). It is written unchanged, so check a host from an
    /// untrusted source for line breaks.
    pub host: &'a str,
    /// The credentials for the login challenge, from [`digest`](super::digest) or [`basic`](super::basic). Digest credentials must be
    /// made for the target that [`Call::target`](crate::call::Call::target) writes with the same [`commas`](Self::commas).
    pub authorization: Option<&'a str>,
    /// The encoding of commas in the query.
    pub commas: CommaEncoding,
    /// Whether to ask the gateway to close the connection after the response.
    pub close: bool,
}

/// Writes a request, head and body, into one lent buffer. Sending both in one piece avoids waiting for TCP acknowledgements.
///
/// # Errors
/// [`TooSmall`] with the size needed: the sum of the sizes of the body, the target (at most
/// [`MAX_TARGET_BYTES`](crate::call::MAX_TARGET_BYTES)), the host and the authorization, plus up to 120 bytes.
///
/// # Example
/// ```
/// use sms_gateway_core::{call::QuerySmsInQueue, http::{Head, request}};
///
/// let mut buffer = [0; 128];
/// let head = Head { host: "192.168.1.9", ..Head::default() };
/// assert_eq!(
///     request(&QuerySmsInQueue, &head, &mut buffer)?,
///     b"GET /api/query_sms_in_queue HTTP/1.1\r\nHost: 192.168.1.9\r\n\r\n"
/// );
/// # Ok::<(), sms_gateway_core::TooSmall>(())
/// ```
pub fn request<'b, 'c>(
    call: impl Into<AnyCall<'c>>,
    head: &Head<'_>,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], TooSmall> {
    write(&call.into(), head, buffer)
}

fn write<'b>(call: &AnyCall<'_>, head: &Head<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], TooSmall> {
    let mut out = Writer::new(buffer);
    out.str(call.method().as_str());
    out.str(" ");
    call.write_target(head.commas, &mut out);
    out.str(" HTTP/1.1\r\nHost: ");
    out.str(head.host);
    if let Some(authorization) = head.authorization {
        out.str("\r\nAuthorization: ");
        out.str(authorization);
    }
    if head.close {
        out.str("\r\nConnection: close");
    }
    if call.method() == Method::Post {
        out.str("\r\nContent-Type: application/json\r\nContent-Length: ");
        out.number(call.body_length() as u64);
    }
    out.str("\r\n\r\n");
    call.write_body(&mut out);
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::QuerySmsResult;

    #[test]
    fn post_states_its_length_and_is_written_only_whole() {
        let expected =
            b"POST /api/query_sms_result HTTP/1.1\r\nHost: box:8080\r\nAuthorization: Basic eDp5\r\n\
            Connection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        let head =
            Head { host: "box:8080", authorization: Some("Basic eDp5"), close: true, ..Head::default() };
        let mut buffer = [0; 256];
        assert_eq!(request(&QuerySmsResult::new(), &head, &mut buffer), Ok(&expected[..]));
        let needed = expected.len();
        for room in 0..needed {
            assert_eq!(request(&QuerySmsResult::new(), &head, &mut buffer[..room]), Err(TooSmall { needed }));
        }
    }
}
