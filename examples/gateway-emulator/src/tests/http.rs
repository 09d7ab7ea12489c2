//! Paths and methods, and the quirks of HTTP.

use crate::{
    Emulator, Options, Quirks,
    test_client::{Client, Raw, open},
};

const TARGET: &str = "/api/query_sms_in_queue";
const BODY: &str = r#"{"error_code":200,"in_queue":0}"#;

async fn with(list: &str) -> (Emulator, Client) {
    open(Options { quirks: list.parse().unwrap(), ..Options::default() }).await
}

async fn get(client: &mut Client) -> Raw {
    client.request("GET", TARGET, "", "").await.unwrap()
}

#[tokio::test]
async fn an_ordinary_answer() {
    let (_gateway, mut client) = with("none").await;
    for _ in 0..3 {
        let raw = get(&mut client).await;
        assert!(raw.head.starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(raw.header("content-type"), Some("application/json"));
        assert_eq!((raw.header("connection"), raw.body.as_str()), (None, BODY));
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods() {
    let (gateway, mut client) = with("none").await;
    for path in ["/", "/api", "/api/", "/api/send_sm", "/api/send_sms/", "/send_sms", "/api/get_cdr"] {
        assert_eq!(client.request("GET", path, "", "").await.unwrap().status(), 404, "{path}");
    }
    let posts = ["send_sms", "query_sms_result", "query_sms_deliver_status", "send_ussd"];
    let gets = ["query_sms_in_queue", "query_incoming_sms", "query_ussd_reply", "stop_sms", "get_port_info"];
    for (calls, wrong, right) in [(&posts[..], "GET", "POST"), (&gets[..], "POST", "GET")] {
        for call in calls {
            let raw = client.request(wrong, &format!("/api/{call}"), "", "").await.unwrap();
            assert_eq!((raw.status(), raw.header("allow")), (405, Some(right)), "{call}");
        }
    }
    assert!(gateway.counts().calls.is_empty());
}

#[tokio::test]
async fn broken_json_is_refused() {
    let (_gateway, mut client) = with("none").await;
    for body in ["", "{", "[]", "1", "{}{}", "{\"port\":[1,]}", "{\"number\":[\"\\ud83d\"]}", "{'port':[1]}"]
    {
        assert_eq!(client.code("query_sms_result", body).await, 400, "{body}");
    }
}

#[tokio::test]
async fn heads_with_flaws() {
    let (_gateway, mut client) = with("data-follows,no-content-type").await;
    let raw = get(&mut client).await;
    assert!(raw.head.starts_with("HTTP/1.1 200 Data follows\r\n"));
    assert_eq!((raw.header("content-type"), raw.body.as_str()), (None, BODY));
    let (_gateway, mut client) = with("http-1-0").await;
    let raw = get(&mut client).await;
    assert!(raw.head.starts_with("HTTP/1.0 200 OK\r\n"));
    assert_eq!((raw.header("content-length"), raw.body.as_str()), (Some("31"), BODY));
    assert_eq!(client.remaining().await, "");
}

#[tokio::test]
async fn chunks_and_the_next_request_behind_them() {
    let (_gateway, mut client) = with("chunked").await;
    for _ in 0..3 {
        let raw = get(&mut client).await;
        assert_eq!(raw.header("transfer-encoding"), Some("chunked"));
        assert!(raw.body.starts_with("1;part=\"1\"\r\n{\r\n3;part=\"3\"\r\n\"er\r\n"));
        assert!(raw.body.ends_with("\r\n0\r\nX-Served: yes\r\n\r\n"));
    }
}

#[tokio::test]
async fn a_client_that_wants_the_connection_closed() {
    for list in ["none", "chunked"] {
        let (_gateway, mut client) = with(list).await;
        let raw = client.request("GET", TARGET, "Connection: close\r\n", "").await.unwrap();
        assert_eq!((raw.status(), client.remaining().await.as_str()), (200, ""), "{list}");
    }
}

#[tokio::test]
async fn requests_that_were_read_ahead_are_not_lost() {
    let (gateway, mut client) = with("chunked").await;
    read_ahead(&gateway, &mut client).await;
}

/// Sends three requests before it reads the responses.
pub(super) async fn read_ahead(gateway: &Emulator, client: &mut Client) {
    for _ in 0..3 {
        client.send("GET", TARGET, "", "").await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(client.answer().await.unwrap().status(), 200);
    }
    assert_eq!(gateway.counts().connections, 1);
}

#[tokio::test]
async fn the_end_of_the_connection_ends_the_answer() {
    let (_gateway, mut client) = with("until-close").await;
    let raw = get(&mut client).await;
    assert_eq!((raw.header("content-length"), raw.header("transfer-encoding")), (None, None));
    assert_eq!(raw.body, BODY);
}

#[tokio::test]
async fn connections_close_after_some_answers() {
    for (list, announced) in [("close-after=2", Some("close")), ("close-after=2,close-unannounced", None)] {
        let (gateway, mut client) = with(list).await;
        assert_eq!(get(&mut client).await.header("connection"), None);
        let raw = get(&mut client).await;
        assert_eq!((raw.header("connection"), raw.body.as_str()), (announced, BODY));
        assert_eq!(client.remaining().await, "");
        get(&mut Client::connect(&gateway).await).await;
    }
}

#[tokio::test]
async fn an_empty_post_is_closed_unanswered() {
    let (gateway, mut client) = with("empty-post-closes").await;
    assert_eq!(client.code("query_sms_result", "{}").await, 200);
    assert!(client.request("POST", "/api/query_sms_result", "", "").await.is_err());
    assert_eq!(gateway.requests().last().unwrap().status, None);
}

#[tokio::test]
async fn queries_can_be_posted() {
    let (gateway, mut client) = with("post-queries").await;
    for text in ["a", "b", "c"] {
        gateway.receive_sms(3, "10086", text);
    }
    for (call, body, counted) in [
        ("query_incoming_sms", r#"{"incoming_sms_id":1,"flag":"all"}"#, ("sms", 2)),
        ("query_incoming_sms?incoming_sms_id=1&flag=all", "{}", ("sms", 2)),
        ("query_incoming_sms?incoming_sms_id=2", r#"{"incoming_sms_id":"0","flag":"all"}"#, ("sms", 3)),
        ("query_incoming_sms", "", ("sms", 3)),
        ("query_ussd_reply", r#"{"port":[1,2]}"#, ("reply", 2)),
        ("get_port_info", r#"{"port":[4],"info_type":["reg","imei"]}"#, ("info", 1)),
    ] {
        let answer = client.post(call, body).await;
        let (array, count) = counted;
        assert_eq!(answer[array].as_array().unwrap().len(), count, "{call} {body}: {answer}");
    }
    assert_eq!(client.post("query_sms_in_queue", "{}").await["in_queue"], 0);
    for body in ["[]", "{", r#"{"flag":true}"#, r#"{"port":{"a":1}}"#, r#"{"flag":null}"#] {
        assert_eq!(client.code("query_incoming_sms", body).await, 400, "{body}");
    }
    // A GET still works. `stop_sms` and `send_sms` accept only their own methods, and no call accepts PUT.
    assert_eq!(client.get(TARGET).await["in_queue"], 0);
    for (method, call) in [("POST", "stop_sms?task_id=1"), ("GET", "send_sms"), ("PUT", "query_sms_in_queue")]
    {
        let raw = client.request(method, &format!("/api/{call}"), "", "").await.unwrap();
        assert_eq!(raw.status(), 405, "{method} {call}");
    }
}

#[tokio::test]
async fn requests_are_redirected() {
    let (_gateway, mut client) = with("redirect-https").await;
    let raw = get(&mut client).await;
    assert_eq!((raw.status(), raw.header("location")), (302, Some("https://gateway/api/query_sms_in_queue")));
    let (_gateway, mut client) = with("redirect-login-page").await;
    let raw = get(&mut client).await;
    assert_eq!((raw.status(), raw.header("location")), (302, Some("/login.htm")));
}

#[tokio::test]
async fn a_ragged_challenge() {
    let quirks = Quirks { ragged_challenge: true, ..Quirks::none() };
    let gateway = Emulator::start(Options { quirks, ..Options::default() }).await.unwrap();
    let mut client = Client::connect(&gateway).await;
    let raw = get(&mut client).await;
    let challenge = raw.header("www-authenticate").unwrap();
    let hex = |c: char| c.is_ascii_hexdigit();
    let mask: String = challenge
        .split('"')
        .map(|part| if part.len() == 32 && part.chars().all(hex) { "…" } else { part })
        .collect::<Vec<_>>()
        .join("\"");
    assert_eq!(
        mask,
        r#"Digest realm="Web Server", domain="",qop="auth", nonce="…", opaque="…",algorithm="MD5", stale="FALSE""#
    );
    assert_eq!(
        (raw.status(), raw.header("content-type"), raw.header("content-length")),
        (401, Some("text/html"), None)
    );
    assert!(raw.body.starts_with("<html>"));
}

#[tokio::test]
async fn a_raw_comma_is_refused_as_a_wrong_login() {
    let (gateway, mut client) = with("raw-comma-refused").await;
    for (target, status) in
        [("/api/query_ussd_reply?port=1,2", 401), ("/api/query_ussd_reply?port=1%2C2", 200)]
    {
        assert_eq!(client.request("GET", target, "", "").await.unwrap().status(), status);
    }
    assert_eq!(gateway.counts().refused, 1);
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let (gateway, mut client) = with("none").await;
    let body = "x".repeat((1 << 20) + 1);
    // The gateway may close the connection before it has read everything.
    if let Ok(raw) = client.request("POST", "/api/send_sms", "", &body).await {
        assert_eq!(raw.status(), 413);
    }
    assert_eq!(get(&mut Client::connect(&gateway).await).await.body, BODY);
    assert_eq!(gateway.counts().requests, 1);
}

#[tokio::test]
async fn responses_of_observed_quirks_are_well_formed() {
    let (gateway, mut client) = with("observed").await;
    gateway.receive_sms(2, "10086", "Grüße");
    let send = r#"{"text":"a","param":[{"number":"10086","user_id":7}]}"#;
    for (call, body, array) in [
        ("send_sms", send, None),
        ("query_sms_in_queue", "", None),
        ("query_sms_result", "{}", Some("result")),
        ("query_sms_deliver_status", "{}", Some("result")),
        ("query_incoming_sms?flag=all", "", Some("sms")),
        ("send_ussd", r#"{"port":[1],"text":"*1#"}"#, Some("result:")),
        ("query_ussd_reply?port=1%2C2", "", Some("reply")),
        ("get_port_info?info_type=reg", "", Some("info")),
        ("stop_sms?task_id=99", "", None),
    ] {
        gateway.idle().await;
        let method = if body.is_empty() { "GET" } else { "POST" };
        // A new connection for each call, because a connection closes after its third response.
        let mut client = Client::connect(&gateway).await;
        let raw = client.request(method, &format!("/api/{call}"), "", body).await.unwrap();
        let json = raw.json();
        assert!(json["error_code"].is_string(), "{json}");
        if let Some(array) = array {
            assert!(!json[array].as_array().unwrap().is_empty(), "{json}");
        }
    }
    assert!(client.request("POST", "/api/query_sms_result", "", "").await.is_err());
}

#[tokio::test]
async fn observed_quirks_and_misprints_add_up() {
    let (_gateway, mut client) = with("observed,printed").await;
    let body = r#"{"port":[1],"text":"*1#"}"#;
    let raw = client.request("POST", "/api/send_ussd", "", body).await.unwrap();
    assert!(raw.body.starts_with(r#"{"error_code":"202""vendor""#), "{}", raw.body);
    assert!(raw.body.ends_with(r#""result:":[{"port":"1","extra":{"x":[1,{"y":"}]"}]},"status":"200",},]}"#));
}
