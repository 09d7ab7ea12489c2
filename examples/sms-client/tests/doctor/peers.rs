use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    common::{objects, run_talking},
    names,
};

/// The behaviour of a peer on each connection.
#[derive(Clone, Copy, Debug)]
enum Peer {
    Silent,
    Closes,
    /// Closes after each request.
    ClosesLater,
    DripsHead,
    DripsBody,
    FloodsHead,
    FloodsBody,
    FloodsJson,
    Garbage,
    ChallengesForever,
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

async fn endless(stream: &mut TcpStream, bytes: &[u8], pause: Duration) {
    while stream.write_all(bytes).await.is_ok() {
        tokio::time::sleep(pause).await;
    }
}

async fn serve(mut stream: TcpStream, peer: Peer) {
    let brief = Duration::from_millis(20);
    if matches!(peer, Peer::Closes) {
        return;
    }
    let mut request = [0; 4096];
    while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
        match peer {
            Peer::Silent => {}
            Peer::Closes | Peer::ClosesLater => return,
            Peer::DripsHead => endless(&mut stream, b"H", brief).await,
            Peer::DripsBody => {
                let _ = stream.write_all(OK).await;
                endless(&mut stream, b" ", brief).await;
            }
            Peer::FloodsHead => endless(&mut stream, &b"X: 1\r\n".repeat(1000), Duration::ZERO).await,
            Peer::FloodsBody => {
                let _ = stream.write_all(OK).await;
                endless(&mut stream, &b" ".repeat(65536), Duration::ZERO).await;
            }
            Peer::FloodsJson => {
                let _ = stream.write_all(OK).await;
                let _ = stream.write_all(b"{\"error_code\":200,\"result\":[").await;
                endless(&mut stream, &b"{\"port\":1},".repeat(1000), Duration::ZERO).await;
            }
            Peer::Garbage => {
                let _ = stream.write_all(b"\x16\x03\x01\x02\x00\x1b[2J\r\n\r\n").await;
                return;
            }
            Peer::ChallengesForever => {
                let nonce = "WWW-Authenticate: Digest realm=\"r\", nonce=\"same\", qop=\"auth\"\r\n";
                let head = format!("HTTP/1.1 401 Who\r\n{nonce}Content-Length: 0\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
            }
        }
    }
}

async fn start(peer: Peer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, peer));
        }
    });
    address
}

async fn examine(address: &str) -> (Vec<Value>, Option<i32>) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sms-client"));
    command.args(["doctor", "--json", "--request-timeout", "300ms", "--gateway", address, "--user", "admin"]);
    command
        .env("SMS_GATEWAY_PASSWORD", super::PASSWORD)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let run = run_talking(command).await;
    (objects(&run.out), run.code)
}

#[tokio::test]
async fn the_examination_of_any_peer_ends() {
    for (peer, found) in [
        (Peer::Silent, "unreachable"),
        (Peer::Closes, "unreachable"),
        (Peer::ClosesLater, "unreachable"),
        (Peer::DripsHead, "unreachable"),
        (Peer::DripsBody, "gave-up"),
        (Peer::FloodsHead, "unreachable"),
        (Peer::FloodsBody, "malformed"),
        (Peer::FloodsJson, "long-response"),
        (Peer::Garbage, "unreachable"),
        (Peer::ChallengesForever, "login-refused"),
    ] {
        let (findings, code) = examine(&start(peer).await).await;
        assert!(names(&findings).contains(found), "{peer:?}: {findings:?}");
        assert_eq!(code, Some(4), "{peer:?}");
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unreachable() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (findings, code) = examine(&address).await;
    assert!(names(&findings).contains("unreachable"), "{findings:?}");
    assert_eq!(code, Some(4));
}
