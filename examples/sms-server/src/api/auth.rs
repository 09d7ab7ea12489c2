//! Keys of the API: bearer tokens (RFC 6750). Only their hashes are known here.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::{
    Api,
    access::{Access, Gate},
    problem::{Kind, Problem},
};
use crate::{
    config::{Role, Scope},
    metrics,
    storage::AccountId,
};

/// The keys by their hashes. A hash is compared by a table of hashes, so that the time reveals nothing of a key: its 256 random bits cannot
/// be approached step by step.
#[derive(Clone, Default)]
pub struct Keys(HashMap<[u8; 32], Caller>);

/// The holder of the key of a request.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A program of an account.
    Account {
        /// The account.
        account: AccountId,
        /// The actions that the key permits.
        scopes: BTreeSet<Scope>,
    },
    /// An operator of the server.
    Operator {
        /// The name in the configuration.
        name: Arc<str>,
        /// The role.
        role: Role,
    },
}

/// Returns the hash of a key.
pub fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

impl Keys {
    /// Adds a key by its hash. Returns whether the key is new.
    pub fn add(&mut self, hash: [u8; 32], caller: Caller) -> bool {
        self.0.insert(hash, caller).is_none()
    }

    fn caller(&self, headers: &HeaderMap) -> Result<&Caller, Problem> {
        let written = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (_, key) = written
            .and_then(|written| written.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .ok_or_else(missing)?;
        let unknown = || Problem::new(Kind::KeyMissing, "This key is unknown to the server.");
        self.0.get(&hash(key.trim())).ok_or_else(unknown)
    }
}

impl Caller {
    /// Returns the account; `None` for an operator.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account { account, .. } => Some(*account),
            Self::Operator { .. } => None,
        }
    }

    fn must(&self, access: Access) -> Result<(), Problem> {
        let detail = match (self, access) {
            (_, Access::Public) => return Ok(()),
            (Self::Account { scopes, .. }, access) => match access.scope() {
                Some(scope) if scopes.contains(&scope) => return Ok(()),
                Some(scope) => format!("This key does not have the scope `{scope}`."),
                None => "This needs the key of an operator.".to_owned(),
            },
            (Self::Operator { role, .. }, access) => match access.role() {
                Some(least) if *role >= least => return Ok(()),
                Some(least) => format!("This key does not have the role `{least}`."),
                None => "This needs the key of an account.".to_owned(),
            },
        };
        Err(Problem::new(Kind::NotPermitted, detail))
    }
}

/// Lets a request pass if its caller may use the endpoint, and notes the caller for the handler.
pub(super) async fn check(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let response = match admit(&gate, &mut request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // The path of the table, which contains no id.
    let (method, path, status) = (gate.method.as_str(), gate.path, response.status().as_u16());
    metrics::histogram!(metrics::REQUEST_DURATION, "method" => method.to_owned(), "path" => path)
        .record(began.elapsed());
    let labels = [("method", method.to_owned()), ("path", path.to_owned()), ("status", status.to_string())];
    metrics::counter!(metrics::REQUESTS, &labels).increment(1);
    tracing::debug!(method, path, status, duration = ?began.elapsed(), "a request was answered");
    response
}

fn admit(gate: &Gate, request: &mut Request) -> Result<(), Problem> {
    if gate.access != Access::Public {
        let caller = gate.api.keys.caller(request.headers())?;
        caller.must(gate.access)?;
        request.extensions_mut().insert(caller.clone());
    }
    Ok(())
}

fn missing() -> Problem {
    Problem::new(Kind::KeyMissing, "Send a key of the API in the header Authorization: Bearer.")
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// The account whose program makes a request.
pub(super) struct Account(pub(super) AccountId);

impl FromRequestParts<Arc<Api>> for Account {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, api).await? {
            Caller::Account { account, .. } => Ok(Self(account)),
            Caller::Operator { .. } => {
                Err(Problem::new(Kind::NotPermitted, "This needs the key of an account."))
            }
        }
    }
}

/// The operator who makes a request.
pub(super) struct Operator(pub(super) Arc<str>);

impl FromRequestParts<Arc<Api>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, api).await? {
            Caller::Operator { name, .. } => Ok(Self(name)),
            Caller::Account { .. } => {
                Err(Problem::new(Kind::NotPermitted, "This needs the key of an operator."))
            }
        }
    }
}
