//! The parts of Digest credentials that do not change between requests.

use core::fmt;

use super::{
    Algorithm, CNONCE, Challenge, Credentials, LoginError, Terms, URI, Value, hash::Hex, secret, write_begin,
    write_cnonce, write_terms, written,
};
use crate::writer::Writer;

/// The parts that all credentials for one challenge share, computed once: the password's hash and most of the header.
///
/// The challenge and the credentials are then no longer needed. For this gateway, the hash is equivalent to the password, so it is
/// never shown.
///
/// # Example
/// ```
/// use sms_gateway_core::http::{Credentials, Scheme, challenge, digest::Prepared};
///
/// let Scheme::Digest(challenge) = challenge::best([r#"Digest realm="box", nonce="1f", qop="auth""#])? else {
///     panic!("Basic")
/// };
/// let prepared = Prepared::new(&challenge, &Credentials::new("admin", "secret"), "77", [0; 128])?;
/// let mut buffer = [0; 256];
/// for nc in 1..=3 {
///     let header = prepared.authorization("GET", "/api", nc, &mut buffer)?;
///     assert!(header.starts_with(r#"Digest username="admin", realm="box", nonce="1f", uri="/api", response=""#));
/// }
/// assert_eq!(prepared.nonce(), challenge.nonce());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Prepared<B> {
    text: B,
    form: Form,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Prepared<B> {
    /// Prepares the credentials for a challenge. All requests use the same `cnonce`. The requirements for it are those of
    /// [`authorization`](super::authorization()).
    ///
    /// The buffer is a lent `&mut [u8]`, or an owned array or vector. It holds the header except for the URI, the response and the
    /// nonce count. This takes some 80 bytes, plus the name, the client's nonce, and the challenge's values.
    ///
    /// # Errors
    /// [`LoginError::Control`] if the name or the client's nonce has a control character; [`LoginError::TooSmall`] with the
    /// size needed.
    pub fn new(
        challenge: &Challenge<'_>,
        credentials: &Credentials<'_>,
        cnonce: &str,
        mut buffer: B,
    ) -> Result<Self, LoginError> {
        let form = Form::new(challenge, credentials, cnonce, buffer.as_mut())?;
        Ok(Self { text: buffer, form })
    }

    /// Writes the value of the `Authorization` header, as [`authorization`](super::authorization()) does.
    ///
    /// # Errors
    /// [`LoginError::Control`] if the URI has a control character; [`LoginError::TooSmall`] with the size needed.
    pub fn authorization<'o>(
        &self,
        method: &str,
        uri: &str,
        nc: u32,
        out: &'o mut [u8],
    ) -> Result<&'o str, LoginError> {
        self.form.authorization(self.text.as_ref(), method, uri, nc, out)
    }

    /// Returns the gateway's nonce.
    pub fn nonce(&self) -> Value<'_> {
        self.form.nonce(self.text.as_ref())
    }

    /// Returns the buffer.
    pub fn into_buffer(self) -> B {
        self.text
    }
}

/// A [`Prepared`] without its text. The text is the header without the URI, the response and the nonce count. It is stored elsewhere.
pub(in crate::http) struct Form {
    places: Places,
    algorithm: Algorithm,
    qop: bool,
    secret: Hex,
}

/// Offsets in the text.
#[derive(Clone, Copy)]
struct Places {
    nonce: usize,
    /// The position at which the URI and the response are inserted.
    request: usize,
    /// The position at which the nonce count is inserted. The client's nonce follows.
    count: usize,
    end: usize,
}

impl Form {
    /// Prepares the credentials for a challenge, and writes their text.
    pub(in crate::http) fn new(
        challenge: &Challenge<'_>,
        credentials: &Credentials<'_>,
        cnonce: &str,
        text: &mut [u8],
    ) -> Result<Self, LoginError> {
        LoginError::check("username", credentials.username())?;
        LoginError::check("cnonce", cnonce)?;
        let mut writer = Writer::new(text);
        let nonce = write_begin(challenge, credentials, &mut writer);
        let request = writer.length();
        write_terms(challenge, &mut writer);
        let count = writer.length();
        write_cnonce(challenge, cnonce, &mut writer);
        let end = writer.finish()?.len();
        Ok(Self {
            places: Places { nonce, request, count, end },
            algorithm: challenge.algorithm(),
            qop: challenge.qop(),
            secret: secret(challenge, credentials, cnonce),
        })
    }

    pub(in crate::http) fn authorization<'o>(
        &self,
        text: &[u8],
        method: &str,
        uri: &str,
        nc: u32,
        out: &'o mut [u8],
    ) -> Result<&'o str, LoginError> {
        LoginError::check("uri", uri)?;
        let Places { request, count, end, .. } = self.places;
        let piece = |from, to| text.get(from..to).unwrap_or_default();
        let terms = Terms {
            algorithm: self.algorithm,
            qop: self.qop,
            secret: self.secret.value(),
            nonce: self.nonce(text),
            cnonce: Value::quoted(piece(count.saturating_add(CNONCE.len()), end.saturating_sub(1))),
        };
        let mut writer = Writer::new(out);
        writer.bytes(piece(0, request));
        terms.write_response(method, uri, nc, &mut writer);
        writer.bytes(piece(request, count));
        terms.write_count(nc, &mut writer);
        writer.bytes(piece(count, end));
        written(writer)
    }

    pub(in crate::http) fn nonce<'t>(&self, text: &'t [u8]) -> Value<'t> {
        let Places { nonce, request, .. } = self.places;
        Value::quoted(text.get(nonce..request.saturating_sub(URI.len())).unwrap_or_default())
    }
}

impl<B> fmt::Debug for Prepared<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("algorithm", &self.form.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{authorization, tests::read};
    use super::*;
    use crate::TooSmall;
    use std::{format, vec, vec::Vec};

    fn prepared(value: &str, room: usize) -> Result<Prepared<Vec<u8>>, LoginError> {
        Prepared::new(&read(value), &Credentials::new(r#"a"b\c"#, "hunter2"), r#"c"n"#, vec![0; room])
    }

    #[test]
    fn prepared_headers_equal_those_written_at_once() {
        for value in [
            r#"Digest realm="a\"b", nonce="\n", opaque="", algorithm="md5-Sess", qop="auth-int,auth", stale=TRUE"#,
            r"digest nonce=n==, realm=\, algorithm=MD5",
            "Digest realm=r, nonce=n, algorithm=MD5-sess",
            "Digest realm=r,nonce=n, qop=auth, opaque=o",
        ] {
            let prepared = prepared(value, 200).unwrap();
            let credentials = Credentials::new(r#"a"b\c"#, "hunter2");
            for (method, uri, nc) in [("GET", "/", 1), ("POST", r#"/a?b="\"#, u32::MAX)] {
                let (mut one, mut two) = ([0; 300], [0; 300]);
                let expected =
                    authorization(&read(value), &credentials, method, uri, nc, r#"c"n"#, &mut one).unwrap();
                assert_eq!(prepared.authorization(method, uri, nc, &mut two), Ok(expected));
            }
            assert_eq!(prepared.nonce(), read(value).nonce());
        }
    }

    #[test]
    fn preparing_with_a_small_buffer_returns_the_size_needed() {
        let value = "Digest realm=r, nonce=n, qop=auth";
        let Err(LoginError::TooSmall(TooSmall { needed })) = prepared(value, 0).map(|_| ()) else {
            panic!("it fits in no buffer")
        };
        for room in [needed - 1, needed, needed + 1] {
            let prepared = prepared(value, room);
            if room < needed {
                assert_eq!(prepared.map(|_| ()), Err(LoginError::TooSmall(TooSmall { needed })));
                continue;
            }
            let prepared = prepared.unwrap();
            let length = prepared.authorization("GET", "/", 1, &mut [0; 300]).unwrap().len();
            for room in 0..length {
                let mut buffer = [0; 300];
                let written = prepared.authorization("GET", "/", 1, &mut buffer[..room]);
                assert_eq!(written.map(str::len), Err(LoginError::TooSmall(TooSmall { needed: length })));
            }
            assert_eq!(prepared.into_buffer().len(), room);
        }
    }

    #[test]
    fn control_characters_cannot_inject_a_prepared_header() {
        let challenge = read("Digest realm=r, nonce=n, qop=auth");
        let refused = |username, cnonce| {
            Prepared::new(&challenge, &Credentials::new(username, "\r\n"), cnonce, [0; 200]).map(|_| ())
        };
        assert_eq!(refused("a\r", "c"), Err(LoginError::Control { field: "username" }));
        assert_eq!(refused("a", "\0"), Err(LoginError::Control { field: "cnonce" }));
        let prepared = Prepared::new(&challenge, &Credentials::new("a", "\r\n"), "c", [0; 200]).unwrap();
        let written = prepared.authorization("GET", "/\n", 1, &mut [0; 300]).map(str::len);
        assert_eq!(written, Err(LoginError::Control { field: "uri" }));
    }

    #[test]
    fn debug_hides_the_hash_of_the_password() {
        let prepared = prepared("Digest realm=r, nonce=n", 200).unwrap();
        assert_eq!(format!("{prepared:?}"), "Prepared { algorithm: Md5, .. }");
    }
}
