//! Logins, nonces and lock-outs.

mod basic;
mod digest;
mod nonces;

use std::{collections::HashMap, net::IpAddr};

use tokio::time::Instant;

pub(crate) use self::basic::base64;
use self::nonces::Nonces;
use crate::{
    options::{Auth, Counted, Options, Stale},
    rng::Rng,
};

/// The parts of a request on which its login depends.
pub(crate) struct Caller<'a> {
    pub(crate) address: IpAddr,
    pub(crate) method: &'a str,
    /// The request target exactly as sent.
    pub(crate) uri: &'a str,
    pub(crate) authorization: Option<&'a str>,
}

/// The decision on the login of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Welcome,
    /// 401, for this reason.
    Refused(Refusal),
    /// The address is locked out.
    LockedOut,
}

/// The reason for refusing a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request had no login.
    Unknown,
    /// The login is correct except for its nonce. The nonce has expired or was never issued, or its count breaks the rule.
    Expired {
        /// The nonce was issued, but never accepted before.
        unused: bool,
    },
    /// The login is wrong.
    Wrong,
}

/// The consecutive refusals of one address.
#[derive(Debug, Default)]
struct Record {
    refusals: u32,
    locked_until: Option<Instant>,
}

pub(crate) struct Login {
    options: Options,
    opaque: String,
    nonces: Nonces,
    records: HashMap<IpAddr, Record>,
    /// The number of lock-outs.
    pub(crate) lock_outs: u64,
}

impl Login {
    pub(crate) fn new(options: Options, rng: &mut Rng) -> Self {
        let nonces = Nonces::new(options.nonce, options.nonce_count);
        Self { options, opaque: rng.hex(), nonces, records: HashMap::new(), lock_outs: 0 }
    }

    pub(crate) fn set_password(&mut self, password: &str) {
        password.clone_into(&mut self.options.password);
    }

    /// Drops nonces and lock-outs, which a restart does not keep.
    pub(crate) fn restart(&mut self) {
        self.nonces = Nonces::new(self.options.nonce, self.options.nonce_count);
        self.records.clear();
    }

    /// Decides on a request, and counts the refusals of its address. A `distrusted` request is refused as if its password were wrong.
    pub(crate) fn judge(&mut self, caller: &Caller<'_>, distrusted: bool, now: Instant) -> Verdict {
        if self.is_locked_out(caller.address, now) {
            return Verdict::LockedOut;
        }
        let finding = if distrusted { Err(Refusal::Wrong) } else { self.examine(caller, now) };
        match finding {
            Ok(()) => {
                self.records.remove(&caller.address);
                Verdict::Welcome
            }
            Err(refusal) => {
                self.count(caller.address, refusal, now);
                Verdict::Refused(refusal)
            }
        }
    }

    fn is_locked_out(&mut self, address: IpAddr, now: Instant) -> bool {
        let Some(until) = self.records.get(&address).and_then(|record| record.locked_until) else {
            return false;
        };
        if until <= now {
            self.records.remove(&address);
        }
        until > now
    }

    fn examine(&mut self, caller: &Caller<'_>, now: Instant) -> Result<(), Refusal> {
        let (user, password) = (&self.options.user, &self.options.password);
        if self.options.auth == Auth::None {
            return Ok(());
        }
        let header = caller.authorization.ok_or(Refusal::Unknown)?;
        if self.options.auth == Auth::Basic {
            return basic::matches(header, user, password).then_some(()).ok_or(Refusal::Wrong);
        }
        let answer = digest::Answer::parse(header).ok_or(Refusal::Wrong)?;
        let count = self.right_but_for_its_nonce(&answer, caller).ok_or(Refusal::Wrong)?;
        let unused = self.nonces.is_unused(&answer.nonce);
        self.nonces.accept(&answer.nonce, count, now).then_some(()).ok_or(Refusal::Expired { unused })
    }

    /// Returns the nonce count of a login, or `None` if the login is wrong. The nonce itself is not checked.
    fn right_but_for_its_nonce(&self, answer: &digest::Answer, caller: &Caller<'_>) -> Option<u32> {
        let known = answer.username == self.options.user && answer.realm == digest::REALM;
        let about_this = answer.uri == caller.uri && !answer.cnonce.is_empty();
        let as_offered = answer.qop == "auth"
            && answer.algorithm.as_ref().is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("MD5"))
            && answer.opaque.as_ref().is_none_or(|opaque| *opaque == self.opaque);
        let proves = answer.response == answer.expected(caller.method, &self.options.password);
        answer.count().filter(|_| known && about_this && as_offered && proves)
    }

    fn count(&mut self, address: IpAddr, refusal: Refusal, now: Instant) {
        let counts = match self.options.counted {
            Counted::WrongLogin => refusal == Refusal::Wrong,
            Counted::AnyLogin => refusal != Refusal::Unknown,
            Counted::EveryRefusal => true,
        };
        let record = self.records.entry(address).or_default();
        record.refusals += u32::from(counts);
        if self.options.lock_out_after.is_some_and(|limit| record.refusals >= limit) && counts {
            record.locked_until = Some(now + self.options.lock_out_for);
            self.lock_outs += 1;
        }
    }

    /// Returns the value of `WWW-Authenticate` for a refusal, with a new nonce.
    pub(crate) fn challenge(
        &mut self,
        refusal: Refusal,
        ragged: bool,
        rng: &mut Rng,
        now: Instant,
    ) -> String {
        let realm = digest::REALM;
        if self.options.auth == Auth::Basic {
            return format!("Basic realm=\"{realm}\"");
        }
        let nonce = self.nonces.issue(rng, now);
        let opaque = &self.opaque;
        match (ragged, self.stale(refusal)) {
            (false, Some(true)) => format!(
                r#"Digest realm="{realm}", qop="auth", nonce="{nonce}", opaque="{opaque}", algorithm=MD5, stale=true"#
            ),
            (false, _) => format!(
                r#"Digest realm="{realm}", qop="auth", nonce="{nonce}", opaque="{opaque}", algorithm=MD5"#
            ),
            (true, stale) => {
                let stale = match stale {
                    Some(true) => r#", stale="TRUE""#,
                    Some(false) => r#", stale="FALSE""#,
                    None => "",
                };
                format!(
                    r#"Digest realm="{realm}", domain="",qop="auth", nonce="{nonce}", opaque="{opaque}",algorithm="MD5"{stale}"#
                )
            }
        }
    }

    fn stale(&self, refusal: Refusal) -> Option<bool> {
        match self.options.stale {
            Stale::Truthful => Some(matches!(refusal, Refusal::Expired { .. })),
            Stale::AlwaysFalse => Some(false),
            Stale::AlwaysTrue => Some(true),
            Stale::Absent => None,
        }
    }
}
