//! The server side of Digest access authentication (RFC 7616), with MD5 and qop=auth.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

/// The realm of real devices.
pub(crate) const REALM: &str = "Web Server";

/// The parameters after `Authorization: Digest`.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) username: String,
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) uri: String,
    pub(crate) response: String,
    pub(crate) algorithm: Option<String>,
    pub(crate) opaque: Option<String>,
    pub(crate) qop: String,
    pub(crate) nc: String,
    pub(crate) cnonce: String,
}

impl Answer {
    /// Reads the value of the header. Returns `None` if it is not Digest or not well-formed.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (scheme, mut rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut answer = Self::default();
        while !rest.trim_start().is_empty() {
            let (name, value, behind) = parameter(rest)?;
            answer.set(&name, value);
            rest = behind;
        }
        Some(answer)
    }

    fn set(&mut self, name: &str, value: String) {
        match name {
            "username" => self.username = value,
            "realm" => self.realm = value,
            "nonce" => self.nonce = value,
            "uri" => self.uri = value,
            "response" => self.response = value,
            "algorithm" => self.algorithm = Some(value),
            "opaque" => self.opaque = Some(value),
            "qop" => self.qop = value,
            "nc" => self.nc = value,
            "cnonce" => self.cnonce = value,
            _ => {}
        }
    }

    /// Returns the nonce count. Returns `None` if it does not have exactly eight hexadecimal digits.
    pub(crate) fn count(&self) -> Option<u32> {
        let hex = self.nc.len() == 8 && self.nc.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(&self.nc, 16).ok()).flatten()
    }

    /// Returns the response for this password (RFC 7616 §3.4.1).
    pub(crate) fn expected(&self, method: &str, password: &str) -> String {
        let secret = hash(&[&self.username, &self.realm, password]);
        let request = hash(&[method, &self.uri]);
        hash(&[&secret, &self.nonce, &self.nc, &self.cnonce, &self.qop, &request])
    }
}

/// Joins the parts with colons, and returns the MD5 of the result in hexadecimal digits.
fn hash(parts: &[&str]) -> String {
    Md5::digest(parts.join(":")).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Splits off one `name=value` or `name="value"`, and the comma after it.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let (value, rest) = if let Some(quoted) = rest.trim_start().strip_prefix('"') {
        unquote(quoted)?
    } else {
        let end = rest.find(',').unwrap_or(rest.len());
        (rest[..end].trim().to_owned(), &rest[end..])
    };
    let rest = rest.trim_start();
    let behind = if rest.is_empty() { rest } else { rest.strip_prefix(',')? };
    Some((name.trim().to_ascii_lowercase(), value, behind))
}

/// Splits off a quoted value, and removes the backslashes that escape characters in it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1 printed with MD5, and RFC 2617 §3.5.
    #[test]
    fn the_standards_examples() {
        let header = r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let answer = Answer::parse(header).unwrap();
        assert_eq!(answer.expected("GET", "Circle of Life"), answer.response);
        assert_eq!(answer.count(), Some(1));
        let header = r#"Digest username="Mufasa",realm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",uri="/dir/index.html",qop=auth,nc=00000001,cnonce="0a4f113b",response="6629fae49393a05397450978507c4ef1",opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let answer = Answer::parse(header).unwrap();
        assert_eq!(answer.expected("GET", "Circle Of Life"), answer.response);
    }

    #[test]
    fn quoting_and_spacing() {
        let answer = Answer::parse(r#"digest  NC=0000000a ,uri = "/a,b=\"c\\" , qop="auth""#).unwrap();
        assert_eq!(
            (answer.count(), answer.uri.as_str(), answer.qop.as_str()),
            (Some(10), r#"/a,b="c\"#, "auth")
        );
        for broken in ["Basic abc", "Digest", "Digest nc", "Digest uri=\"/", "Digest uri=\"/\" nc=1"] {
            assert!(Answer::parse(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn the_count_has_eight_digits() {
        for nc in ["", "1", "0000001", "000000001", "0000000g", "+0000001"] {
            let answer = Answer { nc: nc.into(), ..Answer::default() };
            assert_eq!(answer.count(), None, "{nc}");
        }
    }
}
