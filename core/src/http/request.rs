//! The request, head and body, as the bytes that go out.

use crate::{
    TooSmall,
    call::{AnyCall, CommaEncoding, Method},
    writer::Writer,
};

/// What a request's head says beside the call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// The gateway's host, with the port unless it is 80 (`Host`, RFC 9110 §7.2). It is written as it is: a host from an
    /// untrusted source must be checked for line breaks first.
    pub host: &'a str,
    /// The answer to the login challenge, from [`digest`](super::digest) or [`basic`](super::basic). It covers the target
    /// as [`Call::target`](crate::call::Call::target) writes it with the same [`commas`](Self::commas).
    pub authorization: Option<&'a str>,
    /// How commas in the query are written.
    pub commas: CommaEncoding,
    /// Whether the connection is to be closed behind the answer, else it is kept.
    pub close: bool,
}

/// Writes a request, head and body, into one lent buffer: sent in one piece it does not wait for acknowledgements in between.
///
/// # Errors
/// [`TooSmall`] with the size needed: that of the body, of the target (at most
/// [`MAX_TARGET_BYTES`](crate::call::MAX_TARGET_BYTES)), of the host and the authorization, and 110 bytes.
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
    fn a_post_has_its_length_and_fits_only_whole() {
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
