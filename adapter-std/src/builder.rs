//! The settings of a gateway, and the parts of its URL.

use std::{fmt, io, time::Duration};

use hyper::{Uri, header::HeaderValue};
use sms_gateway_core::{call::CommaEncoding, client::Timeouts};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    Gateway, UrlError, WireEvent,
    client::{Account, Login},
    connect::{Connector, Settings},
    observe::Observer,
};

/// The settings of a gateway: its URL, credentials and limits.
///
/// By default, the time limits are those of [`Timeouts`], and a call waits at most 120 s for its turn.
#[derive(Clone)]
pub struct Builder {
    pub(crate) url: String,
    account: Option<Account>,
    is_basic_allowed: bool,
    pub(crate) connector: Connector,
    observer: Observer,
    #[cfg(feature = "tls")]
    pub(crate) tls: crate::tls::Settings,
    commas: CommaEncoding,
    pub(crate) timeouts: Timeouts,
    turn_timeout: Duration,
    record_buffer: usize,
}

impl Builder {
    fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            account: None,
            is_basic_allowed: false,
            connector: Connector::default(),
            observer: Observer::default(),
            #[cfg(feature = "tls")]
            tls: crate::tls::Settings::default(),
            commas: CommaEncoding::Encoded,
            timeouts: Timeouts::new(),
            turn_timeout: Duration::from_secs(120),
            record_buffer: 16 * 1024,
        }
    }

    /// Sets the user name and password. They are used for Digest logins, and for Basic logins only with
    /// [`allow_basic`](Self::allow_basic).
    #[must_use]
    pub fn credentials(mut self, username: &str, password: &str) -> Self {
        self.account = Some(Account { username: username.to_owned(), password: password.to_owned() });
        self
    }

    /// Sets whether the client may log in with Basic, which exposes the password to the network. The default is `false`.
    #[must_use]
    pub const fn allow_basic(mut self, allowed: bool) -> Self {
        self.is_basic_allowed = allowed;
        self
    }

    /// Opens connections with `open` instead of plain TCP: through a proxy, from a chosen source address, or over the caller's
    /// own TLS.
    ///
    /// `open` takes the gateway's `host:port`, and returns a stream that is ready for HTTP, or for TLS if the URL is `https`.
    /// If `open` does TLS itself, the URL must be `http` and contain the port: `http://192.168.1.9:443`.
    /// [`Timeouts::connect`] limits the time of `open`. An error of `open` is reported as
    /// [`Failure::Unreachable`](crate::Failure::Unreachable).
    ///
    /// A failed write must not have sent any of its bytes: if the first write on a kept connection fails, the request is sent
    /// again on a new connection, even if it submits a message. TCP sockets obey this rule. If a buffered stream fails to send
    /// the bytes in its buffer, it must still accept the new bytes, and fail in a later call.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use sms_gateway::Gateway;
    /// use tokio::net::{TcpSocket, lookup_host};
    ///
    /// // Only one of this computer's networks reaches the gateway.
    /// let open = |address: String| async move {
    ///     let to = lookup_host(address).await?.find(|to| to.is_ipv4()).ok_or(std::io::ErrorKind::NotFound)?;
    ///     let socket = TcpSocket::new_v4()?;
    ///     socket.bind((Ipv4Addr::new(192, 168, 1, 2), 0).into())?;
    ///     socket.set_nodelay(true)?;
    ///     socket.connect(to).await
    /// };
    /// let gateway = Gateway::builder("http://192.168.1.9").connector(open).build()?;
    /// # Ok::<(), sms_gateway::UrlError>(())
    /// ```
    #[must_use]
    pub fn connector<F, O, S>(mut self, open: F) -> Self
    where
        F: Fn(String) -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Connector::new(open);
        self
    }

    /// Reports all bytes on the gateway's connections to `observe`, for diagnosis. The bytes include credentials: keep them out
    /// of logs.
    #[must_use]
    pub fn observe(mut self, observe: impl Fn(WireEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observe);
        self
    }

    /// Sets how commas in a query string are written.
    #[must_use]
    pub const fn commas(mut self, commas: CommaEncoding) -> Self {
        self.commas = commas;
        self
    }

    /// Sets the time limits on connecting, on the wait for a response, and on a call as a whole.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the maximum time that a call waits for its turn: for earlier calls, and for their responses while those are being read.
    #[must_use]
    pub const fn turn_timeout(mut self, limit: Duration) -> Self {
        self.turn_timeout = limit;
        self
    }

    /// Sets the size of the buffer for one record of a response, in bytes; 16 KiB by default. A text that does not fit is
    /// reported as [`Text::TooLong`](sms_gateway_core::json::Text::TooLong).
    #[must_use]
    pub const fn record_buffer(mut self, bytes: usize) -> Self {
        self.record_buffer = bytes;
        self
    }

    /// Builds the gateway. Nothing is sent yet.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn build(self) -> Result<Gateway, UrlError> {
        let site = Site::of(&self.url)?;
        let settings = Settings {
            is_https: site.is_https,
            connector: self.secured(&site)?,
            address: site.address.into(),
            host: site.header,
            observer: self.observer,
            commas: self.commas,
            is_basic_allowed: self.is_basic_allowed,
            timeouts: self.timeouts,
            record_buffer: self.record_buffer,
            turn_timeout: self.turn_timeout,
        };
        Ok(Gateway::new(settings, Login::new(self.account)))
    }
}

/// Shows the user name and the time limits, but not the password.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = self.account.as_ref().map(|account| account.username.as_str());
        f.debug_struct("Builder")
            .field("username", &username)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Returns a builder for the gateway with this URL, `http://host[:port]` or `https://host[:port]`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }
}

/// The parts of a gateway's URL.
pub(crate) struct Site {
    pub(crate) is_https: bool,
    /// `host:port`, to connect to.
    pub(crate) address: String,
    /// The `Host` header.
    header: HeaderValue,
}

impl Site {
    pub(crate) fn of(url: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| UrlError::Malformed)?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(UrlError::Malformed),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Userinfo);
        }
        if authority.host().is_empty() {
            return Err(UrlError::Malformed);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(UrlError::Path);
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if is_https => 443,
            Some("") => 80,
            _ => authority.port_u16().filter(|port| *port != 0).ok_or(UrlError::Malformed)?,
        };
        let address = format!("{}:{port}", authority.host());
        let header = HeaderValue::from_str(authority.as_str()).map_err(|_| UrlError::Malformed)?;
        Ok(Self { is_https, address, header })
    }

    /// Returns the host without the port.
    #[cfg(feature = "tls")]
    pub(crate) fn host(&self) -> &str {
        self.address.rsplit_once(':').map_or("", |(host, _)| host)
    }
}

#[cfg(not(feature = "tls"))]
impl Builder {
    /// Returns the connector for a gateway.
    fn secured(&self, site: &Site) -> Result<Connector, UrlError> {
        if site.is_https { Err(UrlError::Https) } else { Ok(self.connector.clone()) }
    }
}
