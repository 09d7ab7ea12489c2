//! The Digest challenge (RFC 7616 §3.3).

use core::fmt;

use super::fields::Fields;
use crate::TooSmall;
use crate::http::{Value, word::is_space};
use crate::writer::Writer;

/// The hash of a Digest login (RFC 7616 §3.3, `algorithm`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5, which is also the default of a challenge without `algorithm`.
    Md5,
    /// MD5, with a password hash that is valid only for a session with one nonce.
    Md5Sess,
    /// SHA-256.
    #[cfg(feature = "sha256")]
    Sha256,
    /// SHA-256, with a password hash that is valid only for a session with one nonce.
    #[cfg(feature = "sha256")]
    Sha256Sess,
}

impl Algorithm {
    const NAMES: &[(&[u8], Self)] = &[
        (b"md5", Self::Md5),
        (b"md5-sess", Self::Md5Sess),
        #[cfg(feature = "sha256")]
        (b"sha-256", Self::Sha256),
        #[cfg(feature = "sha256")]
        (b"sha-256-sess", Self::Sha256Sess),
    ];

    pub(super) fn named(name: Value<'_>) -> Option<Self> {
        let name = name.word();
        Self::NAMES.iter().find(|(known, _)| name.is(known)).map(|known| known.1)
    }

    /// Returns whether the password's hash is hashed again with both nonces (RFC 7616 §3.4.2).
    pub(in crate::http) const fn session(self) -> bool {
        match self {
            Self::Md5 => false,
            Self::Md5Sess => true,
            #[cfg(feature = "sha256")]
            Self::Sha256 => false,
            #[cfg(feature = "sha256")]
            Self::Sha256Sess => true,
        }
    }

    pub(super) const fn strength(self) -> u8 {
        match self {
            Self::Md5 | Self::Md5Sess => 0,
            #[cfg(feature = "sha256")]
            Self::Sha256 | Self::Sha256Sess => 1,
        }
    }
}

/// A Digest challenge (RFC 7616 §3.3).
///
/// Three parameters are ignored: `domain`, because the login is for one gateway; `charset`, because names and passwords are always
/// sent and hashed as UTF-8; and `userhash`, because hashing the name is optional for the client.
#[derive(Clone, Copy)]
pub struct Challenge<'a> {
    /// The parameters as received. Realm and nonce are present.
    pub(super) fields: Fields<'a>,
    pub(super) algorithm: Algorithm,
    pub(super) qop: bool,
    pub(super) stale: bool,
}

impl<'a> Challenge<'a> {
    /// Returns the realm, which is part of the hashed text.
    pub const fn realm(&self) -> Value<'a> {
        or_empty(self.fields.realm())
    }

    /// Returns the gateway's nonce. The nonce count restarts at 1 with each new nonce.
    pub const fn nonce(&self) -> Value<'a> {
        or_empty(self.fields.nonce())
    }

    /// Returns the value that must be sent back unchanged, if there is one.
    pub const fn opaque(&self) -> Option<Value<'a>> {
        self.fields.opaque()
    }

    /// Returns the hash algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns whether the credentials must have `qop=auth` with a nonce count and a client nonce. Otherwise they have the older
    /// form of RFC 2069, without a nonce count.
    pub const fn qop(&self) -> bool {
        self.qop
    }

    /// Returns whether the gateway refused the request only because its nonce had expired. The user then need not enter the credentials
    /// again.
    pub const fn stale(&self) -> bool {
        self.stale
    }

    /// Writes only this challenge as a header value, which can be kept. [Parsing](super::parse) that value yields an equal challenge.
    ///
    /// # Errors
    /// [`TooSmall`] with the size needed. The size of the original value is usually enough.
    ///
    /// # Example
    /// ```
    /// use sms_gateway_core::http::{Scheme, challenge};
    ///
    /// let header = r#"Basic realm="box",Digest realm="box",domain="",nonce=1f,stale=FALSE"#;
    /// let Scheme::Digest(challenge) = challenge::best([header])? else { panic!("Basic") };
    /// let mut kept = [0; 64];
    /// let kept = challenge.write(&mut kept)?;
    /// assert_eq!(kept, r#"Digest realm="box", nonce="1f""#);
    /// assert_eq!(challenge::best([kept])?, Scheme::Digest(challenge));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write<'o>(&self, out: &'o mut [u8]) -> Result<&'o str, TooSmall> {
        let mut writer = Writer::new(out);
        writer.str("Digest realm=");
        self.realm().write_quoted(&mut writer);
        writer.str(", nonce=");
        self.nonce().write_quoted(&mut writer);
        self.write_unchanged(&mut writer);
        writer.str(if self.qop { ", qop=\"auth\"" } else { "" });
        writer.str(if self.stale { ", stale=true" } else { "" });
        // Only whole strings were written, so this is UTF-8.
        Ok(core::str::from_utf8(writer.finish()?).unwrap_or_default())
    }

    /// Returns the bytes of the algorithm's name as the gateway spells it, but without any white space.
    fn spelling(&self) -> impl Iterator<Item = u8> + use<'a> {
        let value = self.fields.algorithm().unwrap_or(Value::token(""));
        value.bytes().filter(|byte| !is_space(*byte))
    }

    /// Writes the parameters that are sent back as received.
    pub(in crate::http) fn write_unchanged(&self, writer: &mut Writer<'_>) {
        if self.fields.algorithm().is_some() {
            writer.str(", algorithm=");
            self.spelling().for_each(|byte| writer.byte(byte));
        }
        if let Some(opaque) = self.opaque() {
            writer.str(", opaque=");
            opaque.write_quoted(writer);
        }
    }
}

const fn or_empty(value: Option<Value<'_>>) -> Value<'_> {
    match value {
        Some(value) => value,
        None => Value::token(""),
    }
}

impl PartialEq for Challenge<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.realm(), self.nonce(), self.opaque()) == (other.realm(), other.nonce(), other.opaque())
            && self.spelling().eq(other.spelling())
            && (self.qop, self.stale) == (other.qop, other.stale)
    }
}

impl Eq for Challenge<'_> {}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("realm", &self.realm())
            .field("nonce", &self.nonce())
            .field("opaque", &self.opaque())
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .field("stale", &self.stale)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::TooSmall;
    use crate::http::{Challenge, Scheme, challenge};

    fn read(value: &str) -> Challenge<'_> {
        match challenge::best([value]).unwrap() {
            Scheme::Digest(challenge) => challenge,
            Scheme::Basic { .. } => panic!("{value} is Digest"),
        }
    }

    #[test]
    fn written_challenge_parses_to_an_equal_one() {
        for value in [
            r#"Digest realm="a\"b", nonce="n", opaque="", algorithm="md5-Sess", qop="auth-int,auth", stale=TRUE"#,
            "digest nonce=n==, realm=\\, algorithm=MD5",
            "Digest realm=r,nonce=n",
            "Digest realm=r, nonce=n, algorithm=\" M\\D5\t\"",
            "Digest realm=r, nonce=n, qop=\" auth \", stale=\" true \"",
        ] {
            let challenge = read(value);
            let mut buffer = [0; 200];
            let kept = challenge.write(&mut buffer).unwrap();
            assert_eq!(read(kept), challenge, "{kept}");
        }
    }

    #[test]
    fn small_buffer_is_an_error_with_the_size_needed() {
        let challenge =
            read(r#"Digest realm="a", nonce="b", opaque="c", algorithm=MD5, qop=auth, stale=true"#);
        let needed = challenge.write(&mut [0; 200]).unwrap().len();
        for room in 0..200 {
            let mut buffer = [0; 200];
            match challenge.write(&mut buffer[..room]) {
                Ok(kept) => assert_eq!((kept.len(), room >= needed), (needed, true)),
                Err(error) => assert_eq!((error, room < needed), (TooSmall { needed }, true)),
            }
        }
    }
}
