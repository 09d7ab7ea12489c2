//! Basic login (RFC 7617), which sends the password in clear text. Old firmware supports nothing else.

use super::{Credentials, LoginError};
use crate::writer::Writer;

/// Writes the value of the `Authorization` header, with name and password in UTF-8.
///
/// The value takes 6 bytes, and 4 for every 3 bytes of `name:password` or part thereof. Anyone can decode the password from the
/// value, so protect the buffer accordingly, and mark the header as sensitive.
///
/// # Errors
/// [`LoginError::ColonInUsername`] and [`LoginError::Control`] if Basic can't carry the credentials (RFC 7617 §2);
/// [`LoginError::TooSmall`] with the size needed.
///
/// # Example
/// ```
/// use sms_gateway_core::http::{Credentials, basic};
///
/// let mut buffer = [0; 64];
/// let header = basic::authorization(&Credentials::new("Aladdin", "open sesame"), &mut buffer)?;
/// assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// # Ok::<(), sms_gateway_core::http::LoginError>(())
/// ```
pub fn authorization<'o>(credentials: &Credentials<'_>, out: &'o mut [u8]) -> Result<&'o str, LoginError> {
    let (username, password) = (credentials.username(), credentials.password());
    LoginError::check("username", username)?;
    LoginError::check("password", password)?;
    if username.bytes().any(|byte| byte == b':') {
        return Err(LoginError::ColonInUsername);
    }
    let mut writer = Writer::new(out);
    writer.str("Basic ");
    base64(username.bytes().chain([b':']).chain(password.bytes()), &mut writer);
    // Base64 is ASCII, so this cannot fail.
    Ok(core::str::from_utf8(writer.finish()?).unwrap_or_default())
}

/// Returns the base64 encoding of `name:password` in a header.
pub(crate) fn token<'a>(credentials: &Credentials<'a>) -> impl Iterator<Item = u8> + Clone + 'a {
    let (username, password) = (credentials.username(), credentials.password());
    let mut bytes = username.bytes().chain([b':']).chain(password.bytes());
    core::iter::from_fn(move || group(&mut bytes)).flatten()
}

/// Writes base64 (RFC 4648 §4).
fn base64(mut bytes: impl Iterator<Item = u8>, writer: &mut Writer<'_>) {
    while let Some(group) = group(&mut bytes) {
        writer.bytes(&group);
    }
}

/// Returns the four characters for the next three bytes or part thereof.
fn group(bytes: &mut impl Iterator<Item = u8>) -> Option<[u8; 4]> {
    let first = bytes.next()?;
    let (second, third) = (bytes.next(), bytes.next());
    let group = u32::from_be_bytes([0, first, second.unwrap_or(0), third.unwrap_or(0)]);
    let third_digit = second.map_or(b'=', |_| digit(group >> 6));
    Some([digit(group >> 18), digit(group >> 12), third_digit, third.map_or(b'=', |_| digit(group))])
}

/// Returns the character for the lowest six bits.
fn digit(bits: u32) -> u8 {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    DIGITS.get((bits & 63) as usize).copied().unwrap_or(b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TooSmall;
    use proptest::prelude::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn header(username: &str, password: &str) -> Result<String, LoginError> {
        authorization(&Credentials::new(username, password), &mut [0; 200]).map(str::to_string)
    }

    #[test]
    fn headers_equal_the_test_vectors_of_rfc_7617() {
        // RFC 7617 §2 and §2.1.
        assert_eq!(header("Aladdin", "open sesame").unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(header("test", "123£").unwrap(), "Basic dGVzdDoxMjPCow==");
    }

    #[test]
    fn base64_pads_every_remainder() {
        for (password, encoded) in [("", "Og=="), ("f", "OmY="), ("fo", "OmZv"), ("~~?>", "On5+Pz4=")] {
            assert_eq!(header("", password).unwrap().strip_prefix("Basic "), Some(encoded));
        }
    }

    #[test]
    fn credentials_that_basic_cannot_carry_are_refused() {
        assert_eq!(header("a:b", "c"), Err(LoginError::ColonInUsername));
        assert_eq!(header("a\n", "c"), Err(LoginError::Control { field: "username" }));
        assert_eq!(header("a", "c\0"), Err(LoginError::Control { field: "password" }));
        assert_eq!(header("a", "b:c").unwrap(), "Basic YTpiOmM=");
    }

    #[test]
    fn small_buffer_is_an_error_with_the_size_needed() {
        let credentials = Credentials::new("Aladdin", "open sesame");
        for room in 0..40 {
            let mut buffer = [0; 40];
            match authorization(&credentials, &mut buffer[..room]) {
                Ok(header) => assert_eq!((header.len(), room >= 34), (34, true)),
                Err(error) => {
                    assert_eq!((error, room < 34), (LoginError::TooSmall(TooSmall { needed: 34 }), true));
                }
            }
        }
    }

    /// Decodes base64 bit by bit.
    fn decoded(text: &str) -> Vec<u8> {
        let all: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
        let digits = text.trim_end_matches('=').chars();
        let bits: Vec<usize> = digits
            .map(|digit| all.iter().position(|known| *known == digit).unwrap())
            .flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1))
            .collect();
        bits.chunks_exact(8)
            .map(|byte| u8::try_from(byte.iter().fold(0, |n, bit| n * 2 + bit)).unwrap())
            .collect()
    }

    proptest! {
        #[test]
        fn name_and_password_can_be_decoded(username in "[^:\\x00-\\x1F\\x7F]{0,16}", password in "[^\\x00-\\x1F\\x7F]{0,16}") {
            let header = header(&username, &password).unwrap();
            let encoded = header.strip_prefix("Basic ").unwrap();
            prop_assert_eq!(encoded.len() % 4, 0);
            prop_assert_eq!(decoded(encoded), std::format!("{username}:{password}").into_bytes());
        }
    }
}
