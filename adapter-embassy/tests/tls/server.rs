//! TLS servers over rustls: one for a mock device, over a link in memory, and a proxy to the emulator, over TCP.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{ErrorType, Read, Write};
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};
use sms_gateway_embassy::Transport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, version::TLS13},
};

use crate::common::mock::{Device, Then, whole_request};

/// A certificate with its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// A self-signed certificate with a common name and further names. A further name may be an address.
    pub fn self_signed(common_name: &str, names: &[&str]) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(common_name, names).self_signed(&key).unwrap();
        Self { certificate, key }
    }

    /// A certificate that this identity signs.
    pub fn sign(&self, common_name: &str) -> Self {
        let signer = params("signer", &[]);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&signer, &self.key);
        let certificate = params(common_name, &[]).signed_by(&key, &issuer).unwrap();
        Self { certificate, key }
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        let key = self.key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// Starts a TLS proxy to `target` on a free port. Each session has its own connection to the target.
pub async fn start_proxy(target: SocketAddr, acceptor: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut session = acceptor.accept(stream).await?;
                copy_bidirectional(&mut session, &mut TcpStream::connect(target).await?).await
            });
        }
    });
    addr
}

/// The sessions and requests that the server has observed.
#[derive(Default)]
pub struct Observed {
    pub sessions: usize,
    /// The number of sessions that the client has closed with close_notify.
    pub closed: usize,
    /// The number of sessions that the client has cut without close_notify.
    pub cut: usize,
    pub requests: Vec<String>,
}

/// The end of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// The server sends close_notify.
    CloseNotify,
    /// The link breaks.
    Cut,
}

/// The capacity of a link in each direction, in bytes: more than the largest record.
pub const LINK_CAPACITY: usize = 1 << 16;

/// An order to end the session, and the sender of the confirmation.
type EndOrder = (SessionEnd, oneshot::Sender<()>);

/// A TLS server for a device.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: TlsAcceptor,
    device: Arc<Mutex<dyn Device + Send>>,
    observed: Arc<Mutex<Observed>>,
    /// The sender of orders to the latest session.
    orders: Arc<Mutex<Option<mpsc::UnboundedSender<EndOrder>>>>,
    /// The maximum number of bytes of a response in one record. TLS has a maximum, too.
    record_bytes: usize,
}

impl TlsServer {
    pub fn new(acceptor: TlsAcceptor, device: impl Device + Send + 'static) -> Self {
        let device = Arc::new(Mutex::new(device));
        Self { acceptor, device, observed: Arc::default(), orders: Arc::default(), record_bytes: usize::MAX }
    }

    /// Limits the number of bytes of a response in one record.
    pub fn record_bytes(self, record_bytes: usize) -> Self {
        Self { record_bytes, ..self }
    }

    /// Inspects the observed sessions and requests.
    pub fn inspect<O>(&self, inspect: impl FnOnce(&Observed) -> O) -> O {
        inspect(&self.observed.lock().unwrap())
    }

    pub fn sessions(&self) -> usize {
        self.inspect(|observed| observed.sessions)
    }

    pub fn requests(&self) -> Vec<String> {
        self.inspect(|observed| observed.requests.clone())
    }

    /// Ends the open session, and waits until it has ended.
    pub async fn end_session(&self, end: SessionEnd) {
        let (done, is_done) = oneshot::channel();
        self.orders.lock().unwrap().as_ref().expect("a session").send((end, done)).unwrap();
        is_done.await.unwrap();
    }

    fn open(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(LINK_CAPACITY);
        tokio::spawn(self.clone().serve(far));
        near
    }

    async fn serve(self, link: DuplexStream) -> io::Result<()> {
        let mut session = self.acceptor.accept(link).await?;
        self.observed.lock().unwrap().sessions += 1;
        let (orders, mut ordered) = mpsc::unbounded_channel();
        *self.orders.lock().unwrap() = Some(orders);
        let mut bytes = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some((end, done)) = ordered.recv() => {
                    if end == SessionEnd::CloseNotify {
                        session.shutdown().await?;
                    }
                    drop(session);
                    let _ = done.send(());
                    return Ok(());
                }
                count = session.read_buf(&mut bytes) => match count {
                    Ok(1..) => {}
                    Ok(0) => {
                        self.observed.lock().unwrap().closed += 1;
                        return Ok(());
                    }
                    Err(error) => {
                        self.observed.lock().unwrap().cut += 1;
                        return Err(error);
                    }
                },
            }
            while let Some(request) = whole_request(&mut bytes) {
                let response = self.device.lock().unwrap().respond(&request);
                self.observed.lock().unwrap().requests.push(request);
                for record in response.bytes.chunks(self.record_bytes) {
                    session.write_all(record).await?;
                    session.flush().await?;
                }
                match response.then {
                    Then::Listen => {}
                    Then::Close => return session.shutdown().await,
                    Then::Fail => return Ok(()),
                    Then::Stall => std::future::pending().await,
                }
            }
        }
    }
}

/// A transport over a link in memory, without TLS.
pub struct Link {
    open: Box<dyn FnMut() -> DuplexStream>,
    stream: Option<FromTokio<DuplexStream>>,
    /// The maximum number of bytes of a read or a write. If it is set, each read or write is pending once.
    piece: Option<usize>,
}

impl Link {
    pub fn new(open: impl FnMut() -> DuplexStream + 'static) -> Self {
        Self { open: Box::new(open), stream: None, piece: None }
    }

    /// A link to a TLS server.
    pub fn to(server: &TlsServer) -> Self {
        let server = server.clone();
        Self::new(move || server.open())
    }

    /// Limits the number of bytes of a read or a write. Each read or write is then pending once.
    pub fn slow(self, piece: usize) -> Self {
        Self { piece: Some(piece), ..self }
    }

    async fn delay(&self, length: usize) -> usize {
        let Some(piece) = self.piece else { return length };
        tokio::task::yield_now().await;
        length.min(piece)
    }

    fn stream(&mut self) -> io::Result<&mut FromTokio<DuplexStream>> {
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl ErrorType for Link {
    type Error = io::Error;
}

impl Read for Link {
    async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.delay(buf.len()).await;
        self.stream()?.read(&mut buf[..count]).await
    }
}

impl Write for Link {
    async fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.delay(buf.len()).await;
        self.stream()?.write(&buf[..count]).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream()?.flush().await
    }
}

impl Transport for Link {
    async fn connect(&mut self) -> io::Result<()> {
        assert!(self.stream.is_none(), "the previous link was not closed");
        self.stream = Some(FromTokio::new((self.open)()));
        Ok(())
    }

    async fn close(&mut self) {
        self.stream = None;
    }
}
