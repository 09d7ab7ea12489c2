//! The login: its kind, and the lifetime of a nonce.

use std::time::Duration;

use sms_gateway::Failure as CallFailure;

use super::{QUEUE, reach};
use crate::{
    commands::doctor::{
        ask::{Asker, Login},
        finding::Findings,
        http::Response,
        redact,
        schema::{self, QUEUE as QUEUE_SCHEMA},
    },
    failure::Failure,
};

/// The duration of a pause between two queries. If the gateway changes its nonce every second, the nonce has expired after the pause.
const PAUSE: Duration = Duration::from_millis(1200);
/// The maximum number of characters shown of a parameter.
const MAX_SHOWN: usize = 40;

/// Examines the login. Returns whether more queries can be made.
pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) -> Result<bool, Failure> {
    let responses = asker.exchanges().into_iter().filter_map(|exchange| exchange.response());
    let challenge = responses.rev().find(|response| response.status == 401);
    if let Some(challenge) = &challenge {
        describe(challenge, findings);
        if !asker.has_login() {
            findings.problem("login", "no-user", "The gateway wants a login; give the name with --user.");
            return Ok(false);
        }
    }
    let answer = asker.get(Login::With, QUEUE).await?;
    match answer.error.as_ref().map(|error| error.failure) {
        None if answer.status == Some(403) => {
            reach::forbidden(&answer, findings);
            return Ok(false);
        }
        None => {
            schema::examine(&QUEUE_SCHEMA, &answer, findings);
        }
        Some(CallFailure::LoginRefused) => {
            let text = "The gateway refused the user name or the password. They were tried once, since gateways count refusals.";
            findings.problem("login", "login-refused", text);
            return Ok(false);
        }
        Some(CallFailure::BasicNotAllowed) => {
            let text = "The gateway wants a Basic login, which was not tried: allow it with --allow-basic.";
            findings.problem("login", "basic-not-allowed", text);
            return Ok(false);
        }
        Some(failure) => {
            findings.problem("login", "login-failed", format!("The login failed: {failure}."));
            return Ok(!asker.is_over() && !matches!(failure, CallFailure::Challenge(_)));
        }
    }
    if challenge.is_some() {
        findings.fact("login", "login-accepted", "The gateway accepts the login.");
    }
    Ok(true)
}

/// Makes one more query after a pause, with a nonce that has already served many requests.
pub(super) async fn check_pause(asker: &mut Asker) -> Result<(), Failure> {
    if asker.has_login() && !asker.is_over() {
        asker.within(tokio::time::sleep(PAUSE)).await;
        asker.get(Login::With, QUEUE).await?;
    }
    Ok(())
}

/// Describes a challenge.
fn describe(response: &Response, findings: &mut Findings) {
    let values = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    let challenges: Vec<_> = values.map(|(_, value)| &**value).collect();
    let is_scheme = |value: &&&str, scheme: &str| value.to_ascii_lowercase().starts_with(scheme);
    if let Some(digest) = challenges.iter().find(|value| is_scheme(value, "digest")) {
        let nonce = parameter(digest, "nonce").unwrap_or_default().len();
        let named = |name, default: &str| {
            let value = parameter(digest, name).map(|value| redact::parameter(name, value));
            value.map_or_else(|| default.to_owned(), |value| value.chars().take(MAX_SHOWN).collect())
        };
        let (algorithm, qop) = (named("algorithm", "MD5 (by default)"), named("qop", "none"));
        let text = format!("Digest login, algorithm {algorithm}, qop {qop}, nonces of {nonce} characters.");
        findings.fact("login", "digest-login", text);
        if digest.contains("algorithm=\"") || digest.contains("stale=\"") {
            let text = "The challenge quotes algorithm or stale, which RFC 7616 does not allow.";
            findings.quirk("login", "ragged-challenge", text);
        }
    } else if challenges.iter().any(|value| is_scheme(&value, "basic")) {
        findings.quirk("login", "basic-login", "Basic login, which exposes the password to the network.");
    } else {
        findings.problem("login", "unknown-login", "The 401 has no challenge that this program can answer.");
    }
}

/// Returns the value of a parameter in a `WWW-Authenticate` or `Authorization` header.
fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let parts = value.split_once(' ').map_or(value, |(_, parts)| parts).split(',');
    let mut found = parts.filter_map(|part| part.split_once('='));
    let (_, value) = found.find(|(known, _)| known.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// The use of one nonce.
#[derive(Default)]
struct Use {
    nonce: String,
    accepted: u32,
    /// `Some` if the nonce was refused after it had been accepted. The value is whether that refusal said `stale=true`.
    expired: Option<bool>,
}

/// Reports the use and the expiry of nonces during all queries.
pub(super) fn check_nonces(asker: &Asker, findings: &mut Findings) {
    let uses = uses(asker);
    let accepted: Vec<_> = uses.iter().filter(|one| one.accepted > 0).collect();
    let most = accepted.iter().map(|one| one.accepted).max().unwrap_or(0);
    let expired = accepted.iter().find_map(|one| one.expired);
    if most == 1 && accepted.len() > 1 {
        findings.quirk("login", "nonce-one-request", "A nonce is valid for one request.");
    } else if expired.is_some() {
        findings.quirk(
            "login",
            "nonce-expires",
            "A nonce expired during the check, after more than one request.",
        );
    } else if most > 0 {
        findings.fact("login", "nonce-lasts", format!("One nonce served {most} requests."));
    }
    if expired == Some(false) {
        let text =
            "The challenge after an expired nonce does not say stale=true: it looks like a refused password.";
        findings.quirk("login", "stale-missing", text);
    }
}

fn uses(asker: &Asker) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    for exchange in asker.exchanges() {
        let authorization = exchange.request().and_then(|request| request.authorization);
        let nonce = authorization.as_deref().and_then(|value| parameter(value, "nonce")).map(str::to_owned);
        let (Some(nonce), Some(response)) = (nonce, exchange.response()) else { continue };
        let index = uses.iter().position(|one| one.nonce == nonce).unwrap_or(uses.len());
        if index == uses.len() {
            uses.push(Use { nonce, ..Use::default() });
        }
        let Some(one) = uses.get_mut(index) else { continue };
        if response.status != 401 {
            one.accepted += 1;
        } else if one.accepted > 0 {
            let challenge = response.header("www-authenticate").unwrap_or_default();
            let stale = parameter(challenge, "stale").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            one.expired = Some(stale);
        }
    }
    uses
}
