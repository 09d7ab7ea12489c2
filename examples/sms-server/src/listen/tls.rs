//! The API's certificate.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tokio_rustls::TlsAcceptor;

use crate::config;

/// The certificate in use, which can be replaced while the server runs.
pub struct Tls {
    files: config::Tls,
    current: RwLock<Arc<ServerConfig>>,
}

/// The reason a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not PEM with a certificate or key.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: pem::Error,
    },
    /// The certificate and the key do not belong together, or are of an unknown kind.
    #[error("the certificate {path} cannot be used with its key: {why}")]
    Pair {
        /// The file of the certificate.
        path: PathBuf,
        /// Why.
        why: rustls::Error,
    },
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(files: config::Tls) -> Result<Self, TlsError> {
        let current = RwLock::new(load(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the files again. Connections that are open keep the earlier certificate.
    ///
    /// # Errors
    /// [`TlsError`]: the earlier certificate remains in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let loaded = load(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

fn load(files: &config::Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |path: &PathBuf| {
        let path = path.clone();
        move |why| TlsError::File { path, why }
    };
    let pair = |why| TlsError::Pair { path: files.cert.clone(), why };
    let chain = CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(file(&files.cert))?;
    if chain.is_empty() {
        return Err(file(&files.cert)(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(file(&files.key))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(pair)?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
