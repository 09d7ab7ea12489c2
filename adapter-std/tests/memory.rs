//! Responses of any length take the same memory, and their first records can be read before their last bytes arrive.

#![allow(missing_docs)]

use std::{io::Write as _, net::SocketAddr, process::Command};

use sms_gateway::{Gateway, core::call::QuerySmsResult};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

const RECORD: &str = r#"{"port":7,"user_id":123456,"number":"13800138000","time":"2014-12-21 12:06:01","status":"SENT_OK","count":3,"succ_count":3,"ref_id":12},"#;
const FIRST: &str = r#"{"error_code":200,"result":["#;
const LAST: &str = r#"{"port":8}]}"#;
/// The environment variable that tells the child the gateway's address.
const URL: &str = "SMS_GATEWAY_TEST_URL";

async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"{}") {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the request ended early");
        seen.extend_from_slice(&buffer[..length]);
    }
}

async fn head(stream: &mut TcpStream, records: usize) {
    let length = FIRST.len() + LAST.len() + records * RECORD.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{FIRST}");
    stream.write_all(head.as_bytes()).await.unwrap();
}

/// Responds to one request with a number of records.
async fn serve(listener: TcpListener, records: usize) {
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await;
    head(&mut stream, records).await;
    let block = RECORD.repeat(100);
    assert_eq!(records % 100, 0);
    for _ in 0..records / 100 {
        stream.write_all(block.as_bytes()).await.unwrap();
    }
    stream.write_all(LAST.as_bytes()).await.unwrap();
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn the_first_record_is_out_before_the_last_byte_is_in() {
    let (listener, address) = listen().await;
    let (seen, first_seen) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        head(&mut stream, 1).await;
        stream.write_all(RECORD.as_bytes()).await.unwrap();
        first_seen.await.unwrap();
        stream.write_all(LAST.as_bytes()).await.unwrap();
    });
    let gateway = Gateway::builder(&format!("http://{address}")).build().unwrap();
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap().port.get(), Some(7));
    seen.send(()).unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap().port.get(), Some(8));
    assert_eq!(answer.next().await.unwrap(), None);
    server.await.unwrap();
}

/// Run by the test below in its own process: reads a response and prints the number of records and the peak memory in KiB.
#[tokio::test]
async fn child_reads_an_answer() {
    let Ok(url) = std::env::var(URL) else { return };
    let gateway = Gateway::builder(&url).build().unwrap();
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let mut records = 0;
    while answer.next().await.unwrap().is_some() {
        records += 1;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    writeln!(std::io::stdout(), "\nread {records} {peak}").unwrap();
}

async fn peak_memory(records: usize) -> u64 {
    let (listener, address) = listen().await;
    let server = tokio::spawn(serve(listener, records));
    let child = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_reads_an_answer", "--nocapture", "--test-threads=1"])
            .env(URL, format!("http://{address}"))
            .output()
            .unwrap()
    });
    let output = String::from_utf8(child.await.unwrap().stdout).unwrap();
    server.await.unwrap();
    let words: Vec<_> = output
        .lines()
        .find_map(|line| line.strip_prefix("read "))
        .unwrap_or_else(|| panic!("{output}"))
        .split(' ')
        .collect();
    assert_eq!(words[0], (records + 1).to_string());
    words[1].parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn sixty_four_megabytes_take_no_more_memory_than_one() {
    let small = peak_memory(7_500).await;
    let large = peak_memory(500_000).await;
    println!(
        "peak resident memory: {small} KiB for 1 MB, {large} KiB for {} MB",
        500_000 * RECORD.len() / 1_000_000
    );
    assert!(large < small + 1024, "{small} KiB for 1 MB, {large} KiB for 64 MB");
}
