//! Who answers TLS: rustls before a mock device, by a link in memory, and before the emulator, by TCP.

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
    /// One that has signed itself: a common name, and other names, by which an address is one, too.
    pub fn new(common_name: &str, names: &[&str]) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(common_name, names).self_signed(&key).unwrap();
        Self { certificate, key }
    }

    /// One that this one has signed.
    pub fn signs(&self, common_name: &str) -> Self {
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

/// TLS on a free port; what it carries goes to `to`, by a connection of its own for each session.
pub async fn before(to: SocketAddr, acceptor: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut session = acceptor.accept(stream).await?;
                copy_bidirectional(&mut session, &mut TcpStream::connect(to).await?).await
            });
        }
    });
    addr
}

/// What can be seen at the front.
#[derive(Default)]
pub struct Seen {
    pub sessions: usize,
    /// Sessions that the client has ended: with the word for it, and without.
    pub ended: usize,
    pub cut: usize,
    pub requests: Vec<String>,
}

/// How a session is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// With the word for it, close_notify.
    InOrder,
    /// The link is just gone.
    Cut,
}

/// So many bytes find room in a link, each way: more than any record has.
pub const ROOM: usize = 1 << 16;

type Order = (HangUp, oneshot::Sender<()>);

/// A device behind TLS.
#[derive(Clone)]
pub struct Front {
    acceptor: TlsAcceptor,
    device: Arc<Mutex<dyn Device + Send>>,
    seen: Arc<Mutex<Seen>>,
    /// To the newest session.
    orders: Arc<Mutex<Option<mpsc::UnboundedSender<Order>>>>,
    /// So many bytes of an answer go in one record; TLS has a limit, too.
    record: usize,
}

impl Front {
    pub fn new(acceptor: TlsAcceptor, device: impl Device + Send + 'static) -> Self {
        let device = Arc::new(Mutex::new(device));
        Self { acceptor, device, seen: Arc::default(), orders: Arc::default(), record: usize::MAX }
    }

    /// The same, with so many bytes of an answer in a record.
    pub fn in_records_of(self, record: usize) -> Self {
        Self { record, ..self }
    }

    /// Looks at what was seen.
    pub fn see<O>(&self, look: impl FnOnce(&Seen) -> O) -> O {
        look(&self.seen.lock().unwrap())
    }

    pub fn sessions(&self) -> usize {
        self.see(|seen| seen.sessions)
    }

    pub fn requests(&self) -> Vec<String> {
        self.see(|seen| seen.requests.clone())
    }

    /// Ends the session that is open, and comes back when that is done.
    pub async fn hang_up(&self, how: HangUp) {
        let (done, is_done) = oneshot::channel();
        self.orders.lock().unwrap().as_ref().expect("a session").send((how, done)).unwrap();
        is_done.await.unwrap();
    }

    fn open(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(ROOM);
        tokio::spawn(self.clone().serve(far));
        near
    }

    async fn serve(self, link: DuplexStream) -> io::Result<()> {
        let mut session = self.acceptor.accept(link).await?;
        self.seen.lock().unwrap().sessions += 1;
        let (orders, mut ordered) = mpsc::unbounded_channel();
        *self.orders.lock().unwrap() = Some(orders);
        let mut bytes = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some((how, done)) = ordered.recv() => {
                    if how == HangUp::InOrder {
                        session.shutdown().await?;
                    }
                    drop(session);
                    let _ = done.send(());
                    return Ok(());
                }
                count = session.read_buf(&mut bytes) => match count {
                    Ok(1..) => {}
                    Ok(0) => {
                        self.seen.lock().unwrap().ended += 1;
                        return Ok(());
                    }
                    Err(error) => {
                        self.seen.lock().unwrap().cut += 1;
                        return Err(error);
                    }
                },
            }
            while let Some(request) = whole_request(&mut bytes) {
                let reply = self.device.lock().unwrap().answer(&request);
                self.seen.lock().unwrap().requests.push(request);
                for record in reply.bytes.chunks(self.record) {
                    session.write_all(record).await?;
                    session.flush().await?;
                }
                match reply.then {
                    Then::Listen => {}
                    Then::Close => return session.shutdown().await,
                    Then::Fail => return Ok(()),
                    Then::Stall => std::future::pending().await,
                }
            }
        }
    }
}

/// A link in memory, without TLS.
pub struct Link {
    open: Box<dyn FnMut() -> DuplexStream>,
    stream: Option<FromTokio<DuplexStream>>,
    /// So many bytes go at once, after a moment.
    piece: Option<usize>,
}

impl Link {
    pub fn new(open: impl FnMut() -> DuplexStream + 'static) -> Self {
        Self { open: Box::new(open), stream: None, piece: None }
    }

    /// To a device behind TLS.
    pub fn to(front: &Front) -> Self {
        let front = front.clone();
        Self::new(move || front.open())
    }

    /// The same, with a moment before each so many bytes.
    pub fn slow(self, piece: usize) -> Self {
        Self { piece: Some(piece), ..self }
    }

    async fn moment(&self, length: usize) -> usize {
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
        let count = self.moment(buf.len()).await;
        self.stream()?.read(&mut buf[..count]).await
    }
}

impl Write for Link {
    async fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.moment(buf.len()).await;
        self.stream()?.write(&buf[..count]).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream()?.flush().await
    }
}

impl Transport for Link {
    async fn connect(&mut self) -> io::Result<()> {
        assert!(self.stream.is_none(), "the former link was not closed");
        self.stream = Some(FromTokio::new((self.open)()));
        Ok(())
    }

    async fn close(&mut self) {
        self.stream = None;
    }
}
