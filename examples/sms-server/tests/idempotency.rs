//! Many connections that repeat the same requests at the same time.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use serde_json::{Value, json};
use sms_server::{api, config::Config, server::Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
    task::JoinSet,
};

const CONNECTIONS: usize = 64;

/// Makes a request, and returns the status and the body.
async fn call(stream: &mut TcpStream, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer key\r\nIdempotency-Key: {key}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let head = loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the connection has ended");
        response.extend_from_slice(&buffer[..count]);
        if let Some(end) = response.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8(response[..head].to_vec()).unwrap().to_lowercase();
    let length =
        text.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse::<usize>().unwrap();
    let mut body = response.split_off(head);
    let read = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[read..]).await.unwrap();
    (text[9..12].parse().unwrap(), serde_json::from_slice(&body).unwrap())
}

async fn start(folder: &Path) -> String {
    let hash = api::hash("key").iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata = \"data\"\n[[gateway]]\nname = \"box\"\nurl = \"http://127.0.0.1:1\"\nuser = \"admin\"\n\
         password-file = \"password\"\n[[pool]]\nname = \"all\"\ngateways = [\"box\"]\n[[account]]\nname = \"shop\"\n\
         [[account.key]]\nhash = \"sha256:{hash}\"\nscopes = [\"send\", \"read\"]\n[[route]]\npool = \"all\"\n"
    );
    std::fs::write(folder.join("password"), "admin").unwrap();
    let server = Server::start(&Config::parse(&text, folder).unwrap()).await.unwrap();
    let address = server.address().unwrap().to_string();
    tokio::spawn(server.run(std::future::pending()));
    address
}

/// Sends each key on all connections at the same time. Returns the ids.
async fn send_all(address: &str, keys: usize) -> BTreeSet<String> {
    let barrier = Arc::new(Barrier::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (address, barrier) = (address.to_owned(), Arc::clone(&barrier));
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let mut ids = Vec::new();
            for key in 0..keys {
                let body = json!({ "to": "+8613800138000", "text": format!("Message {key}") }).to_string();
                barrier.wait().await;
                let (status, accepted) =
                    call(&mut stream, "POST", "/v1/messages", &format!("key {key}"), &body).await;
                assert_eq!(status, 202);
                ids.push(accepted["id"].as_str().unwrap().to_owned());
            }
            ids
        });
    }
    let all: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(all.len(), 1, "connections got different ids for the same key");
    all.into_iter().flatten().collect()
}

async fn list_all(stream: &mut TcpStream) -> BTreeSet<String> {
    let (mut ids, mut path) = (BTreeSet::new(), "/v1/messages?limit=1000".to_owned());
    loop {
        let (_, page) = call(stream, "GET", &path, "", "").await;
        let messages = page["messages"].as_array().unwrap().iter();
        ids.extend(messages.map(|message| message["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { return ids };
        path = format!("/v1/messages?limit=1000&cursor={next}");
    }
}

async fn each_key_is_one_message(keys: usize) {
    let folder = tempfile::tempdir().unwrap();
    let address = start(folder.path()).await;
    let ids = send_all(&address, keys).await;
    assert_eq!(ids.len(), keys);
    let mut stream = TcpStream::connect(&address).await.unwrap();
    assert_eq!(list_all(&mut stream).await, ids);
    let other = json!({ "to": "+8613800138000", "text": "Another text" }).to_string();
    for key in 0..keys {
        let (status, problem) =
            call(&mut stream, "POST", "/v1/messages", &format!("key {key}"), &other).await;
        assert_eq!(
            (status, &problem["type"]),
            (422, &json!("urn:sms-server:problem:idempotency-key-reused"))
        );
    }
    assert_eq!(list_all(&mut stream).await.len(), keys);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_64_connections_send_at_once_is_one_message() {
    each_key_is_one_message(10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute: 64,000 requests"]
async fn each_of_1000_keys_that_64_connections_send_at_once_is_one_message() {
    each_key_is_one_message(1000).await;
}
