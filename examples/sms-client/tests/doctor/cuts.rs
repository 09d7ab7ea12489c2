//! Peers that close the connection after any byte of a response.

use tokio::{io::AsyncWriteExt, task::JoinSet};

use super::{
    common::objects,
    peers::{AT_ONCE, is_bounded},
    socket::{Stream, examine, request, start},
};

const RESPONSES: [&str; 3] = [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n{\"error_code\":200,\"in_queue\": 12}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"error_code\":20\r\n11\r\n0,\"in_queue\": 12}\r\n0\r\n\r\n",
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Web Server\", nonce=\"1f\", qop=\"auth\"\r\nContent-Length: 2\r\n\r\nno",
];

async fn serve(mut stream: Stream, bytes: &'static [u8]) {
    if request(&mut stream).await.is_some() {
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closes_at_any_byte_is_examined_to_the_end() {
    let mut checks = JoinSet::new();
    for response in RESPONSES {
        // With TLS a closing peer looks the same, so fewer cuts suffice.
        let all = (0..=response.len()).map(|end| (end, false));
        let some = (0..=response.len()).step_by(23).map(|end| (end, true));
        for (end, is_https) in all.chain(some) {
            if checks.len() == AT_ONCE {
                checks.join_next().await.unwrap().unwrap();
            }
            checks.spawn(async move {
                let url = start(is_https, move |stream| serve(stream, &response.as_bytes()[..end])).await;
                let run = examine(&url, &["--json", "--request-timeout", "20s"]).await;
                is_bounded(&run);
                assert!(!objects(&run.out).is_empty());
                assert!(matches!(run.code, Some(0 | 4)), "{end} of {response}: {run:?}");
                // Only the whole response is accepted as a response.
                let is_faulty = run.out.contains("malformed") || run.out.contains("incomplete");
                let is_accepted = run.out.contains("\"no-login\"") && !is_faulty;
                assert!(!is_accepted || end == response.len(), "{end} of {response}: {run:?}");
            });
        }
    }
    while let Some(check) = checks.join_next().await {
        check.unwrap();
    }
}
