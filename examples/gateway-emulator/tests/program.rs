//! The program itself: its output, and the effect of its options.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

/// Kills the program when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(args: &[&str]) -> (Running, impl Iterator<Item = String> + use<>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-emulator"));
    command.args(["--listen", "127.0.0.1:0"]).args(args).env("GATEWAY_EMULATOR_PASSWORD", "s3cret");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (Running(child), lines)
}

fn get(url: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: gateway\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_prints_its_url_and_each_request() {
    let (_running, mut lines) = start(&[
        "--auth",
        "basic",
        "--incoming",
        "2:10086:one: two",
        "--quirks",
        "data-follows,missing-comma",
    ]);
    let url = lines.next().unwrap();
    assert!(get(&url, "/api/query_incoming_sms", "").starts_with("HTTP/1.1 401 "));
    assert_eq!(lines.next().unwrap(), "1 [1] GET /api/query_incoming_sms 401 (no login)");
    // admin:s3cret
    let answer = get(&url, "/api/query_incoming_sms", "Authorization: Basic YWRtaW46czNjcmV0\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 Data follows\r\n"), "{answer}");
    assert!(
        answer.contains(r#"{"error_code":200"sms":[{"incoming_sms_id":1,"port":2,"number":"10086""#),
        "{answer}"
    );
    assert_eq!(lines.next().unwrap(), "2 [2] GET /api/query_incoming_sms 200 error_code 200");
}

#[test]
#[cfg(unix)]
fn it_prints_its_messages_and_logins_at_the_end() {
    let (mut running, mut lines) =
        start(&["--auth", "none", "--default-fate", "stuck", "--incoming", "2:+10086:\"ü\""]);
    let url = lines.next().unwrap();
    let body = r#"{"text":"Grüße\n#param#","param":[{"number":"10086","text_param":["😀"],"user_id":7},{"number":"1","text_param":["?"]}]}"#;
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!("POST /api/send_sms HTTP/1.1\r\nHost: gateway\r\nContent-Length: {}\r\n", body.len());
    write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(lines.next().unwrap(), "1 [1] POST /api/send_sms 200 error_code 202 (no login)");
    let killed = Command::new("kill").arg(running.0.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "message 7 to 10086: Sending, segments sent: 0 of 1, text: Grüße\\n😀",
            "message to 1: Sending, segments sent: 0 of 1, text: Grüße\\n?",
            r#"received "+10086" "\"ü\"""#,
            "challenged: 0, nonces expired: 0"
        ]
    );
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn it_prints_the_fingerprints_of_its_certificate() {
    let (_running, mut lines) = start(&["--https", "--certificate", "v1,rsa-1024,sha1", "--tls", "1.2"]);
    let url = lines.next().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    for start in ["certificate sha256:", "public key key-sha256:"] {
        let line = lines.next().unwrap();
        let digits = line.strip_prefix(start).unwrap();
        assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
    }
    // Plain HTTP gets an alert.
    let mut stream = TcpStream::connect(url.strip_prefix("https://").unwrap()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(received.first(), Some(&21));
}

#[test]
fn impossible_certificates_and_options_without_https_are_refused() {
    for (args, reason) in [
        (&["--https", "--certificate", "sha1,ec"][..], "needs an RSA key"),
        (&["--https", "--certificate", "v2"], "`v2` is not a kind of certificate"),
        (&["--certificate", "ec"], "--https"),
        (&["--tls", "1.2"], "--https"),
    ] {
        let refusal = Command::new(env!("CARGO_BIN_EXE_gateway-emulator")).args(args).output().unwrap();
        assert_eq!(refusal.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8(refusal.stderr).unwrap();
        assert!(text.contains(reason), "{args:?}: {text}");
    }
}

#[test]
fn a_taken_port_is_reported_with_a_way_out() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-emulator"));
    let output = command.args(["--listen", &taken]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let expected = format!(
        "gateway-emulator: cannot listen on {taken}: another program uses this port\n\
         Choose another address with --listen; port 0 lets the system choose a free port.\n"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

#[test]
fn it_explains_itself() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-emulator"));
    let help = String::from_utf8(command.arg("--help").output().unwrap().stdout).unwrap();
    for word in
        ["GATEWAY_EMULATOR_PASSWORD", "missing-comma", "undelivered:CODE", "PORT:NUMBER:TEXT", "bad-number=N"]
    {
        assert!(help.contains(word), "{word}");
    }
    let refusal =
        Command::new(env!("CARGO_BIN_EXE_gateway-emulator")).args(["--quirks", "odd"]).output().unwrap();
    assert!(!refusal.status.success());
    assert!(String::from_utf8(refusal.stderr).unwrap().contains("`odd` is not a quirk"));
}

#[test]
fn it_answers_as_the_gateway_of_a_report_did() {
    let report = std::env::temp_dir().join(format!("gateway-emulator-{}.json", std::process::id()));
    let exchange = r#"{"method":"GET","target":"/api/x","body":"","login":false,"at":0,"closed":false,
        "response":{"line":"HTTP/1.1 418 Teapot","headers":["X-Box: 1"],"framing":"length","body":"short","whole":true}}"#;
    std::fs::write(&report, format!(r#"{{"format":1,"exchanges":[{exchange}]}}"#)).unwrap();
    let (_running, mut lines) = start(&["--replay", report.to_str().unwrap()]);
    let url = lines.next().unwrap();
    std::fs::remove_file(&report).unwrap();
    let response = get(&url, "/api/x", "");
    assert!(
        response.starts_with("HTTP/1.1 418 Teapot\r\nX-Box: 1\r\n") && response.ends_with("\r\n\r\nshort")
    );
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_gateway-emulator"));
    let wrong = wrong.args(["--replay", "/dev/null"]).output().unwrap();
    assert!(!wrong.status.success());
    assert!(
        String::from_utf8(wrong.stderr).unwrap().starts_with("gateway-emulator: /dev/null: not a report")
    );
}
