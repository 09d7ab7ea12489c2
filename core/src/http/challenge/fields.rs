//! The parameters of a challenge, and the challenge that they form.

use super::{Algorithm, Challenge, Scheme};
use crate::http::{ChallengeErrorKind, Value, word::Word};

/// The parameters that are used.
const NAMES: [&[u8]; 6] = [b"realm", b"nonce", b"opaque", b"algorithm", b"qop", b"stale"];

/// The parameters' values, as found in the header.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields<'a>([Option<Value<'a>>; NAMES.len()]);

impl<'a> Fields<'a> {
    /// Stores a parameter, replacing an earlier one of the same name. Other names are ignored.
    pub(super) fn set(&mut self, name: &[u8], value: Value<'a>) {
        let mut places = NAMES.iter().zip(&mut self.0);
        if let Some((_, place)) = places.find(|(known, _)| name.eq_ignore_ascii_case(known)) {
            *place = Some(value);
        }
    }

    pub(super) const fn realm(&self) -> Option<Value<'a>> {
        let [realm, ..] = self.0;
        realm
    }

    pub(super) const fn nonce(&self) -> Option<Value<'a>> {
        let [_, nonce, ..] = self.0;
        nonce
    }

    pub(super) const fn opaque(&self) -> Option<Value<'a>> {
        let [_, _, opaque, ..] = self.0;
        opaque
    }

    /// Returns the algorithm as the gateway spells it.
    pub(super) const fn algorithm(&self) -> Option<Value<'a>> {
        let [_, _, _, algorithm, ..] = self.0;
        algorithm
    }

    const fn qop(&self) -> Option<Value<'a>> {
        let [_, _, _, _, qop, ..] = self.0;
        qop
    }

    const fn stale(&self) -> Option<Value<'a>> {
        let [_, _, _, _, _, stale] = self.0;
        stale
    }

    /// Returns the challenge that the parameters form.
    pub(super) fn scheme(&self, name: &[u8]) -> Result<Scheme<'a>, ChallengeErrorKind> {
        let digest = name.eq_ignore_ascii_case(b"Digest");
        if !digest && !name.eq_ignore_ascii_case(b"Basic") {
            return Err(ChallengeErrorKind::UnknownScheme);
        }
        let realm = self.realm().ok_or(ChallengeErrorKind::NoRealm)?;
        if !digest {
            return Ok(Scheme::Basic { realm });
        }
        if self.nonce().is_none() {
            return Err(ChallengeErrorKind::NoNonce);
        }
        let algorithm = self.algorithm().map_or(Some(Algorithm::Md5), Algorithm::named);
        Ok(Scheme::Digest(Challenge {
            algorithm: algorithm.ok_or(ChallengeErrorKind::UnknownAlgorithm)?,
            qop: self.qop().map_or(Ok(false), offers_auth)?,
            stale: self.stale().is_some_and(|stale| stale.word().is(b"true")),
            fields: *self,
        }))
    }
}

/// Returns whether the list in `qop` contains `auth`. An empty list is treated as a missing one.
fn offers_auth(list: Value<'_>) -> Result<bool, ChallengeErrorKind> {
    let mut named = false;
    let mut word = Word::EMPTY;
    let mut bytes = list.bytes();
    loop {
        let byte = bytes.next();
        if let Some(byte) = byte
            && byte != b','
        {
            word.push(byte);
            continue;
        }
        if word.is(b"auth") {
            return Ok(true);
        }
        named |= !word.is_empty();
        word.clear();
        if byte.is_none() {
            return if named { Err(ChallengeErrorKind::UnknownQop) } else { Ok(false) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChallengeErrorKind::{NoNonce, NoRealm, UnknownAlgorithm, UnknownQop, UnknownScheme};

    fn scheme<'a>(name: &str, parameters: &[(&str, &'a str)]) -> Result<Scheme<'a>, ChallengeErrorKind> {
        let mut fields = Fields::default();
        for (name, value) in parameters {
            fields.set(name.as_bytes(), Value::quoted(value.as_bytes()));
        }
        fields.scheme(name.as_bytes())
    }

    fn digest<'a>(name: &str, value: &'a str) -> Result<Challenge<'a>, ChallengeErrorKind> {
        match scheme("DIGEST", &[("Realm", "r"), ("NONCE", "n"), (name, value)])? {
            Scheme::Digest(challenge) => Ok(challenge),
            Scheme::Basic { .. } => panic!("Basic"),
        }
    }

    #[test]
    fn missing_parameters_are_reported() {
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
    fn only_true_means_stale() {
        for (word, expected) in
            [("true", true), ("TRUE", true), ("FALSE", false), ("", false), ("yes", false)]
        {
            assert_eq!(digest("stale", word).unwrap().stale(), expected, "{word}");
        }
    }

    #[test]
    fn names_of_algorithms_ignore_case() {
        let named = |name| digest("algorithm", name).map(|challenge| challenge.algorithm());
        assert_eq!(digest("x", "").unwrap().algorithm(), Algorithm::Md5);
        assert_eq!((named("md5"), named("MD5-SESS")), (Ok(Algorithm::Md5), Ok(Algorithm::Md5Sess)));
        assert_eq!(named(" MD5 "), Ok(Algorithm::Md5));
        for unknown in ["", "SHA-512-256", "MD 5", "MD", "MD5-"] {
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
    fn last_of_repeated_parameters_wins() {
        assert_eq!(digest("nonce", "m").unwrap().nonce(), "m");
    }
}
