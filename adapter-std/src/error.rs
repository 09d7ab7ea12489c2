//! The errors of calls and URLs.

use std::{error, fmt, sync::Arc};

use hyper::header::{HeaderMap, LOCATION};
use sms_gateway_core::{
    Invalid,
    client::{Excerpt, Failure},
};

/// Advice on HTTP status 403.
const FORBIDDEN_HINT: &str = "; if logins were refused before, the gateway has locked this address out: wait some minutes, or unlock \
                              it in its web interface; otherwise check there that the API is enabled";

/// A call that failed.
///
/// [`may_have_arrived`](Self::may_have_arrived) returns whether the gateway may have carried out the request.
///
/// ```
/// use sms_gateway::{Error, Failure};
///
/// fn advice(error: &Error) -> &'static str {
///     match error.failure {
///         Failure::LoginRefused => "check the password",
///         Failure::Unreachable(_) => "check the address",
///         _ if error.may_have_arrived() => "look the message up before sending it again",
///         _ => "try again",
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Error {
    /// The reason.
    pub failure: Failure,
    gateway: Option<Arc<str>>,
    /// The target of a redirect, or the beginning of the body of an HTTP error response.
    detail: Option<Box<str>>,
    source: Option<BoxError>,
}

/// An error of the connection.
pub(crate) type BoxError = Box<dyn error::Error + Send + Sync>;

impl Error {
    /// Whether the gateway may have carried out the request: [`Failure::may_have_arrived`].
    pub const fn may_have_arrived(&self) -> bool {
        self.failure.may_have_arrived()
    }

    /// Whether the same request may succeed later: [`Failure::may_pass`].
    pub const fn may_pass(&self) -> bool {
        self.failure.may_pass()
    }

    /// Returns the gateway's `host:port`; `None` if an input was rejected before any gateway was involved.
    pub fn gateway(&self) -> Option<&str> {
        self.gateway.as_deref()
    }

    /// Returns the address that the gateway redirects to, for [`Failure::Redirect`].
    pub fn location(&self) -> Option<&str> {
        self.detail.as_deref().filter(|_| self.failure == Failure::Redirect)
    }

    /// Returns the beginning of the body of the gateway's response, for [`Failure::Http`]; `None` if the body is empty. It is one line of
    /// at most 120 characters, formatted by [`Excerpt`]. `Display` contains it.
    ///
    /// [`Excerpt`]: sms_gateway_core::client::Excerpt
    pub fn excerpt(&self) -> Option<&str> {
        self.detail.as_deref().filter(|_| matches!(self.failure, Failure::Http { .. }))
    }

    /// Returns the failure and its causes in one line, without the gateway's name.
    ///
    /// `Display` does not include the causes, which [`source`](error::Error::source) returns.
    pub fn explain(&self) -> String {
        let causes = std::iter::successors(error::Error::source(self), |error| error.source());
        causes.fold(self.reason(), |line, error| format!("{line}: {error}"))
    }

    fn reason(&self) -> String {
        // A redirect is never followed: its target may belong to anyone.
        if let Some(location) = self.location() {
            let is_https = location.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
            let hint = if is_https { "; if that is the gateway, use https:// in its URL" } else { "" };
            return format!("the gateway redirects to {}{hint}", location.escape_debug());
        }
        let excerpt = self.excerpt().map(|text| format!(", {text:?}")).unwrap_or_default();
        let hint = match self.failure {
            Failure::Http { status: 403, .. } => FORBIDDEN_HINT,
            _ => "",
        };
        format!("{}{excerpt}{hint}", self.failure)
    }

    pub(crate) fn new(failure: Failure, source: Option<BoxError>) -> Self {
        Self { failure, gateway: None, detail: None, source }
    }

    pub(crate) fn redirected(headers: &HeaderMap) -> Self {
        let detail = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into());
        Self { detail, ..Failure::Redirect.into() }
    }

    /// Adds the excerpt of the body, for [`Failure::Http`].
    pub(crate) fn with_excerpt(self, excerpt: Excerpt<'_>) -> Self {
        match self.failure {
            Failure::Http { .. } if !excerpt.is_empty() => {
                Self { detail: Some(excerpt.to_string().into()), ..self }
            }
            _ => self,
        }
    }

    /// Adds the gateway's `host:port`.
    pub(crate) fn at(self, gateway: &Arc<str>) -> Self {
        Self { gateway: Some(Arc::clone(gateway)), ..self }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure, None)
    }
}

impl From<Invalid> for Error {
    fn from(error: Invalid) -> Self {
        Failure::Invalid(error).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(gateway) = &self.gateway {
            write!(f, "{gateway}: ")?;
        }
        f.write_str(&self.reason())
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The reason a gateway's URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is not a URL of the form `http://host[:port]` or `https://host[:port]`.
    #[error("not a URL of the form http://host[:port] or https://host[:port]")]
    Malformed,
    /// Its scheme is `https`, and this program is built without the feature `tls`.
    #[error("this program is built without https")]
    Https,
    /// Its scheme is not `https`, so there is no certificate to pin or to verify.
    #[error("pins and root certificates need a URL that begins with https://")]
    NotHttps,
    /// Its host is not a name or address that TLS can verify, or the cryptography provider has no usable cipher.
    #[error("TLS can't be used with this host, or with this cryptography provider")]
    Tls,
    /// It contains a user name or password, which would appear wherever the URL is shown. Credentials are set separately.
    #[error("user name and password don't belong into the URL")]
    Userinfo,
    /// It has a path or query. The API's paths are fixed.
    #[error("the URL must end with the host and port; the API's paths are fixed")]
    Path,
}
