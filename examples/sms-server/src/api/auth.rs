//! Keys of the API: bearer tokens (RFC 6750). Only their hashes are known here.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use sha2::{Digest, Sha256};

use super::{Api, problem::Problem};
use crate::{config::Scope, storage::AccountId};

/// The keys by their hashes. A hash is compared by a table of hashes, so that the time reveals nothing of a key: its 256 random bits cannot
/// be approached step by step.
#[derive(Clone, Default)]
pub struct Keys(HashMap<[u8; 32], Caller>);

/// Whoever makes a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The actions that the key permits.
    pub scopes: BTreeSet<Scope>,
}

/// Returns the hash of a key.
pub fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

impl Keys {
    /// Adds a key by its hash.
    pub fn add(&mut self, hash: [u8; 32], caller: Caller) {
        self.0.insert(hash, caller);
    }

    fn find(&self, key: &str) -> Option<&Caller> {
        self.0.get(&hash(key))
    }
}

impl Caller {
    /// Checks that the key permits something.
    ///
    /// # Errors
    /// A [`Problem`] with status 403.
    pub(super) fn must(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        let detail = format!("This key does not have the scope `{}`.", format!("{scope:?}").to_lowercase());
        Err(Problem::new(StatusCode::FORBIDDEN, "Not permitted", detail))
    }
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let written = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = written.and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then_some(key.trim())
        });
        let caller = key.and_then(|key| api.keys.find(key));
        caller.cloned().ok_or_else(|| {
            let detail = "Send a key of the API in the header Authorization: Bearer.";
            Problem::new(StatusCode::UNAUTHORIZED, "Key missing or unknown", detail)
        })
    }
}
