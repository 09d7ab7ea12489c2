//! Who may use an endpoint.

use std::sync::Arc;

use axum::http::Method;

use super::Api;
use crate::config::{Role, Scope};

/// The callers that may use an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, without a key.
    Public,
    /// Keys of accounts with this scope.
    Account(Scope),
    /// Keys of operators with this role or a higher one.
    Operator(Role),
    /// Keys of accounts with this scope, and keys of operators with this role or a higher one.
    Either(Scope, Role),
}

impl Access {
    /// Returns the scope that permits the use.
    pub(super) const fn scope(self) -> Option<Scope> {
        match self {
            Self::Account(scope) | Self::Either(scope, _) => Some(scope),
            Self::Public | Self::Operator(_) => None,
        }
    }

    /// Returns the lowest role that permits the use.
    pub(super) const fn role(self) -> Option<Role> {
        match self {
            Self::Operator(role) | Self::Either(_, role) => Some(role),
            Self::Public | Self::Account(_) => None,
        }
    }
}

/// What is checked and noted of each request of an endpoint.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) api: Arc<Api>,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
}
