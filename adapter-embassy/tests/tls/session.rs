//! TLS over another transport, with embedded-tls and in lent memory. It can be copied into firmware.
//!
//! A `TlsConnection` does not return the buffers that it is lent, so a transport that contained the connection and the buffers could not
//! be opened again. A `TlsConnection` also loses its position in the stream if one of its futures is dropped within a record. Therefore
//! the sessions run in a future of their own, [`sessions`], which lends the same buffers to one session after another. A [`Tls`] holds
//! that future and polls it whenever it is polled itself. If a read is dropped, it continues in the next read. Any other operation that is
//! dropped ends with [`close`](Transport::close).

use core::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, with_timeout};
use embedded_io_async::{BufRead, Error, ErrorKind, ErrorType, Read, Write};
use embedded_tls::{
    Aes128GcmSha256, Certificate, CertificateRef, CertificateVerifyRef, CryptoProvider, CryptoRngCore,
    NoClock, TlsCipherSuite, TlsConfig, TlsConnection, TlsContext, TlsError, TlsVerifier, pki::CertVerifier,
};
use sms_gateway_embassy::Transport;

/// The maximum time for sending close_notify.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);
/// The maximum number of bytes that a [`Tls`] and its session exchange at once.
const PIECE: usize = 256;
/// The maximum length of a gateway's certificate, in bytes.
const MAX_CERTIFICATE: usize = 1024;

type Suite = Aes128GcmSha256;
type Hash = <Suite as TlsCipherSuite>::Hash;
type Piece = heapless::Vec<u8, PIECE>;

/// The lent memory for records.
pub struct Records<'m> {
    /// Incoming records: 16,640 bytes, because few servers agree to smaller records.
    pub incoming: &'m mut [u8],
    /// Outgoing records: 512 bytes suffice. A record carries 128 bytes less than the size of this buffer. A longer request takes several
    /// records.
    pub outgoing: &'m mut [u8],
}

/// The identity that a gateway must prove.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The name in the gateway's certificate: a DNS name, or the common name. An address, too, must be in one of these fields.
    pub name: &'a str,
    /// The certificate of the signer, in DER: the gateway's own, or an authority's. embedded-tls lets the owner of any certificate that the
    /// authority has signed act as an authority, too. So the authority must not have signed certificates for others. Dates are not checked,
    /// because there is no clock.
    pub signer: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub enum SessionError {
    /// The transport did not connect.
    Connect(ErrorKind),
    /// An error in the handshake, in a record, or of the transport.
    Tls(TlsError),
    /// The handshake completed without the peer's certificate.
    NotVerified,
    /// No session is open, or its last operation was dropped.
    NotOpen,
}

impl core::fmt::Display for SessionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl core::error::Error for SessionError {}

impl Error for SessionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect(kind) => *kind,
            Self::Tls(error) => error.kind(),
            Self::NotVerified => ErrorKind::PermissionDenied,
            Self::NotOpen => ErrorKind::NotConnected,
        }
    }
}

/// The source of random numbers, and the check of the peer's certificate.
struct Provider<'a, R> {
    random: R,
    check: Check<'a>,
}

impl<R: CryptoRngCore> CryptoProvider for Provider<'_, R> {
    type CipherSuite = Suite;
    type Signature = [u8; 0];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Suite>, TlsError> {
        Ok(&mut self.check)
    }
}

/// A verifier that records whether certificate and signature were verified, in that order. embedded-tls 0.19 completes a handshake with a
/// peer that presents no certificate, whichever verifier is used.
struct Check<'a> {
    verifier: CertVerifier<'a, Suite, NoClock, MAX_CERTIFICATE>,
    has_certificate: bool,
    is_verified: bool,
}

impl<'a> Check<'a> {
    fn new(signer: &'a [u8]) -> Self {
        let verifier = CertVerifier::new(Certificate::X509(signer));
        Self { verifier, has_certificate: false, is_verified: false }
    }
}

impl TlsVerifier<Suite> for Check<'_> {
    fn set_hostname_verification(&mut self, name: &str) -> Result<(), TlsError> {
        self.verifier.set_hostname_verification(name)
    }

    fn verify_certificate(&mut self, transcript: &Hash, certificate: CertificateRef) -> Result<(), TlsError> {
        self.is_verified = false;
        self.verifier.verify_certificate(transcript, certificate)?;
        self.has_certificate = true;
        Ok(())
    }

    fn verify_signature(&mut self, signature: CertificateVerifyRef) -> Result<(), TlsError> {
        // Without a certificate, the verifier would panic.
        if !core::mem::take(&mut self.has_certificate) {
            return Err(TlsError::InvalidHandshake);
        }
        self.verifier.verify_signature(signature)?;
        self.is_verified = true;
        Ok(())
    }
}

/// Counts the bytes that are read.
struct Counted<'a, T> {
    inner: T,
    count: &'a Cell<usize>,
}

impl<T: ErrorType> ErrorType for Counted<'_, T> {
    type Error = T::Error;
}

impl<T: Read> Read for Counted<'_, T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, T::Error> {
        let count = self.inner.read(buf).await?;
        self.count.set(self.count.get().wrapping_add(count));
        Ok(count)
    }
}

impl<T: Write> Write for Counted<'_, T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, T::Error> {
        self.inner.write(buf).await
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.inner.flush().await
    }
}

/// An operation of a [`Tls`], which its session performs.
// Without a heap, the larger variant can't be boxed.
#[allow(clippy::large_enum_variant)]
enum Operation {
    Connect,
    Read(usize),
    Write(Piece),
    Flush,
    IsReady,
}

/// The outcome of an operation, with the bytes that were read.
type Outcome = Result<Piece, SessionError>;

/// The channel between a [`Tls`] and its [`sessions`]. It carries one operation at a time. The `Tls` polls the sessions itself, so no
/// waker is needed.
#[derive(Default)]
pub struct Channel {
    operation: RefCell<Option<Operation>>,
    outcome: RefCell<Option<Outcome>>,
    is_closing: Cell<bool>,
}

impl Channel {
    async fn next_operation(&self) -> Operation {
        poll_fn(|_| self.operation.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    fn report(&self, outcome: Outcome) {
        self.outcome.replace(Some(outcome));
    }

    /// Awaits a future; `None` if the session is closed first.
    async fn unless_closed<F: Future>(&self, future: F) -> Option<F::Output> {
        let closed = poll_fn(|_| if self.is_closing.get() { Poll::Ready(()) } else { Poll::Pending });
        match select(closed, future).await {
            Either::First(()) => None,
            Either::Second(output) => Some(output),
        }
    }
}

/// Runs sessions over a transport, as the [`Tls`] on the same channel requests.
pub async fn sessions<T: Transport, R: CryptoRngCore>(
    mut transport: T,
    mut records: Records<'_>,
    trust: Trust<'_>,
    mut random: R,
    channel: &Channel,
) -> Infallible {
    loop {
        if let Some(operation) = channel.unless_closed(channel.next_operation()).await {
            match operation {
                Operation::Connect => {
                    session(&mut transport, &mut records, trust, &mut random, channel).await;
                }
                _ => channel.report(Err(SessionError::NotOpen)),
            }
        }
        if channel.is_closing.get() {
            transport.close().await;
            channel.operation.take();
            channel.outcome.take();
            channel.is_closing.set(false);
        }
    }
}

/// Runs one session until it is closed, or fails to open.
async fn session<T: Transport, R: CryptoRngCore>(
    transport: &mut T,
    records: &mut Records<'_>,
    trust: Trust<'_>,
    random: &mut R,
    channel: &Channel,
) {
    let count = Cell::new(0);
    match channel.unless_closed(transport.connect()).await {
        None => return,
        Some(Err(error)) => return channel.report(Err(SessionError::Connect(error.kind()))),
        Some(Ok(())) => {}
    }
    let socket = Counted { inner: transport, count: &count };
    let mut tls = TlsConnection::new(socket, records.incoming, records.outgoing);
    match channel.unless_closed(handshake(&mut tls, trust, random)).await {
        None => return,
        Some(Err(error)) => return channel.report(Err(error)),
        Some(Ok(())) => channel.report(Ok(Piece::new())),
    }
    while let Some(operation) = channel.unless_closed(channel.next_operation()).await {
        // If the session is closed during an operation, close_notify is not sent, because the operation may have stopped within a record.
        match channel.unless_closed(perform(operation, &mut tls, &count)).await {
            None => return,
            Some(outcome) => channel.report(outcome),
        }
    }
    let _ = with_timeout(CLOSE_TIMEOUT, tls.close()).await;
}

async fn handshake<T: Read + Write, R: CryptoRngCore>(
    tls: &mut TlsConnection<'_, T, Suite>,
    trust: Trust<'_>,
    random: R,
) -> Result<(), SessionError> {
    let config = TlsConfig::new().with_server_name(trust.name);
    let mut provider = Provider { random, check: Check::new(trust.signer) };
    tls.open(TlsContext::new(&config, &mut provider)).await.map_err(SessionError::Tls)?;
    if provider.check.is_verified { Ok(()) } else { Err(SessionError::NotVerified) }
}

async fn perform<T: Read + Write>(
    operation: Operation,
    tls: &mut TlsConnection<'_, T, Suite>,
    count: &Cell<usize>,
) -> Outcome {
    match operation {
        Operation::Connect => return Err(SessionError::NotOpen),
        Operation::Read(most) => return read(tls, most).await.map_err(SessionError::Tls),
        Operation::Write(piece) => tls.write_all(&piece).await,
        Operation::Flush => tls.flush().await,
        Operation::IsReady => {
            return if is_ready(tls, count) { Ok(Piece::new()) } else { Err(SessionError::NotOpen) };
        }
    }
    .map_err(SessionError::Tls)?;
    Ok(Piece::new())
}

async fn read<T: Read + Write>(
    tls: &mut TlsConnection<'_, T, Suite>,
    most: usize,
) -> Result<Piece, TlsError> {
    let bytes = match tls.fill_buf().await {
        // The peer has sent close_notify. An end without it is an error: an attacker may have cut the stream.
        Err(TlsError::ConnectionClosed) => return Ok(Piece::new()),
        bytes => bytes?,
    };
    let count = bytes.len().min(most).min(PIECE);
    let piece = bytes.iter().copied().take(count).collect();
    tls.consume(count);
    Ok(piece)
}

/// Whether neither bytes nor the end of the stream have arrived. It polls a read once. If the read consumes bytes and is still pending, it
/// may have stopped within a record, so the connection is not ready.
fn is_ready<T: Read + Write>(tls: &mut TlsConnection<'_, T, Suite>, count: &Cell<usize>) -> bool {
    let before = count.get();
    let is_pending = pin!(tls.fill_buf()).poll(&mut Context::from_waker(Waker::noop())).is_pending();
    is_pending && count.get() == before
}

/// A transport over TLS, which opens a new session for each connection.
pub struct Tls<'a> {
    channel: &'a Channel,
    sessions: Pin<&'a mut (dyn Future<Output = Infallible> + 'a)>,
    /// The operation whose outcome is not known yet.
    pending: Option<PendingOperation>,
    /// The bytes that arrived and were not read yet.
    unread: Piece,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PendingOperation {
    Read,
    Other,
}

impl<'a> Tls<'a> {
    /// Creates a transport over these sessions.
    pub fn new(channel: &'a Channel, sessions: Pin<&'a mut (dyn Future<Output = Infallible> + 'a)>) -> Self {
        Self { channel, sessions, pending: None, unread: Piece::new() }
    }

    async fn perform(&mut self, operation: Operation) -> Outcome {
        if self.pending.is_some() {
            return Err(SessionError::NotOpen);
        }
        self.pending = Some(if matches!(operation, Operation::Read(_)) {
            PendingOperation::Read
        } else {
            PendingOperation::Other
        });
        self.channel.operation.replace(Some(operation));
        self.outcome().await
    }

    async fn outcome(&mut self) -> Outcome {
        let outcome = poll_fn(|context| {
            self.poll(context);
            self.channel.outcome.take().map_or(Poll::Pending, Poll::Ready)
        });
        let outcome = outcome.await;
        self.pending = None;
        outcome
    }

    async fn closed(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            if self.channel.is_closing.get() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        match self.sessions.as_mut().poll(context) {
            Poll::Ready(never) => match never {},
            Poll::Pending => {}
        }
    }
}

impl ErrorType for Tls<'_> {
    type Error = SessionError;
}

impl Read for Tls<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, SessionError> {
        if self.unread.is_empty() {
            self.unread = match self.pending {
                Some(PendingOperation::Read) => self.outcome().await?,
                _ => self.perform(Operation::Read(buf.len())).await?,
            };
        }
        let count = self.unread.len().min(buf.len());
        buf[..count].copy_from_slice(&self.unread[..count]);
        self.unread.drain(..count);
        Ok(count)
    }
}

impl Write for Tls<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, SessionError> {
        let piece: Piece = buf.iter().copied().take(PIECE).collect();
        let count = piece.len();
        self.perform(Operation::Write(piece)).await?;
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), SessionError> {
        self.perform(Operation::Flush).await.map(|_| ())
    }
}

impl Transport for Tls<'_> {
    async fn connect(&mut self) -> Result<(), SessionError> {
        // An earlier close may still be in progress.
        self.closed().await;
        self.perform(Operation::Connect).await.map(|_| ())
    }

    async fn close(&mut self) {
        self.channel.is_closing.set(true);
        (self.pending, self.unread) = (None, Piece::new());
        self.closed().await;
    }

    fn is_ready(&mut self) -> bool {
        if self.pending.is_some() || !self.unread.is_empty() {
            return false;
        }
        let outcome = pin!(self.perform(Operation::IsReady)).poll(&mut Context::from_waker(Waker::noop()));
        matches!(outcome, Poll::Ready(Ok(_)))
    }
}
