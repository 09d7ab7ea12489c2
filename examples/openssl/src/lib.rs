//! Connections to gateways whose TLS is obsolete: TLS 1.0 and 1.1, RSA key exchange, CBC and DHE ciphers, RSA keys
//! below 1024 bits.
//!
//! rustls, which `https://` URLs use, supports none of these. This example uses OpenSSL instead, through
//! [`Builder::connector`](sms_gateway::Builder::connector). Copy [`Legacy`] into your program and adapt it.
//!
//! # What is no longer protected
//! The pin still determines which gateway the client talks to, and the traffic is encrypted. But:
//!
//! - With **RSA key exchange**, an attacker who obtains the gateway's private key later can decrypt all traffic recorded before.
//!   Devices that leak decryption errors (ROBOT) reveal the traffic even if the key stays secret.
//! - **TLS 1.0 and 1.1** and their **CBC** ciphers allow known attacks (BEAST, Lucky 13) on credentials that are repeated often.
//!   The attacker must be able to inject or delay packets. These versions sign handshakes with MD5 and SHA-1, for which
//!   collisions exist.
//! - **RSA keys of 512 bits** can be factored in hours. With the key, anyone can impersonate the gateway, and the pin does not
//!   help.
//! - The OpenSSL security level is 0, so an attacker between client and gateway can choose the weakest algorithms that both
//!   support.
//!
//! Use this connector only in a network that others cannot reach, such as a separate cable or VLAN, never over the internet.

use std::{io, pin::Pin as Pinned, sync::Arc};

use openssl::{
    error::ErrorStack,
    ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion},
};
use sms_gateway::tls::{Certificate, Pin};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// Opens connections to one gateway with OpenSSL. It allows everything that OpenSSL supports, and trusts only a pin.
#[derive(Clone)]
pub struct Legacy {
    connector: SslConnector,
    pin: Pin,
}

impl Legacy {
    /// Prepares connections to the gateway whose certificate or key has this pin.
    ///
    /// # Errors
    /// [`ErrorStack`] if OpenSSL cannot be set up.
    pub fn new(pin: Pin) -> Result<Self, ErrorStack> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        // Excludes ciphers without authentication or encryption.
        builder.set_cipher_list("ALL:!aNULL:!eNULL:@SECLEVEL=0")?;
        builder.set_min_proto_version(Some(SslVersion::TLS1))?;
        // `open` compares the pin after the handshake, before any request is sent.
        builder.set_verify(SslVerifyMode::NONE);
        Ok(Self { connector: builder.build(), pin })
    }

    /// Opens a connection to `host:port`. Pass this function to [`Builder::connector`](sms_gateway::Builder::connector):
    ///
    /// ```no_run
    /// use openssl_connector::Legacy;
    /// use sms_gateway::Gateway;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let pin = "sha256:0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8".parse()?;
    /// let legacy = std::sync::Arc::new(Legacy::new(pin)?);
    /// // The connector adds TLS, so the URL has the scheme http, but the port of https.
    /// let gateway = Gateway::builder("http://192.168.1.9:443")
    ///     .connector(move |address| legacy.clone().open(address))
    ///     .credentials("admin", "secret")
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Errors of the connection and the handshake, and [`io::ErrorKind::PermissionDenied`] if the certificate is not the pinned
    /// one.
    pub async fn open(self: Arc<Self>, address: String) -> io::Result<SslStream<TcpStream>> {
        let stream = TcpStream::connect(&address).await?;
        stream.set_nodelay(true)?;
        let mut settings = self.connector.configure()?;
        // The pin replaces the check of the host name.
        settings.set_verify_hostname(false);
        settings.set_use_server_name_indication(false);
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
        let mut stream = SslStream::new(settings.into_ssl(host)?, stream)?;
        Pinned::new(&mut stream).connect().await.map_err(io::Error::other)?;
        let certificate =
            stream.ssl().peer_certificate().map(|certificate| certificate.to_der()).transpose()?;
        let der = certificate.ok_or(io::ErrorKind::InvalidData)?;
        if self.pin.matches(&der) {
            return Ok(stream);
        }
        let text = format!("the certificate is not the pinned one: {}", Certificate::from_der(&der));
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}
