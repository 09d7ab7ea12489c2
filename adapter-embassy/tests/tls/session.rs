//! TLS over another transport, with embedded-tls, in lent memory: written to be copied into firmware.
//!
//! A `TlsConnection` does not give back the buffers that it was lent, so a transport that holds both can't be opened again; and it
//! loses its place in the stream when one of its futures is dropped amid a record. Therefore sessions live in a future of their own,
//! [`sessions`], that lends the same buffers to one after the other. A [`Tls`] holds that future, and polls it for as long as it is
//! polled itself; what a dropped call has begun goes on with the next one, or ends with [`close`](Transport::close).

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

/// How long the word that a session ends may take to leave.
const CLOSE_LIMIT: Duration = Duration::from_millis(200);
/// Bytes that pass between a [`Tls`] and its session at once.
const PIECE: usize = 256;
/// The longest certificate of a gateway, in bytes.
const MAX_CERTIFICATE: usize = 1024;

type Suite = Aes128GcmSha256;
type Hash = <Suite as TlsCipherSuite>::Hash;
type Piece = heapless::Vec<u8, PIECE>;

/// Where records are held, lent by the caller.
pub struct Records<'m> {
    /// Those that come in: 16,640 bytes, since few servers let smaller ones be agreed on.
    pub incoming: &'m mut [u8],
    /// Those that leave: 512 bytes do. A request that is longer, less 128 bytes for each record, becomes several.
    pub outgoing: &'m mut [u8],
}

/// Who a gateway has to be.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The name in its certificate: a DNS name of it, or its common name. An address is found only where it stands as one of these.
    pub name: &'a str,
    /// Who signed its certificate, in DER: itself, or an authority. embedded-tls takes any certificate of an authority for another
    /// authority, so it must have signed none for anybody else. Without a clock, dates are not looked at.
    pub signer: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub enum SessionError {
    /// There was no connection below.
    Connect(ErrorKind),
    /// The handshake, a record, or what is below.
    Tls(TlsError),
    /// The handshake went through without the peer's certificate.
    NotVerified,
    /// There is no session, or the one there is has been left amid something else.
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

/// Random numbers, and whether the peer has shown who it is.
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

/// A verifier that knows whether it was asked, in order. embedded-tls 0.19 takes the end of a handshake from a peer that has shown no
/// certificate, whatever the verifier is.
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
        // The verifier panics without one.
        if !core::mem::take(&mut self.has_certificate) {
            return Err(TlsError::InvalidHandshake);
        }
        self.verifier.verify_signature(signature)?;
        self.is_verified = true;
        Ok(())
    }
}

/// Counts what was read.
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

// There is no heap to put the larger variant on.
#[allow(clippy::large_enum_variant)]
enum Ask {
    Connect,
    Read(usize),
    Write(Piece),
    Flush,
    IsReady,
}

type Answer = Result<Piece, SessionError>;

/// Where a [`Tls`] and its [`sessions`] meet. One thing is asked for at a time; who asks polls who answers, so that nobody is woken here.
#[derive(Default)]
pub struct Desk {
    ask: RefCell<Option<Ask>>,
    answer: RefCell<Option<Answer>>,
    closing: Cell<bool>,
}

impl Desk {
    async fn asked(&self) -> Ask {
        poll_fn(|_| self.ask.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    fn answer(&self, answer: Answer) {
        self.answer.replace(Some(answer));
    }

    /// Awaits something; `None` when the session is to be closed.
    async fn unless_closed<F: Future>(&self, future: F) -> Option<F::Output> {
        let closed = poll_fn(|_| if self.closing.get() { Poll::Ready(()) } else { Poll::Pending });
        match select(closed, future).await {
            Either::First(()) => None,
            Either::Second(output) => Some(output),
        }
    }
}

/// Opens sessions over a transport, as a [`Tls`] asks for them at the same desk.
pub async fn sessions<T: Transport, R: CryptoRngCore>(
    mut below: T,
    mut records: Records<'_>,
    trust: Trust<'_>,
    mut random: R,
    desk: &Desk,
) -> Infallible {
    loop {
        if let Some(ask) = desk.unless_closed(desk.asked()).await {
            match ask {
                Ask::Connect => session(&mut below, &mut records, trust, &mut random, desk).await,
                _ => desk.answer(Err(SessionError::NotOpen)),
            }
        }
        if desk.closing.get() {
            below.close().await;
            desk.ask.take();
            desk.answer.take();
            desk.closing.set(false);
        }
    }
}

/// One session, until it is to be closed or could not be opened.
async fn session<T: Transport, R: CryptoRngCore>(
    below: &mut T,
    records: &mut Records<'_>,
    trust: Trust<'_>,
    random: &mut R,
    desk: &Desk,
) {
    let count = Cell::new(0);
    match desk.unless_closed(below.connect()).await {
        None => return,
        Some(Err(error)) => return desk.answer(Err(SessionError::Connect(error.kind()))),
        Some(Ok(())) => {}
    }
    let socket = Counted { inner: below, count: &count };
    let mut tls = TlsConnection::new(socket, records.incoming, records.outgoing);
    match desk.unless_closed(handshake(&mut tls, trust, random)).await {
        None => return,
        Some(Err(error)) => return desk.answer(Err(error)),
        Some(Ok(())) => desk.answer(Ok(Piece::new())),
    }
    while let Some(ask) = desk.unless_closed(desk.asked()).await {
        // Amid a record a session can't be closed in order.
        match desk.unless_closed(perform(ask, &mut tls, &count)).await {
            None => return,
            Some(answer) => desk.answer(answer),
        }
    }
    let _ = with_timeout(CLOSE_LIMIT, tls.close()).await;
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
    ask: Ask,
    tls: &mut TlsConnection<'_, T, Suite>,
    count: &Cell<usize>,
) -> Answer {
    match ask {
        Ask::Connect => return Err(SessionError::NotOpen),
        Ask::Read(most) => return read(tls, most).await.map_err(SessionError::Tls),
        Ask::Write(piece) => tls.write_all(&piece).await,
        Ask::Flush => tls.flush().await,
        Ask::IsReady => {
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
        // The peer has closed in order. An end without that is an error: somebody may have cut the stream.
        Err(TlsError::ConnectionClosed) => return Ok(Piece::new()),
        bytes => bytes?,
    };
    let count = bytes.len().min(most).min(PIECE);
    let piece = bytes.iter().copied().take(count).collect();
    tls.consume(count);
    Ok(piece)
}

/// Whether nothing has come in, nor the end. Reading is tried once; if that takes bytes and gives none, it may have stopped amid a
/// record.
fn is_ready<T: Read + Write>(tls: &mut TlsConnection<'_, T, Suite>, count: &Cell<usize>) -> bool {
    let before = count.get();
    let waits = pin!(tls.fill_buf()).poll(&mut Context::from_waker(Waker::noop())).is_pending();
    waits && count.get() == before
}

/// A transport that is a TLS session, opened anew whenever that is needed.
pub struct Tls<'a> {
    desk: &'a Desk,
    sessions: Pin<&'a mut (dyn Future<Output = Infallible> + 'a)>,
    /// What is asked for and not answered yet.
    waits: Option<Wait>,
    /// What came in and is not taken yet.
    unread: Piece,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Read,
    Other,
}

impl<'a> Tls<'a> {
    /// A transport whose sessions are those.
    pub fn new(desk: &'a Desk, sessions: Pin<&'a mut (dyn Future<Output = Infallible> + 'a)>) -> Self {
        Self { desk, sessions, waits: None, unread: Piece::new() }
    }

    async fn ask(&mut self, ask: Ask) -> Answer {
        if self.waits.is_some() {
            return Err(SessionError::NotOpen);
        }
        self.waits = Some(if matches!(ask, Ask::Read(_)) { Wait::Read } else { Wait::Other });
        self.desk.ask.replace(Some(ask));
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let answer = poll_fn(|context| {
            self.poll(context);
            self.desk.answer.take().map_or(Poll::Pending, Poll::Ready)
        });
        let answer = answer.await;
        self.waits = None;
        answer
    }

    async fn closed(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            if self.desk.closing.get() { Poll::Pending } else { Poll::Ready(()) }
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
            self.unread = match self.waits {
                Some(Wait::Read) => self.answer().await?,
                _ => self.ask(Ask::Read(buf.len())).await?,
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
        self.ask(Ask::Write(piece)).await?;
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), SessionError> {
        self.ask(Ask::Flush).await.map(|_| ())
    }
}

impl Transport for Tls<'_> {
    async fn connect(&mut self) -> Result<(), SessionError> {
        // Closing may not have come to its end.
        self.closed().await;
        self.ask(Ask::Connect).await.map(|_| ())
    }

    async fn close(&mut self) {
        self.desk.closing.set(true);
        (self.waits, self.unread) = (None, Piece::new());
        self.closed().await;
    }

    fn is_ready(&mut self) -> bool {
        if self.waits.is_some() || !self.unread.is_empty() {
            return false;
        }
        let asked = pin!(self.ask(Ask::IsReady)).poll(&mut Context::from_waker(Waker::noop()));
        matches!(asked, Poll::Ready(Ok(_)))
    }
}
