//! A gateway that admits clients strictly by RFC 7616, with the hashes of another implementation.

use std::time::Duration;

use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod, Qop};

pub(crate) const USERNAME: &str = "admin";

/// The gateway's treatment of nonces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// The number of requests that one nonce admits; `None` for any number.
    pub(crate) uses: Option<u32>,
    /// The age at which a nonce expires; `None` for never.
    pub(crate) lifetime: Option<Duration>,
    /// Whether the refusal of an expired nonce carries `stale`.
    pub(crate) says_stale: bool,
    /// Whether all challenges within one lifetime carry the same nonce, as on gateways that derive it from the time.
    pub(crate) shares_nonces: bool,
}

impl Policy {
    /// Nonces that never expire.
    pub(crate) const ENDLESS: Self =
        Self { uses: None, lifetime: None, says_stale: false, shares_nonces: false };
}

/// The gateway's response to a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Admitted,
    /// 401 with this challenge, because the login is missing or its nonce is not valid.
    Unauthorized(String),
    /// 401 with this challenge, because of the password. Real gateways lock a client out after several such responses.
    Refused(String),
}

/// A nonce that was offered.
#[derive(Debug)]
struct Nonce {
    text: String,
    issued: Duration,
    /// The number of requests that it admitted.
    uses: u32,
    /// The latest nonce count that was received.
    count: u32,
    is_valid: bool,
}

/// A request as the gateway receives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) authorization: Option<&'a str>,
    /// The password with which the client computed its response. A real gateway does not receive it.
    pub(crate) client_password: &'a str,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) password: &'static str,
    pub(crate) policy: Policy,
    /// Whether every request is admitted without a login.
    pub(crate) is_open: bool,
    nonces: Vec<Nonce>,
    /// Whether the gateway has restarted and offers the same nonces again. A client may then use a nonce that was not offered again yet.
    repeats_nonces: bool,
}

impl Server {
    pub(crate) fn new(password: &'static str, policy: Policy) -> Self {
        Self { password, policy, is_open: false, nonces: Vec::new(), repeats_nonces: false }
    }

    /// Returns the number of different nonces that were offered.
    pub(crate) fn offered(&self) -> usize {
        self.nonces.len()
    }

    /// Returns the highest nonce count received for any nonce.
    pub(crate) fn highest_count(&self) -> u32 {
        self.nonces.iter().map(|nonce| nonce.count).max().unwrap_or(0)
    }

    /// Forgets all nonces, as a restart does.
    pub(crate) fn forget_nonces(&mut self) {
        self.nonces.iter_mut().for_each(|nonce| nonce.is_valid = false);
    }

    /// Restarts as a device without a source of randomness: it offers the same nonces again.
    pub(crate) fn repeat_nonces(&mut self) {
        self.nonces.clear();
        self.repeats_nonces = true;
    }

    /// Handles a request.
    ///
    /// # Panics
    /// If the client breaks the standard: a nonce count used twice, a nonce that was not offered, a wrong response or URI.
    pub(crate) fn receive(&mut self, request: Request<'_>, now: Duration) -> Reply {
        let Some(authorization) = request.authorization else {
            let is_open = self.is_open;
            return if is_open { Reply::Admitted } else { Reply::Unauthorized(self.challenge(false, now)) };
        };
        let header = AuthorizationHeader::parse(authorization).expect("the header is well-formed");
        check_response(&header, request);
        let (Policy { uses, lifetime, says_stale, .. }, is_open) = (self.policy, self.is_open);
        let is_right = request.client_password == self.password;
        let nonce = self.nonces.iter_mut().find(|nonce| nonce.text == header.nonce);
        if nonce.is_none() && self.repeats_nonces {
            let is_stale = says_stale && is_right;
            return if is_open {
                Reply::Admitted
            } else {
                Reply::Unauthorized(self.challenge(is_stale, now))
            };
        }
        let nonce = nonce.expect("the nonce was offered");
        assert!(header.nc > nonce.count, "nonce count {} after {}", header.nc, nonce.count);
        nonce.count = header.nc;
        let is_current = nonce.is_valid
            && uses.is_none_or(|uses| nonce.uses < uses)
            && lifetime.is_none_or(|lifetime| now.saturating_sub(nonce.issued) < lifetime);
        if is_open || is_current && is_right {
            nonce.uses += 1;
            return Reply::Admitted;
        }
        if is_current {
            return Reply::Refused(self.challenge(false, now));
        }
        // RFC 7616 §3.3: `stale` also says that the password is right.
        Reply::Unauthorized(self.challenge(says_stale && is_right, now))
    }

    fn challenge(&mut self, is_stale: bool, now: Duration) -> String {
        let stale = if is_stale { ", stale=true" } else { "" };
        let nonce = self.offer(now);
        format!(r#"Digest realm="box", qop="auth", nonce="{nonce}"{stale}"#)
    }

    /// Returns the text of a nonce to be offered now.
    fn offer(&mut self, now: Duration) -> String {
        let shared = self.policy.lifetime.filter(|_| self.policy.shares_nonces);
        let period = shared.map_or(0, |lifetime| now.as_millis() / lifetime.as_millis().max(1));
        let issued =
            shared.map_or(now, |lifetime| lifetime * u32::try_from(period).expect("tests are short"));
        let current = self.nonces.last().filter(|last| shared.is_some() && last.is_valid);
        if let Some(last) = current.filter(|last| last.issued == issued) {
            return last.text.clone();
        }
        let text = format!("n{}", self.nonces.len());
        self.nonces.push(Nonce { text: text.clone(), issued, uses: 0, count: 0, is_valid: true });
        text
    }
}

/// Checks the response that a client computed, with another implementation.
fn check_response(header: &AuthorizationHeader, request: Request<'_>) {
    assert_eq!((header.username.as_str(), header.uri.as_str()), (USERNAME, request.target));
    assert_eq!(header.qop, Some(Qop::AUTH));
    let method = HttpMethod(request.method.into());
    let context = AuthContext::new_with_method(
        USERNAME,
        request.client_password,
        request.target,
        Option::<&[u8]>::None,
        method,
    );
    let mut expected = header.clone();
    expected.digest(&context);
    assert_eq!(header.response, expected.response);
}
