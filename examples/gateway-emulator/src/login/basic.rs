//! Basic authentication (RFC 7617).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Whether the value of the `Authorization` header contains this user and password.
pub(crate) fn matches(header: &str, user: &str, password: &str) -> bool {
    header.split_once(' ').is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("Basic")
            && token.trim() == base64(format!("{user}:{password}").as_bytes())
    })
}

/// Encodes in base64 with padding (RFC 4648 §4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    bytes.chunks(3).flat_map(quartet).collect()
}

fn quartet(bytes: &[u8]) -> [char; 4] {
    let byte = |i: usize| usize::from(bytes.get(i).copied().unwrap_or(0));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    std::array::from_fn(
        |i| if i > bytes.len() { '=' } else { char::from(ALPHABET[bits >> (18 - 6 * i) & 63]) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn the_standards_vectors() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    /// RFC 7617 §2.
    #[test]
    fn aladdin() {
        assert!(matches("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"));
        assert!(!matches("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame!"));
        assert!(!matches("Digest QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"));
    }
}
