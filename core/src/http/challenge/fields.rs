//! From parameters to a challenge.

use super::{Algorithm, Challenge, Scheme};
use crate::http::{ChallengeErrorKind, Value};

/// The parameters that matter, as they were found.
#[derive(Default)]
pub(super) struct Fields<'a> {
    realm: Option<Value<'a>>,
    nonce: Option<Value<'a>>,
    opaque: Option<Value<'a>>,
    algorithm: Option<Value<'a>>,
    qop: Option<Value<'a>>,
    stale: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    /// Keeps a parameter in place of an earlier one; one of another name is let go.
    pub(super) fn set(&mut self, name: &str, value: Value<'a>) {
        let places = [
            ("realm", &mut self.realm),
            ("nonce", &mut self.nonce),
            ("opaque", &mut self.opaque),
            ("algorithm", &mut self.algorithm),
            ("qop", &mut self.qop),
            ("stale", &mut self.stale),
        ];
        if let Some((_, place)) = places.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) {
            *place = Some(value);
        }
    }

    /// The challenge that they make.
    pub(super) fn scheme(&self, name: &str) -> Result<Scheme<'a>, ChallengeErrorKind> {
        if name.eq_ignore_ascii_case("Digest") {
            self.digest().map(Scheme::Digest)
        } else if name.eq_ignore_ascii_case("Basic") {
            Ok(Scheme::Basic { realm: self.realm.ok_or(ChallengeErrorKind::NoRealm)? })
        } else {
            Err(ChallengeErrorKind::UnknownScheme)
        }
    }

    fn digest(&self) -> Result<Challenge<'a>, ChallengeErrorKind> {
        Ok(Challenge {
            realm: self.realm.ok_or(ChallengeErrorKind::NoRealm)?,
            nonce: self.nonce.ok_or(ChallengeErrorKind::NoNonce)?,
            opaque: self.opaque,
            algorithm: self
                .algorithm
                .map_or(Some(Algorithm::Md5), Algorithm::named)
                .ok_or(ChallengeErrorKind::UnknownAlgorithm)?,
            spelling: self.algorithm,
            qop: self.qop.map_or(Ok(false), offers_auth)?,
            stale: self.stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

/// Whether a list of protections has `auth`; an empty list is as good as none.
fn offers_auth(list: Value<'_>) -> Result<bool, ChallengeErrorKind> {
    let (mut named, mut auth) = (false, false);
    // What is still to come of the word, unless the list has another one here.
    let mut rest = Some(b"auth".as_slice());
    for byte in list.bytes().chain([b',']) {
        match byte.to_ascii_lowercase() {
            b' ' | b'\t' => {}
            b',' => {
                named |= rest != Some(b"auth");
                auth |= rest == Some(b"");
                rest = Some(b"auth");
            }
            small => rest = rest.and_then(|rest| rest.strip_prefix(&[small])),
        }
    }
    if named && !auth { Err(ChallengeErrorKind::UnknownQop) } else { Ok(auth) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChallengeErrorKind::{NoNonce, NoRealm, UnknownAlgorithm, UnknownQop, UnknownScheme};

    fn scheme<'a>(name: &str, parameters: &[(&str, &'a str)]) -> Result<Scheme<'a>, ChallengeErrorKind> {
        let mut fields = Fields::default();
        for (name, value) in parameters {
            fields.set(name, Value::quoted(value));
        }
        fields.scheme(name)
    }

    fn digest<'a>(name: &str, value: &'a str) -> Result<Challenge<'a>, ChallengeErrorKind> {
        match scheme("DIGEST", &[("Realm", "r"), ("NONCE", "n"), (name, value)])? {
            Scheme::Digest(challenge) => Ok(challenge),
            Scheme::Basic { .. } => panic!("Basic"),
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(scheme("Digest", &[("nonce", "n")]), Err(NoRealm));
        assert_eq!(scheme("Digest", &[("realm", "r")]), Err(NoNonce));
        assert_eq!(scheme("bAsIc", &[]), Err(NoRealm));
        assert_eq!(scheme("Bearer", &[("realm", "r")]), Err(UnknownScheme));
        assert_eq!(scheme("basic", &[("realm", "r")]), Ok(Scheme::Basic { realm: Value::token("r") }));
    }

    #[test]
    fn qop_is_a_list() {
        for (list, expected) in [
            ("auth", Ok(true)),
            (r"\aut\h\,x", Ok(true)),
            ("aut,h", Err(UnknownQop)),
            ("AUTH", Ok(true)),
            ("auth,auth-int", Ok(true)),
            ("auth-int , auth", Ok(true)),
            ("", Ok(false)),
            (" ,", Ok(false)),
            ("auth-int", Err(UnknownQop)),
            ("authentic", Err(UnknownQop)),
        ] {
            assert_eq!(digest("qop", list).map(|challenge| challenge.qop()), expected, "{list}");
        }
        assert_eq!(digest("x-qop", "auth-int").map(|challenge| challenge.qop()), Ok(false));
    }

    #[test]
    fn stale_is_true_or_not() {
        for (word, expected) in
            [("true", true), ("TRUE", true), ("FALSE", false), ("", false), ("yes", false)]
        {
            assert_eq!(digest("stale", word).unwrap().stale(), expected, "{word}");
        }
    }

    #[test]
    fn algorithms_are_known_in_any_case() {
        let named = |name| digest("algorithm", name).map(|challenge| challenge.algorithm());
        assert_eq!(digest("x", "").unwrap().algorithm(), Algorithm::Md5);
        assert_eq!((named("md5"), named("MD5-SESS")), (Ok(Algorithm::Md5), Ok(Algorithm::Md5Sess)));
        for unknown in ["", "SHA-512-256", "MD5 ", "MD", "MD5-"] {
            assert_eq!(named(unknown), Err(UnknownAlgorithm), "{unknown}");
        }
        #[cfg(feature = "sha256")]
        assert_eq!(
            (named("sha-256"), named("SHA-256-sess")),
            (Ok(Algorithm::Sha256), Ok(Algorithm::Sha256Sess))
        );
        #[cfg(not(feature = "sha256"))]
        assert_eq!((named("sha-256"), named("SHA-256-sess")), (Err(UnknownAlgorithm), Err(UnknownAlgorithm)));
    }

    #[test]
    fn the_last_of_two_counts() {
        assert_eq!(digest("nonce", "m").unwrap().nonce(), "m");
    }
}
