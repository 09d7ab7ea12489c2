use std::{fs, path::Path};

use axum::routing::get;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::config;

/// A limit for what must happen; nothing waits for it in vain.
const PATIENCE: Duration = Duration::from_secs(60);
/// A limit that no test reaches.
const NEVER: Duration = Duration::from_secs(3600);
/// A limit that the test waits for.
const SOON: Duration = Duration::from_millis(50);

const UNLIMITED: Limits =
    Limits { connections: 100, handshake: NEVER, head: NEVER, write: NEVER, drain: NEVER };

/// A server of one path, which responds at once, and another, which notes its start and then waits.
struct Server {
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
    end: Option<oneshot::Sender<()>>,
    started: mpsc::UnboundedReceiver<()>,
    release: Arc<Semaphore>,
}

impl Server {
    async fn start(tls: Option<Arc<Tls>>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Door::new(listener, tls, limits);
        let (note, started) = mpsc::unbounded_channel();
        let release = Arc::new(Semaphore::new(0));
        let released = Arc::clone(&release);
        let wait = move || async move {
            note.send(()).unwrap();
            let _permit = released.acquire().await;
            "released"
        };
        let long = || async { vec![b'x'; 64 << 20] };
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/wait", get(wait))
            .route("/long", get(long));
        let (end, ended) = oneshot::channel::<()>();
        let address = door.address().unwrap();
        let task = tokio::spawn(door.serve(router, async move { drop(ended.await) }));
        Self { address, task, end: Some(end), started, release }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn end(&mut self) {
        self.end.take();
    }
}

async fn ask(stream: &mut (impl AsyncWrite + Unpin), path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: server\r\n\r\n").as_bytes()).await.unwrap();
}

/// Reads until `end` or the end of the connection.
async fn read_to(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = String::new();
    timeout(PATIENCE, async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            if text.ends_with(end) {
                break;
            }
        }
    })
    .await
    .expect("the connection neither responds nor ends");
    text
}

#[tokio::test]
async fn a_connection_ends_if_its_client_does_not_finish_the_head_of_a_request() {
    let server = Server::start(None, Limits { head: SOON, ..UNLIMITED }).await;
    for beginning in ["", "GET / HTTP/1.1\r\nHost: "] {
        let mut stream = server.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let response = read_to(&mut stream, "never").await;
        assert!(!response.contains("200 OK"), "{response}");
    }
    // The limit applies to idle connections too.
    let mut stream = server.connect().await;
    ask(&mut stream, "/").await;
    assert!(read_to(&mut stream, "never").await.ends_with("hello"));
}

#[tokio::test]
async fn a_connection_ends_if_its_client_does_not_read_the_response() {
    let limits = Limits { connections: 1, write: SOON, ..UNLIMITED };
    let server = Server::start(None, limits).await;
    let mut stuck = server.connect().await;
    ask(&mut stuck, "/long").await;
    // The only place is free again once the first connection has ended.
    let mut next = server.connect().await;
    ask(&mut next, "/").await;
    assert!(read_to(&mut next, "hello").await.ends_with("hello"));
}

#[tokio::test]
async fn connections_above_the_maximum_wait_until_one_ends() {
    let mut server = Server::start(None, Limits { connections: 1, ..UNLIMITED }).await;
    let mut first = server.connect().await;
    ask(&mut first, "/wait").await;
    server.started.recv().await.unwrap();
    let mut second = server.connect().await;
    ask(&mut second, "/wait").await;
    assert!(server.started.try_recv().is_err());
    server.release.add_permits(2);
    assert!(read_to(&mut first, "released").await.ends_with("released"));
    drop(first);
    assert!(read_to(&mut second, "released").await.ends_with("released"));
}

#[tokio::test]
async fn requests_finish_after_the_end_and_no_connection_is_accepted() {
    let mut server = Server::start(None, UNLIMITED).await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/wait").await;
    server.started.recv().await.unwrap();
    server.end();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.release.add_permits(1);
    assert!(read_to(&mut stream, "never").await.ends_with("released"));
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_do_not_finish_in_time_are_dropped_after_the_end() {
    let mut server = Server::start(None, Limits { drain: SOON, ..UNLIMITED }).await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/wait").await;
    server.started.recv().await.unwrap();
    server.end();
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!(read_to(&mut stream, "never").await, "");
}

/// Writes a certificate for a name, and its key. Returns the name and the certificate.
fn write(folder: &Path, name: &'static str) -> (&'static str, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    (name, cert.der().clone())
}

fn files(folder: &Path) -> config::Tls {
    config::Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem") }
}

/// Connects, and asserts that the server shows a certificate, which has this name.
async fn connect(
    server: &Server,
    (name, expected): &(&'static str, CertificateDer<'static>),
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(expected.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let client = builder.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(*name).unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect(name, server.connect().await).await.unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap(), std::slice::from_ref(expected));
    stream
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = write(folder.path(), "first");
    let tls = Arc::new(Tls::read(files(folder.path())).unwrap());
    let server = Server::start(Some(Arc::clone(&tls)), UNLIMITED).await;
    let mut open = connect(&server, &first).await;
    let second = write(folder.path(), "second");
    connect(&server, &first).await;
    tls.reload().unwrap();
    connect(&server, &second).await;
    // The connection that was open goes on.
    ask(&mut open, "/").await;
    assert!(read_to(&mut open, "hello").await.ends_with("hello"));
    fs::write(folder.path().join("cert.pem"), "half a fi").unwrap();
    assert!(tls.reload().is_err());
    connect(&server, &second).await;
}

#[tokio::test]
async fn a_connection_ends_if_its_client_does_not_finish_the_handshake() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "server");
    let tls = Arc::new(Tls::read(files(folder.path())).unwrap());
    let server = Server::start(Some(tls), Limits { handshake: SOON, ..UNLIMITED }).await;
    assert_eq!(read_to(&mut server.connect().await, "never").await, "");
}

#[test]
fn the_file_that_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = || Tls::read(files(folder.path())).err().map(|error| error.to_string()).unwrap();
    assert!(error().contains("cert.pem"), "{}", error());
    write(folder.path(), "server");
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    assert!(error().contains("key.pem"), "{}", error());
    let CertifiedKey { signing_key, .. } = generate_simple_self_signed(["other".to_owned()]).unwrap();
    fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
    assert!(error().contains("cannot be used with its key"), "{}", error());
}
