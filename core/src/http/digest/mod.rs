//! Digest login (RFC 7616), and its older forms (RFC 2617, and RFC 2069 without `qop`).
//!
//! Texts are hashed piece by piece and never joined in memory. The hash states on the stack, one of which includes the
//! password, are not wiped. The lent buffer is not wiped either, because it holds only bytes that are sent.

mod hash;
mod md5;
mod prepared;

use super::{Algorithm, Challenge, Credentials, LoginError, Value};
use crate::writer::Writer;
use hash::{Hex, joined};
pub(super) use prepared::Form;
pub use prepared::Prepared;

/// Writes the value of the `Authorization` header (RFC 7616 §3.4).
///
/// - `method` and `uri` must equal those of the request line byte for byte. `uri` is the path with its query.
/// - `nc`, the nonce count, is 1 for the first request with a nonce and grows with each further request. The standard does not
///   allow 0. If the challenge has no [`qop`](Challenge::qop), `nc` is not used.
/// - `cnonce`, the client's nonce, must be random, for instance 16 hexadecimal digits. It may change with each request. With a
///   `-sess` algorithm it must stay the same for each nonce of the gateway, because servers may keep the first one.
///
/// In quoted strings, quotes and backslashes are escaped with a backslash. The hash covers the text without the escapes. Quoted
/// values of the gateway are sent back unchanged. `algorithm` is written only if the challenge has it, in the same spelling.
///
/// For more than one request, [`Prepared`] avoids parsing the challenge and hashing the password each time.
///
/// # Errors
/// [`LoginError::Control`] if the name, the URI or the client's nonce has a control character;
/// [`LoginError::TooSmall`] with the size needed.
///
/// # Example
/// ```
/// use sms_gateway_core::http::{Credentials, Scheme, challenge, digest};
///
/// let Scheme::Digest(challenge) = challenge::best([r#"Digest realm="box", nonce="1f", qop="auth""#])? else {
///     panic!("Basic")
/// };
/// let credentials = Credentials::new("admin", "secret");
/// let mut buffer = [0; 256];
/// let header = digest::authorization(&challenge, &credentials, "GET", "/api", 10, "77", &mut buffer)?;
/// assert!(header.ends_with(r#", qop=auth, nc=0000000a, cnonce="77""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn authorization<'o>(
    challenge: &Challenge<'_>,
    credentials: &Credentials<'_>,
    method: &str,
    uri: &str,
    nc: u32,
    cnonce: &str,
    out: &'o mut [u8],
) -> Result<&'o str, LoginError> {
    LoginError::check("username", credentials.username())?;
    LoginError::check("cnonce", cnonce)?;
    LoginError::check("uri", uri)?;
    let secret = secret(challenge, credentials, cnonce);
    let terms = Terms {
        algorithm: challenge.algorithm(),
        qop: challenge.qop(),
        secret: secret.value(),
        nonce: challenge.nonce(),
        cnonce: Value::token(cnonce),
    };
    let mut writer = Writer::new(out);
    write_begin(challenge, credentials, &mut writer);
    terms.write_response(method, uri, nc, &mut writer);
    write_terms(challenge, &mut writer);
    terms.write_count(nc, &mut writer);
    write_cnonce(challenge, cnonce, &mut writer);
    written(writer)
}

/// The text between the nonce and the URI.
const URI: &str = "\", uri=\"";
/// The text between the nonce count and the client's nonce.
const CNONCE: &str = ", cnonce=\"";

/// Writes the header up to the URI, and returns the offset of the nonce.
fn write_begin(challenge: &Challenge<'_>, credentials: &Credentials<'_>, writer: &mut Writer<'_>) -> usize {
    writer.str("Digest username=");
    Value::token(credentials.username()).write_quoted(writer);
    writer.str(", realm=");
    challenge.realm().write_quoted(writer);
    writer.str(", nonce=\"");
    let nonce = writer.length();
    challenge.nonce().write_inside(writer);
    writer.str(URI);
    nonce
}

/// Writes the parameters between the response and the nonce count.
fn write_terms(challenge: &Challenge<'_>, writer: &mut Writer<'_>) {
    challenge.write_unchanged(writer);
    if challenge.qop() {
        writer.str(", qop=auth, nc=");
    }
}

/// Writes the client's nonce. Without `qop`, it is left out (RFC 2617 §3.2.2), except with a `-sess` algorithm, whose hash covers it.
fn write_cnonce(challenge: &Challenge<'_>, cnonce: &str, writer: &mut Writer<'_>) {
    if challenge.qop() || challenge.algorithm().session() {
        writer.str(CNONCE);
        Value::token(cnonce).write_inside(writer);
        writer.byte(b'"');
    }
}

/// Returns the hash of A1 (RFC 7616 §3.4.2).
fn secret(challenge: &Challenge<'_>, credentials: &Credentials<'_>, cnonce: &str) -> Hex {
    let (username, password) = (Value::token(credentials.username()), Value::token(credentials.password()));
    let plain = joined(challenge.algorithm(), &[username, challenge.realm(), password]);
    if !challenge.algorithm().session() {
        return plain;
    }
    joined(challenge.algorithm(), &[plain.value(), challenge.nonce(), Value::token(cnonce)])
}

/// The inputs of the response hash that are the same for all requests with one nonce.
struct Terms<'a> {
    algorithm: Algorithm,
    qop: bool,
    secret: Value<'a>,
    nonce: Value<'a>,
    cnonce: Value<'a>,
}

impl Terms<'_> {
    /// Writes the URI, which ends its parameter, and the response.
    fn write_response(&self, method: &str, uri: &str, nc: u32, writer: &mut Writer<'_>) {
        Value::token(uri).write_inside(writer);
        writer.str("\", response=\"");
        writer.bytes(self.response(method, uri, nc).digits());
        writer.byte(b'"');
    }

    /// Returns the response (RFC 7616 §3.4.1; without `qop`, RFC 2617 §3.2.2.1).
    fn response(&self, method: &str, uri: &str, nc: u32) -> Hex {
        // The hash of A2 (RFC 7616 §3.4.3).
        let request = joined(self.algorithm, &[Value::token(method), Value::token(uri)]);
        if !self.qop {
            return joined(self.algorithm, &[self.secret, self.nonce, request.value()]);
        }
        let nc = Hex::new(&nc.to_be_bytes());
        let texts = [self.secret, self.nonce, nc.value(), self.cnonce, Value::token("auth"), request.value()];
        joined(self.algorithm, &texts)
    }

    /// Writes the nonce count, if there is one.
    fn write_count(&self, nc: u32, writer: &mut Writer<'_>) {
        if self.qop {
            writer.bytes(Hex::new(&nc.to_be_bytes()).digits());
        }
    }
}

/// Returns the written text. Only whole strings were written, so it is UTF-8.
fn written(writer: Writer<'_>) -> Result<&str, LoginError> {
    Ok(core::str::from_utf8(writer.finish()?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TooSmall;
    use crate::http::{Scheme, challenge};
    use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod, WwwAuthenticateHeader};
    use proptest::prelude::*;
    use std::string::{String, ToString};
    use std::{format, vec};

    pub(super) fn read(value: &str) -> Challenge<'_> {
        match challenge::best([value]).unwrap() {
            Scheme::Digest(challenge) => challenge,
            Scheme::Basic { .. } => panic!("{value} is Digest"),
        }
    }

    /// Writes the credentials for the GET request of the RFCs' examples, with a nonce count of 1.
    fn answer(value: &str, password: &str, cnonce: &str) -> String {
        let credentials = Credentials::new("Mufasa", password);
        let uri = "/dir/index.html";
        authorization(&read(value), &credentials, "GET", uri, 1, cnonce, &mut [0; 500]).unwrap().to_string()
    }

    /// The example of RFC 7616 §3.9.1.
    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn rfc_7616(algorithm: &str) -> String {
        let value = format!(
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{NONCE}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
        );
        answer(&value, "Circle of Life", CNONCE)
    }

    #[test]
    fn rfc_7616_md5() {
        assert_eq!(
            rfc_7616("MD5"),
            format!(
                r#"Digest username="Mufasa", realm="http-auth@example.org", nonce="{NONCE}", uri="/dir/index.html", response="8ca523f5e9506fed4657c9700eebdbec", algorithm=MD5, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, cnonce="{CNONCE}""#
            )
        );
    }

    #[cfg(feature = "sha256")]
    #[test]
    fn rfc_7616_sha256() {
        let header = rfc_7616("SHA-256");
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(header.contains(&format!(r#", response="{response}", algorithm=SHA-256, "#)), "{header}");
    }

    #[test]
    fn rfc_2617() {
        let value = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        assert_eq!(
            answer(value, "Circle Of Life", "0a4f113b"),
            r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41", qop=auth, nc=00000001, cnonce="0a4f113b""#
        );
    }

    #[test]
    fn rfc_2069_as_corrected() {
        // The example of §2.4, with the response of erratum 749.
        let value = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        assert_eq!(
            answer(value, "CircleOfLife", "unused"),
            r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea", opaque="5ccc069c403ebaf9f0171e9517f40e41""#
        );
    }

    #[test]
    fn session_without_qop_sends_its_client_nonce() {
        let header = answer("Digest realm=r, nonce=n, algorithm=MD5-sess", "p", "c");
        assert!(header.ends_with(r#"", algorithm=MD5-sess, cnonce="c""#), "{header}");
    }

    #[test]
    fn challenge_of_a_device_is_answered() {
        let value = r#"Digest realm="Web Server", domain="",qop="auth", nonce="3f4a9be2c1d05e77", opaque="5ccc069c403ebaf9",algorithm="MD5", stale="FALSE""#;
        let credentials = Credentials::new("admin", "admin");
        let uri = "/api/get_port_info?port=1%2C2";
        let mut buffer = [0; 400];
        let header = authorization(&read(value), &credentials, "GET", uri, 10, "0a4f113b", &mut buffer);
        assert_eq!(
            header.unwrap(),
            r#"Digest username="admin", realm="Web Server", nonce="3f4a9be2c1d05e77", uri="/api/get_port_info?port=1%2C2", response="c7f7909e459d421f8a42bd378e702244", algorithm=MD5, opaque="5ccc069c403ebaf9", qop=auth, nc=0000000a, cnonce="0a4f113b""#
        );
    }

    #[test]
    fn md5_sess() {
        let value = r#"Digest realm="testrealm@host.com", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", algorithm=MD5-sess"#;
        let header = answer(value, "Circle Of Life", "0a4f113b");
        assert!(header.contains(r#" response="8e3825c57e897f5a0dec6c2d4e5059d0","#), "{header}");
    }

    #[test]
    fn escapes_are_in_the_header_and_not_hashed() {
        let credentials = Credentials::new(r#"a"b\c"#, "p");
        let plain = read(r#"Digest realm="x", nonce="n""#);
        let escaped = read(r#"Digest realm="\x", nonce="\n""#);
        let (mut one, mut two) = ([0; 200], [0; 200]);
        let one = authorization(&plain, &credentials, "GET", "/", 1, "c", &mut one).unwrap();
        let two = authorization(&escaped, &credentials, "GET", "/", 1, "c", &mut two).unwrap();
        assert!(one.starts_with(r#"Digest username="a\"b\\c", realm="x", nonce="n", "#), "{one}");
        assert!(two.starts_with(r#"Digest username="a\"b\\c", realm="\x", nonce="\n", "#), "{two}");
        let response = |header: &str| header.split(" response=").nth(1).unwrap().to_string();
        assert_eq!(response(one), response(two));
        assert_eq!(response(one), "\"f3674bec604b4c059e22ef21d37e0010\"");
    }

    #[test]
    fn control_characters_cannot_inject_a_header() {
        let challenge = read("Digest realm=r, nonce=n, qop=auth");
        let refused = |username, uri, cnonce| {
            let credentials = Credentials::new(username, "\r\n");
            authorization(&challenge, &credentials, "GET", uri, 1, cnonce, &mut [0; 300]).map(str::len)
        };
        assert_eq!(refused("a\r", "/", "c"), Err(LoginError::Control { field: "username" }));
        assert_eq!(refused("a", "/\n", "c"), Err(LoginError::Control { field: "uri" }));
        assert_eq!(refused("a", "/", "\0"), Err(LoginError::Control { field: "cnonce" }));
        // The password may have a control character, because it is only hashed.
        assert!(refused("a", "/", "c").is_ok());
    }

    /// Generates challenges that the crate digest_auth can parse, too. That crate does not support escapes outside quotes.
    fn challenges() -> impl Strategy<Value = String> {
        let algorithms: &[&str] = if cfg!(feature = "sha256") {
            &[
                "",
                ", algorithm=MD5",
                ", algorithm=MD5-sess",
                ", algorithm=SHA-256",
                ", algorithm=\"SHA-256-sess\"",
            ]
        } else {
            &["", ", algorithm=MD5", ", algorithm=\"MD5-sess\""]
        };
        let qops = prop::sample::select(&["", ", qop=\"auth\"", ", qop=auth"][..]);
        let text = r#"([ -!#-\[\]-~]|\\"|\\\\){0,20}"#;
        (text, text, prop::option::of(text), prop::sample::select(algorithms), qops).prop_map(
            |(realm, nonce, opaque, algorithm, qop)| {
                let opaque = opaque.map_or(String::new(), |opaque| format!(", opaque=\"{opaque}\""));
                format!("Digest realm=\"{realm}\", nonce=\"{nonce}\"{opaque}{algorithm}{qop}")
            },
        )
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(
            value in challenges(),
            username in "[ -~]{0,12}",
            password in any::<String>(),
            method in "[A-Z]{1,7}",
            uri in "/[!-~]{0,40}",
            nc in 1..=u32::MAX,
            cnonce in "[ -~]{0,20}",
        ) {
            let challenge = read(&value);
            let credentials = Credentials::new(&username, &password);
            let mut buffer = vec![0; 2000];
            let header = authorization(&challenge, &credentials, &method, &uri, nc, &cnonce, &mut buffer).unwrap();

            let prepared = Prepared::new(&challenge, &credentials, &cnonce, vec![0; 1000]).unwrap();
            let mut other = vec![0; 2000];
            prop_assert_eq!(prepared.authorization(&method, &uri, nc, &mut other), Ok(header));

            let mut other = WwwAuthenticateHeader::parse(&value).unwrap();
            other.nc = nc - 1;
            let method = HttpMethod::from(method.as_str());
            let mut context = AuthContext::new_with_method(&username, &password, &uri, None::<&[u8]>, method);
            context.set_custom_cnonce(&cnonce);
            let mut expected = other.respond(&context).unwrap();
            if expected.qop.is_none() {
                // Without `qop`, digest_auth does not parse a nonce count.
                expected.nc = 1;
            }
            prop_assert_eq!(AuthorizationHeader::parse(header).unwrap(), expected);
        }

        #[test]
        fn small_buffer_is_an_error_with_the_size_needed(
            value in challenges(),
            username in any::<String>(),
            uri in any::<String>(),
        ) {
            let credentials = Credentials::new(&username, "p");
            let challenge = read(&value);
            let write = |out: &mut [u8]| authorization(&challenge, &credentials, "GET", &uri, 7, "c", out).map(str::len);
            let needed = match write(&mut []) {
                Err(LoginError::TooSmall(TooSmall { needed })) => needed,
                Err(LoginError::Control { .. }) => return Ok(()),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(write(&mut vec![0; needed]), Ok(needed));
            prop_assert_eq!(write(&mut vec![0; needed + 1]), Ok(needed));
            for room in 0..needed {
                prop_assert_eq!(write(&mut vec![0; room]), Err(LoginError::TooSmall(TooSmall { needed })));
            }
        }
    }
}
