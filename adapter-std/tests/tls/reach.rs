//! Hosts by address and by name, a proxy under TLS, and certificates of any size.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use gateway_emulator::{Emulator, Https, Options};
use sms_gateway::{
    Gateway,
    tls::{Pin, RootCertificates},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    front::{BOTH, Front, config},
    needs_openssl,
    peer::{Form, IN_QUEUE, Identity, Kind, call},
};

async fn start(listen: SocketAddr) -> Emulator {
    let https = Some(Https::default());
    Emulator::start(Options { listen, https, ..Options::default() }).await.unwrap()
}

/// Calls an emulator by a URL: with the pin of its certificate, and with its certificate as an authority.
async fn works(emulator: &Emulator, url: &str) {
    let certificate = emulator.certificate().unwrap();
    let pin: Pin = certificate.fingerprint().parse().unwrap();
    let roots = RootCertificates::from_pem(certificate.pem().as_bytes()).unwrap();
    let builder = Gateway::builder(url).credentials("admin", "admin");
    for builder in [builder.clone().pin(pin), builder.clone().root_certificates(roots)] {
        assert_eq!(call(builder).await.unwrap(), Some(0), "{url}");
    }
    assert_eq!(builder.fetch_certificate().await.unwrap().pin(), pin, "{url}");
}

#[tokio::test]
async fn hosts_are_reached_by_address_and_by_name() {
    let emulator = start((Ipv4Addr::LOCALHOST, 0).into()).await;
    works(&emulator, &format!("https://{}", emulator.addr())).await;
    works(&emulator, &format!("https://localhost:{}", emulator.addr().port())).await;
    let emulator = start((Ipv6Addr::LOCALHOST, 0).into()).await;
    works(&emulator, &format!("https://[::1]:{}", emulator.addr().port())).await;
}

/// Starts a proxy (RFC 9110 §9.3.6). Returns its address and the bytes that clients have sent through it.
async fn proxy() -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let passed = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&passed);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let mut client = BufReader::new(client);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            client.read_line(&mut head).await.unwrap();
        }
        let target = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
        let mut server = TcpStream::connect(target).await.unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let (mut buffer, mut response) = ([0; 4096], [0; 4096]);
        loop {
            tokio::select! {
                count = client.read(&mut buffer) => {
                    let bytes = &buffer[..count.unwrap()];
                    noted.lock().unwrap().extend(bytes);
                    server.write_all(bytes).await.unwrap();
                }
                count = server.read(&mut response) => {
                    client.write_all(&response[..count.unwrap()]).await.unwrap();
                }
            }
        }
    });
    (address, passed)
}

#[tokio::test]
async fn tls_goes_through_a_proxy_of_the_caller_to_its_end() {
    let emulator = start((Ipv4Addr::LOCALHOST, 0).into()).await;
    let (proxy, passed) = proxy().await;
    let open = move |address: String| async move {
        let mut stream = BufReader::new(TcpStream::connect(proxy).await?);
        let connect = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(connect.as_bytes()).await?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head).await?;
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        Ok(stream)
    };
    let pin = emulator.certificate().unwrap().fingerprint().parse().unwrap();
    let builder = Gateway::builder(&emulator.url()).credentials("admin", "admin").pin(pin).connector(open);
    assert_eq!(call(builder).await.unwrap(), Some(0));
    let passed = passed.lock().unwrap();
    assert_eq!(passed[0], 0x16, "a TLS record");
    assert!(!String::from_utf8_lossy(&passed).contains("/api/"));
}

/// Creates a certificate with an extension of this length.
fn certificate_with(bytes: usize) -> Identity {
    let extension = format!("1.2.3.4=DER:{}", "05".repeat(bytes));
    Identity::new(Kind::form(Form::Valid(Some(extension.leak()))))
}

#[tokio::test]
async fn large_certificates_work_up_to_a_limit() {
    needs_openssl!();
    for (bytes, is_accepted) in [(40_000, true), (64_000, true), (65_400, false)] {
        let identity = certificate_with(bytes);
        let front = Front::start(config(vec![identity.der()], &identity, BOTH), None).await;
        let called = call(front.builder().pin(identity.pin())).await;
        if is_accepted {
            assert_eq!(called.unwrap(), IN_QUEUE, "{bytes}");
            continue;
        }
        let error = called.unwrap_err();
        assert!(!error.may_have_arrived());
        assert!(error.explain().contains("the gateway's TLS handshake is malformed"), "{}", error.explain());
        assert_eq!(front.seen().decrypted, b"");
    }
}
