use std::time::Duration;

use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinSet};

use super::{
    common::{Run, gateway_with, objects},
    names,
    socket::{Stream, examine, request, start},
};

/// The behaviour of a peer on each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Silent,
    Closes,
    /// Closes the connection after a request.
    ClosesLater,
    DripsHead,
    DripsBody,
    FloodsHead,
    FloodsLine,
    FloodsBody,
    FloodsChunks,
    FloodsJson,
    FloodsNames,
    HostileNames,
    Nests,
    Interims,
    Garbage,
    Ssh,
    Html,
    Gzip,
    Redirects,
    ChallengesForever,
    Forbids,
}

/// The maximum number of examinations at the same time.
pub(super) const AT_ONCE: usize = 8;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

impl Peer {
    /// All kinds of peers, each with a finding that it causes.
    const ALL: [(Self, &str); 21] = [
        (Self::Silent, "unreachable"),
        (Self::Closes, "unreachable"),
        (Self::ClosesLater, "unreachable"),
        (Self::DripsHead, "unreachable"),
        (Self::DripsBody, "gave-up"),
        (Self::FloodsHead, "unreachable"),
        (Self::FloodsLine, "unreachable"),
        (Self::FloodsBody, "malformed"),
        (Self::FloodsChunks, "malformed"),
        (Self::FloodsJson, "long-response"),
        (Self::FloodsNames, "long-response"),
        (Self::HostileNames, "unknown-keys"),
        (Self::Nests, "long-response"),
        (Self::Interims, "unreachable"),
        (Self::Garbage, "unreachable"),
        (Self::Ssh, "unreachable"),
        (Self::Html, "web-page"),
        (Self::Gzip, "compressed"),
        (Self::Redirects, "redirect"),
        (Self::ChallengesForever, "login-refused"),
        (Self::Forbids, "forbidden"),
    ];

    /// Returns the bytes that are sent first, the bytes that are then repeated forever, and the pause between repetitions.
    fn response(self) -> (Vec<u8>, Vec<u8>, Duration) {
        let (brief, none) = (Duration::from_millis(20), Duration::ZERO);
        let once = |bytes: &[u8]| (bytes.to_vec(), Vec::new(), none);
        let flood = |start: &str, bytes: &str| {
            ([OK, start.as_bytes()].concat(), bytes.repeat(1000).into_bytes(), none)
        };
        match self {
            Self::Silent | Self::Closes | Self::ClosesLater => once(b""),
            Self::DripsHead => (Vec::new(), b"H".to_vec(), brief),
            Self::DripsBody => (OK.to_vec(), b" ".to_vec(), brief),
            Self::FloodsHead => (b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: 1\r\n".repeat(1000), none),
            Self::FloodsLine => (b"HTTP/1.1 200 ".to_vec(), b"OKOKOKOK".repeat(1000), none),
            Self::FloodsBody => flood("", "                "),
            Self::FloodsChunks => {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                (head.to_vec(), [b"800\r\n", &[b'x'; 0x800][..], b"\r\n"].concat().repeat(10), none)
            }
            Self::FloodsJson => flood("{\"error_code\":200,\"result\":[", "{\"port\":1},"),
            Self::FloodsNames => flood("{\"error_code\":200", ",\"\u{1b}[2J\u{202e}smith\":1"),
            Self::HostileNames => {
                let name = format!("\u{1b}[2J\u{202e}{}", "smith".repeat(1000));
                let body = format!("{{\"error_code\":200,\"{name}\":1,\"{name}2\":2,\"\r\n!! reach\":3");
                once(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
            }
            Self::Nests => flood("{\"error_code\":200,\"result\":", "[[[[[[[["),
            Self::Interims => (Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000), none),
            Self::Garbage => once(b"\x16\x03\x01\x02\x00\x1b[2J\r\n\r\n"),
            Self::Ssh => once(b"SSH-2.0-OpenSSH_9.2\r\n"),
            Self::Html => once(b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n <html>Sign in here!</html>"),
            Self::Gzip => {
                let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n";
                once(&[head.as_bytes(), b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56"].concat())
            }
            Self::Redirects => once(b"HTTP/1.1 307 Again\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"),
            Self::ChallengesForever => once(
                b"HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"same\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n",
            ),
            Self::Forbids => once(b"HTTP/1.1 403 No\r\nContent-Length: 19\r\n\r\nforbid to try again"),
        }
    }

    /// Returns the timeout. It is short for peers that exhaust it.
    const fn timeout(self) -> &'static str {
        match self {
            Self::Silent | Self::DripsHead | Self::DripsBody | Self::Interims => "1s",
            _ => "20s",
        }
    }
}

async fn serve(mut stream: Stream, peer: Peer) {
    if peer == Peer::Closes {
        return;
    }
    while request(&mut stream).await.is_some() {
        let (once, again, pause) = peer.response();
        if peer == Peer::ClosesLater || stream.write_all(&once).await.is_err() {
            return;
        }
        while !again.is_empty() && stream.write_all(&again).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
        if matches!(peer, Peer::Garbage | Peer::Ssh) {
            return;
        }
    }
}

/// Asserts that the output is short, whatever the peer sent.
pub(super) fn is_bounded(run: &Run) {
    assert!(run.out.len() < 16 * 1024, "{} bytes", run.out.len());
    assert!(run.err.len() < 2000 && run.err.lines().count() <= 1, "{}", run.err);
}

#[tokio::test]
async fn the_examination_of_any_peer_ends_and_names_it() {
    let mut checks = JoinSet::new();
    for (peer, found) in Peer::ALL {
        for is_https in [false, true] {
            if checks.len() == AT_ONCE {
                checks.join_next().await.unwrap().unwrap();
            }
            checks.spawn(async move {
                let url = start(is_https, move |stream| serve(stream, peer)).await;
                let run = examine(&url, &["--json", "--request-timeout", peer.timeout()]).await;
                is_bounded(&run);
                let findings = objects(&run.out);
                assert!(names(&findings).contains(found), "{peer:?} {is_https}: {findings:?}");
                assert_eq!(names(&findings).contains("tls-versions"), is_https, "{peer:?}: {findings:?}");
                assert_eq!(run.code, Some(4), "{peer:?}");
            });
        }
    }
    while let Some(check) = checks.join_next().await {
        check.unwrap();
    }
}

#[tokio::test]
async fn a_peer_without_tls_behind_https_is_named() {
    for (peer, found) in [
        (Peer::Silent, "unreachable"),
        (Peer::Closes, "tls-failed"),
        (Peer::Html, "not-tls"),
        (Peer::Ssh, "not-tls"),
    ] {
        // Sends a greeting at once, because no plain HTTP request ever arrives.
        let greet = move |mut stream: Stream| async move {
            if matches!(peer, Peer::Html | Peer::Ssh) {
                let _ = stream.write_all(&peer.response().0).await;
            }
            if peer != Peer::Closes {
                let _ = request(&mut stream).await;
            }
        };
        let url = start(false, greet).await.replace("http:", "https:");
        let run = examine(&url, &["--json", "--request-timeout", peer.timeout()]).await;
        is_bounded(&run);
        let findings = objects(&run.out);
        assert!(names(&findings).contains(found), "{peer:?}: {findings:?}");
        assert_eq!(run.code, Some(4), "{peer:?}");
    }
}

#[tokio::test]
async fn tls_behind_http_is_named() {
    let url = start(true, move |stream| serve(stream, Peer::Html)).await.replace("https:", "http:");
    let run = examine(&url, &[]).await;
    assert!(run.out.replace('\n', " ").contains("https://"), "{}", run.out);
    assert_eq!(run.code, Some(4));
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unreachable() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let run = examine(&format!("http://{address}"), &["--json"]).await;
    let findings = objects(&run.out);
    assert!(names(&findings).contains("unreachable"), "{findings:?}");
    assert_eq!(run.code, Some(4));
}

#[tokio::test]
async fn a_password_in_the_url_is_refused_and_not_repeated() {
    let gateway = gateway_with(gateway_emulator::Options::default()).await;
    let url = gateway.url().replace("http://", "http://admin:Geheim77@");
    let run = examine(&url, &[]).await;
    assert!(!run.out.contains("Geheim77") && !run.err.contains("Geheim77"), "{run:?}");
    assert_eq!((run.code, gateway.requests().len()), (Some(2), 0));
}
