//! Requests that the caller composes.

use core::fmt;

use super::{
    Call, Method, QuerySmsInQueue, Spec,
    request::{AnyCall, Content, Query},
};
use crate::{Invalid, json::JsonWriter};

/// A request other than the nine calls, sent with the session's login.
///
/// The session handles login challenges as for the nine calls. It returns every other response unchanged, with any status and
/// with the body in pieces. Without credentials, the session also returns a 401 response, with its challenge.
///
/// ```
/// use sms_gateway_core::{call::{AnyCall, RawCall}, http::{Head, request}};
///
/// let call = RawCall::get("/GetSTKView?port=2")?;
/// let mut buffer = [0; 128];
/// assert_eq!(
///     request(AnyCall::from(&call), &Head { host: "192.168.1.9", ..Head::default() }, &mut buffer)?,
///     b"GET /GetSTKView?port=2 HTTP/1.1\r\nHost: 192.168.1.9\r\n\r\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct RawCall<'a> {
    method: Method,
    target: &'a str,
    body: &'a [u8],
    is_repeatable: bool,
}

impl<'a> RawCall<'a> {
    /// The maximum length of a target, in bytes. Common HTTP libraries have the same limit.
    pub const MAX_TARGET_BYTES: usize = 65_534;

    /// Creates a GET request. `target` is the path with its query, as in the request line. It must begin with `/` and be
    /// percent-encoded.
    ///
    /// After a broken connection, the request is repeated only if the caller made it [`repeatable`](Self::repeatable).
    ///
    /// # Errors
    /// [`Invalid::Target`], [`Invalid::TargetLength`].
    pub fn get(target: &'a str) -> Result<Self, Invalid> {
        Self::new(Method::Get, target, &[])
    }

    /// Creates a POST request. The body is sent as `application/json`. `target` is as in [`get`](Self::get).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn post(target: &'a str, body: &'a [u8]) -> Result<Self, Invalid> {
        Self::new(Method::Post, target, body)
    }

    fn new(method: Method, target: &'a str, body: &'a [u8]) -> Result<Self, Invalid> {
        // None of the excluded bytes occurs in a path or query (RFC 3986). Some would end the `uri` in an `Authorization` header
        // early.
        let is_written = |byte: &u8| byte.is_ascii_graphic() && !b"#\"<>\\`".contains(byte);
        let at = target.bytes().position(|byte| !is_written(&byte));
        match at.or((!target.starts_with('/')).then_some(0)) {
            Some(at) => Err(Invalid::Target { at }),
            None if target.len() > Self::MAX_TARGET_BYTES => {
                Err(Invalid::TargetLength { bytes: target.len() })
            }
            None => Ok(Self { method, target, body, is_repeatable: false }),
        }
    }

    /// Sets whether the request may be sent again if its connection breaks. Use `true` only if the request changes nothing at the
    /// gateway.
    #[must_use]
    pub const fn repeatable(mut self, is_repeatable: bool) -> Self {
        self.is_repeatable = is_repeatable;
        self
    }

    const fn spec(&self) -> &'static Spec {
        const GET: &Spec = &Spec::raw(Method::Get, QuerySmsInQueue::SCHEMA);
        const POST: &Spec = &Spec::raw(Method::Post, QuerySmsInQueue::SCHEMA);
        match self.method {
            Method::Get => GET,
            Method::Post => POST,
        }
    }
}

impl<'c> From<&'c RawCall<'_>> for AnyCall<'c> {
    fn from(call: &'c RawCall<'_>) -> Self {
        Self::new(call.spec(), call.is_repeatable, call)
    }
}

impl Content for RawCall<'_> {
    fn query(&self, query: &mut Query<'_, '_>) {
        query.raw(self.target);
    }

    fn json(&self, json: &mut JsonWriter<'_, '_>) {
        json.raw(self.body);
    }
}

/// Shows neither the query nor the body.
impl fmt::Debug for RawCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        f.debug_struct("RawCall").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::CommaEncoding,
        http::{Head, request},
    };

    #[test]
    fn a_post_is_written_as_it_is() {
        let call = RawCall::post("/STKGo?a=1,2", b"{\"port\": 1}").unwrap();
        let head = Head { host: "box", ..Head::default() };
        let mut buffer = [0; 256];
        let written = request(&call, &head, &mut buffer).unwrap();
        let expected = b"POST /STKGo?a=1,2 HTTP/1.1\r\nHost: box\r\nContent-Type: application/json\r\n\
            Content-Length: 11\r\n\r\n{\"port\": 1}";
        assert_eq!(written, &expected[..]);
        let any = AnyCall::from(&call);
        assert_eq!(any.target(CommaEncoding::Encoded, &mut buffer), Ok("/STKGo?a=1,2"));
        assert_eq!((any.body_length(), any.is_repeatable()), (11, false));
        assert!(AnyCall::from(&call.repeatable(true)).is_repeatable());
    }

    #[test]
    fn targets_that_would_break_the_request_line_are_refused() {
        for (target, at) in [
            ("", 0),
            ("api", 0),
            ("*", 0),
            ("/a b", 2),
            ("/a\r\nX: y", 2),
            ("/ä", 1),
            ("/a#b", 2),
            ("/?\"", 2),
        ] {
            assert_eq!(RawCall::get(target).err(), Some(Invalid::Target { at }), "{target:?}");
        }
    }

    #[test]
    fn a_target_has_at_most_65534_bytes() {
        let target = std::format!("/{}", "a".repeat(RawCall::MAX_TARGET_BYTES));
        assert!(RawCall::get(&target[..65_533]).is_ok() && RawCall::get(&target[..65_534]).is_ok());
        assert_eq!(RawCall::get(&target).err(), Some(Invalid::TargetLength { bytes: 65_535 }));
    }

    #[test]
    fn debug_shows_neither_query_nor_body() {
        let call = RawCall::post("/goip_post?password=secret", b"secret").unwrap();
        assert_eq!(std::format!("{call:?}"), "RawCall { method: Post, path: \"/goip_post\", .. }");
    }
}
