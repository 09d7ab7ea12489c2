//! Login challenges: `WWW-Authenticate` (RFC 9110 §11.6.1), Digest (RFC 7616 §3.3) and Basic (RFC 7617 §2).
//!
//! Devices write challenges in many ways. The parser accepts several challenges, in one value or in several values; names in any
//! case; values with or without quotes; any white space around `=` and `,`; empty list elements and missing commas; unknown
//! parameters; and unknown schemes with parameters or with a token (`NTLM TlRM…`). If a parameter is repeated, the last one is used.

mod digest;
mod fields;
mod lexer;

pub use digest::{Algorithm, Challenge};

use super::{ChallengeError, ChallengeErrorKind, Value};
use fields::Fields;
use lexer::Lexer;
pub(super) use lexer::is_token;

/// Returns the challenges in one `WWW-Authenticate` value, in order.
///
/// A challenge that can't be answered is returned as an error. The challenges after it are still returned, unless the value is
/// malformed.
///
/// ```
/// use sms_gateway_core::http::{ChallengeErrorKind, Scheme, challenge};
///
/// let mut found = challenge::parse(r#"Negotiate, Basic realm="box", Digest realm="box""#);
/// assert_eq!(found.next().unwrap().unwrap_err().kind, ChallengeErrorKind::UnknownScheme);
/// assert!(matches!(found.next(), Some(Ok(Scheme::Basic { realm })) if realm == "box"));
/// let error = found.next().unwrap().unwrap_err();
/// assert_eq!((error.kind, error.offset), (ChallengeErrorKind::NoNonce, 30));
/// assert!(found.next().is_none());
/// ```
pub const fn parse(value: &str) -> Challenges<'_> {
    Challenges { lexer: Lexer::new(value) }
}

/// Returns the strongest challenge in all `WWW-Authenticate` values of a response: Digest with SHA-256, then Digest with MD5,
/// then Basic. Among equals, the first one is chosen.
///
/// Basic exposes the password to the network, so the caller decides whether to answer it.
///
/// # Errors
/// If no challenge can be answered, the first error of a Digest or Basic challenge, or otherwise
/// [`UnknownScheme`](ChallengeErrorKind::UnknownScheme). [`NoChallenge`](ChallengeErrorKind::NoChallenge) if there are no challenges.
/// The offset is relative to the value that contains the challenge.
///
/// # Example
/// ```
/// use sms_gateway_core::http::{Algorithm, Scheme, challenge};
///
/// let values = [r#"Basic realm="box""#, r#"Digest realm="box", nonce="1f", qop="auth,auth-int""#];
/// let Scheme::Digest(challenge) = challenge::best(values)? else { panic!("Basic") };
/// assert_eq!((challenge.algorithm(), challenge.qop(), challenge.stale()), (Algorithm::Md5, true, false));
/// # Ok::<(), sms_gateway_core::http::ChallengeError>(())
/// ```
// Out of line, because the code is larger when it is inlined into a large future.
#[cfg_attr(target_os = "none", inline(never))]
pub fn best<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Scheme<'a>, ChallengeError> {
    let mut best: Option<Scheme<'a>> = None;
    let mut error = ChallengeError::NONE;
    for value in values {
        for found in parse(value) {
            match found {
                Ok(scheme) if best.is_none_or(|best| scheme.rank() > best.rank()) => best = Some(scheme),
                Err(other) if vague(other.kind) < vague(error.kind) => error = other,
                _ => {}
            }
        }
    }
    best.ok_or(error)
}

/// Ranks an error. The higher the rank, the less the error explains why the login is impossible.
const fn vague(kind: ChallengeErrorKind) -> u8 {
    match kind {
        ChallengeErrorKind::NoChallenge => 2,
        ChallengeErrorKind::UnknownScheme => 1,
        _ => 0,
    }
}

/// An iterator over the challenges of a value: see [`parse`].
#[derive(Clone, Debug)]
pub struct Challenges<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Result<Scheme<'a>, ChallengeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lexer.separators();
        let mut offset = self.lexer.offset();
        let found = self.read().transpose()?;
        Some(found.map_err(|kind| {
            if is_malformed(kind) {
                offset = self.lexer.offset();
                self.lexer.stop();
            }
            ChallengeError { offset, kind }
        }))
    }
}

impl core::iter::FusedIterator for Challenges<'_> {}

impl<'a> Challenges<'a> {
    fn read(&mut self) -> Result<Option<Scheme<'a>>, ChallengeErrorKind> {
        let Some(scheme) = self.lexer.name()? else { return Ok(None) };
        self.lexer.skip_token68();
        let mut fields = Fields::default();
        while let Some((name, value)) = self.lexer.parameter()? {
            fields.set(name, value);
        }
        fields.scheme(scheme).map(Some)
    }
}

/// Returns whether the rest of the value can't be read.
const fn is_malformed(kind: ChallengeErrorKind) -> bool {
    matches!(
        kind,
        ChallengeErrorKind::Malformed | ChallengeErrorKind::Control | ChallengeErrorKind::Unterminated
    )
}

/// A challenge that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// A Digest challenge, answered by [`digest::authorization`](super::digest::authorization).
    Digest(Challenge<'a>),
    /// A Basic challenge, answered by [`basic::authorization`](super::basic::authorization).
    Basic {
        /// The realm, which may be shown to users.
        realm: Value<'a>,
    },
}

impl Scheme<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Digest(challenge) => 1_u8.saturating_add(challenge.algorithm.strength()),
            Self::Basic { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChallengeErrorKind::{Malformed, NoChallenge, NoRealm, UnknownAlgorithm, UnknownQop, UnknownScheme};
    use proptest::prelude::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    fn digest(value: &str) -> Challenge<'_> {
        match best([value]) {
            Ok(Scheme::Digest(challenge)) => challenge,
            other => panic!("{value} reads as {other:?}"),
        }
    }

    fn fault(offset: usize, kind: ChallengeErrorKind) -> ChallengeError {
        ChallengeError { offset, kind }
    }

    #[test]
    fn challenge_of_a_device_is_parsed() {
        let challenge = digest(
            r#"Digest realm="Web Server", domain="",qop="auth", nonce="3f4a9be2c1d05e77", opaque="5ccc069c403ebaf9",algorithm="MD5", stale="FALSE""#,
        );
        assert_eq!(
            (challenge.realm(), challenge.nonce()),
            (Value::token("Web Server"), Value::token("3f4a9be2c1d05e77"))
        );
        assert_eq!(challenge.opaque(), Some(Value::token("5ccc069c403ebaf9")));
        assert_eq!(
            (challenge.algorithm(), challenge.qop(), challenge.stale()),
            (Algorithm::Md5, true, false)
        );
    }

    #[test]
    fn several_challenges_in_one_value_are_found() {
        let value = r#"NTLM TlRMTVNTUAACAAAA==, Negotiate ,, Basic realm=a, Digest realm="b, Basic realm=c",nonce=n, Newauth realm=d,title="e""#;
        let found: Vec<_> = parse(value).collect();
        let expected = [
            Err(fault(0, UnknownScheme)),
            Err(fault(25, UnknownScheme)),
            Ok(Scheme::Basic { realm: Value::token("a") }),
            Ok(Scheme::Digest(digest(r#"Digest realm="b, Basic realm=c",nonce=n"#))),
            Err(fault(94, UnknownScheme)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_is_read_after_a_malformed_byte() {
        let mut found = parse(r#"Basic realm=a, Digest realm="b" @ nonce=n, Basic realm=c"#);
        assert_eq!(found.next(), Some(Ok(Scheme::Basic { realm: Value::token("a") })));
        assert_eq!(found.next(), Some(Err(fault(32, Malformed))));
        assert_eq!(found.next(), None);
        assert_eq!(parse("=").collect::<Vec<_>>(), [Err(fault(0, Malformed))]);
    }

    #[test]
    fn strongest_challenge_is_chosen() {
        let md5 = "Digest realm=r, nonce=m, algorithm=MD5";
        let session = "Digest realm=r, nonce=s, algorithm=MD5-sess";
        let sha = "Digest realm=r, nonce=h, algorithm=SHA-256";
        let basic = "Basic realm=r";
        let strongest = if cfg!(feature = "sha256") { sha } else { md5 };
        assert_eq!(best([basic, md5, sha]), Ok(Scheme::Digest(digest(strongest))));
        assert_eq!(best([format!("{sha}, {md5}, {basic}").as_str()]), Ok(Scheme::Digest(digest(strongest))));
        assert_eq!(best([basic, session, md5]), Ok(Scheme::Digest(digest(session))));
        assert_eq!(
            best(["Negotiate", "", basic, "Basic realm=s"]),
            Ok(Scheme::Basic { realm: Value::token("r") })
        );
        // A challenge that can't be answered does not prevent the choice of another.
        let odd = "Digest realm=r, nonce=o, algorithm=SHA-512-256";
        assert_eq!(best([odd, "?", basic]), Ok(Scheme::Basic { realm: Value::token("r") }));
    }

    #[test]
    fn most_specific_error_is_returned() {
        assert_eq!(best([]), Err(fault(0, NoChallenge)));
        assert_eq!(best(["", " , "]), Err(fault(0, NoChallenge)));
        assert_eq!(best(["Negotiate", "NTLM"]), Err(fault(0, UnknownScheme)));
        let (qop, algorithm) =
            ("Digest realm=r, nonce=n, qop=\"auth-int\"", "Digest realm=r, nonce=n, algorithm=X");
        assert_eq!(best(["Negotiate, Basic", qop]), Err(fault(11, NoRealm)));
        assert_eq!(best([", Negotiate", qop, algorithm]), Err(fault(0, UnknownQop)));
        assert_eq!(best(["Bearer", algorithm, qop]), Err(fault(0, UnknownAlgorithm)));
    }

    /// Generates a parameter in one of its spellings: quotes, white space, escapes.
    fn parameter(name: &'static str, value: &'static str) -> impl Strategy<Value = (String, String)> {
        let space = "[ \t]{0,2}";
        let name = prop::sample::select(Vec::from([String::from(name), name.to_uppercase()]));
        (name, value, any::<bool>(), any::<bool>(), space, space, "[ \t]{0,2},[ ,\t]{0,2}").prop_map(
            |(name, value, quotes, escapes, left, right, behind)| {
                // A name that is followed only by equal signs is a token68.
                let bare = !quotes
                    && !value.trim_matches('=').is_empty()
                    && !value.contains(['"', ',', ' ', '\\', '\t']);
                let escape =
                    |c| if escapes || c == '"' || c == '\\' { format!("\\{c}") } else { String::from(c) };
                let quoted: String = value.chars().map(escape).collect();
                let written = if bare { value.clone() } else { format!("\"{quoted}\"") };
                (format!("{name}{left}={right}{written}{behind}"), value)
            },
        )
    }

    proptest! {
        #[test]
        fn every_spelling_reads_the_same(
            realm in parameter("realm", "[ -~é]{0,9}"),
            nonce in parameter("nonce", "[!-~]{0,12}|[a-z0-9/+]{8}=="),
            opaque in prop::option::of(parameter("opaque", "[ -~]{0,9}")),
            qop in prop::option::of(parameter("qop", "auth|AUTH|auth-int,auth| auth , x")),
            algorithm in prop::option::of(parameter("algorithm", "MD5|md5-sess| MD5\t")),
            stale in prop::option::of(parameter("stale", "true|FALSE|TRUE| true ")),
            unknown in parameter("domain", "[ -~]{0,9}"),
            rotate in 0..7_usize,
            around in prop::sample::select(&[("", ""), ("Negotiate,\t", ""), (", NTLM a/b==, ", "Basic realm=x,"), ("x y=z ", "Bearer")][..]),
        ) {
            let values = [Some(&realm), Some(&nonce), opaque.as_ref(), qop.as_ref(), algorithm.as_ref(), stale.as_ref(), Some(&unknown)];
            let mut parameters: Vec<&str> = values.into_iter().flatten().map(|(text, _)| text.as_str()).collect();
            let places = parameters.len();
            parameters.rotate_left(rotate % places);
            let value = format!("{}dIGEST  {}{}", around.0, parameters.concat(), around.1);

            let challenge = digest(&value);
            prop_assert_eq!(challenge.realm(), realm.1.as_str());
            prop_assert_eq!(challenge.nonce(), nonce.1.as_str());
            prop_assert_eq!(challenge.opaque().is_some(), opaque.is_some());
            if let (Some(read), Some((_, opaque))) = (challenge.opaque(), &opaque) {
                prop_assert_eq!(read, opaque.as_str());
            }
            prop_assert_eq!(challenge.qop(), qop.is_some());
            prop_assert_eq!(challenge.stale(), stale.is_some_and(|(_, stale)| stale.trim().eq_ignore_ascii_case("true")));
            let session = algorithm.is_some_and(|(_, name)| name == "md5-sess");
            prop_assert_eq!(challenge.algorithm(), if session { Algorithm::Md5Sess } else { Algorithm::Md5 });

            let mut buffer = std::vec![0; 2 * value.len() + 60];
            prop_assert_eq!(digest(challenge.write(&mut buffer).unwrap()), challenge);
        }

        #[test]
        fn any_text_is_read_to_its_end(value in "(Digest|Basic|realm|nonce|algorithm|MD5|\\PC|[=\", \t\\\\\r]){0,40}") {
            let mut last = None;
            for found in parse(&value) {
                match found {
                    Ok(Scheme::Digest(challenge)) => {
                        let mut buffer = std::vec![0; 2 * value.len() + 60];
                        prop_assert_eq!(digest(challenge.write(&mut buffer).unwrap()), challenge);
                    }
                    Ok(Scheme::Basic { realm }) => prop_assert!(realm.chars().all(|c| value.contains(c))),
                    Err(error) => {
                        prop_assert!(value.get(error.offset..).is_some_and(|rest| !rest.is_empty()));
                        prop_assert!(last < Some(error.offset));
                        last = Some(error.offset);
                    }
                }
            }
        }
    }
}
