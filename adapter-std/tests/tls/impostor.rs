//! A peer that shows the gateway's certificate without its private key.

use std::{io, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use sms_gateway::{Failure, tls::rustls};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;

use crate::{
    needs_openssl,
    peer::{Identity, Kind, RSA, call},
};

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Serves one connection with the certificate of one identity and the key of another, and returns what it decrypts.
async fn serve(
    shown: &Identity,
    key_owner: &Identity,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (String, tokio::task::JoinHandle<io::Result<Vec<u8>>>) {
    let key = PrivateKeyDer::from_pem_slice(&key_owner.key_pem()).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let resolver = Shows(Arc::new(CertifiedKey::new(vec![shown.der()], key)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_cert_resolver(Arc::new(resolver))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = acceptor.accept(stream).await?;
        let mut bytes = vec![0; 64];
        let count = stream.read(&mut bytes).await?;
        bytes.truncate(count);
        Ok(bytes)
    });
    (url, served)
}

#[tokio::test]
async fn an_impostor_without_the_private_key_receives_nothing() {
    needs_openssl!();
    for kind in [Kind { key: RSA, ..Kind::PLAIN }, Kind::PLAIN] {
        let (gateway, impostor) = (Identity::new(kind), Identity::new(kind));
        for versions in [[&TLS12], [&TLS13]] {
            let (url, served) = serve(&gateway, &impostor, &versions).await;
            let builder =
                sms_gateway::Gateway::builder(&url).credentials("admin", "secret").pin(gateway.pin());
            let error = call(builder).await.unwrap_err();
            assert_eq!(error.failure, Failure::Untrusted);
            assert!(
                error.explain().contains("has not proved that it has the private key"),
                "{}",
                error.explain()
            );
            let decrypted = served.await.unwrap();
            assert!(decrypted.is_err() || decrypted.is_ok_and(|bytes| bytes.is_empty()));
            // The same server serves a client that has pinned the impostor's own certificate.
            let (url, served) = serve(&impostor, &impostor, &versions).await;
            let builder = sms_gateway::Gateway::builder(&url).pin(impostor.pin());
            let call = tokio::spawn(call(builder));
            assert!(served.await.unwrap().unwrap().starts_with(b"GET /api/"));
            call.abort();
        }
    }
}
