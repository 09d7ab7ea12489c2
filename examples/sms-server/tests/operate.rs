//! The program as its operators use it: its logs, metrics, commands, and end.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use gateway_emulator::{Emulator, Options};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sms_server::api;

/// A limit for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

const ACCOUNT_KEY: &str = "sk_the-key-of-the-account";
const OPERATOR_KEY: &str = "sk_the-key-of-the-operator";
const PASSWORD: &str = "the-password-of-the-gateway";
const RECIPIENT: &str = "+8613800138123";
const SENDER: &str = "+8613900139456";
const TEXT: &str = "The secret text of a message";
const INCOMING: &str = "The secret text of a reply";

fn hash(key: &str) -> String {
    api::hash(key).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A configuration with one gateway, and with a webhook whose receiver does not exist.
fn configuration(gateway: &str) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\ndata = \"data\"\n[[gateway]]\nname = \"box\"\nurl = \"{gateway}\"\nuser = \"admin\"\n\
         password-env = \"GATEWAY_PASSWORD\"\nincoming = \"shop\"\nexclusive = true\n[[pool]]\nname = \"all\"\n\
         gateways = [\"box\"]\n[[account]]\nname = \"shop\"\n[[account.key]]\nhash = \"sha256:{}\"\n\
         scopes = [\"send\", \"read\"]\n[account.webhook]\nurl = \"http://127.0.0.1:9/\"\nsecret-env = \"WEBHOOK_SECRET\"\n\
         allow-http = true\nallow-private = true\n[[operator]]\nname = \"ops\"\nhash = \"sha256:{}\"\nrole = \"operator\"\n\
         [[route]]\npool = \"all\"\n",
        hash(ACCOUNT_KEY),
        hash(OPERATOR_KEY),
    )
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms-server"));
    command
        .args(arguments)
        .env("GATEWAY_PASSWORD", PASSWORD)
        .env("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .env("SMS_SERVER_KEY", OPERATOR_KEY);
    command
}

/// The running program. It is killed when it is dropped.
struct Server {
    program: Child,
    url: String,
}

impl Server {
    fn start(folder: &Path, gateway: &str, arguments: &[&str]) -> Self {
        let config = folder.join("sms-server.toml");
        fs::write(&config, configuration(gateway)).unwrap();
        let mut command = program(&["run", "--config", config.to_str().unwrap()]);
        let mut program =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        Self { program, url }
    }

    async fn call(&self, method: Method, path: &str, key: &str, body: &Value) -> (u16, String) {
        let request = Client::new().request(method, format!("{}{path}", self.url)).bearer_auth(key);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, ACCOUNT_KEY, &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn send(&self) -> String {
        let message = json!({ "to": RECIPIENT, "text": TEXT, "reference": "order" });
        let (status, accepted) = self.call(Method::POST, "/v1/messages", ACCOUNT_KEY, &message).await;
        assert_eq!(status, 202, "{accepted}");
        let accepted: Value = serde_json::from_str(&accepted).unwrap();
        format!("/v1/messages/{}", accepted["id"].as_str().unwrap())
    }

    /// Sends a message, and waits until the gateway has accepted it and a message was received.
    async fn exchange(&self) {
        let path = self.send().await;
        let began = Instant::now();
        let is_accepted = async || {
            ["accepted", "sent", "delivered"].map(Value::from).contains(&self.get(&path).await["state"])
        };
        while !is_accepted().await
            || self.get("/v1/incoming").await["messages"].as_array().unwrap().is_empty()
        {
            assert!(began.elapsed() < PATIENCE);
        }
        // The receiver of the event about the received message does not exist, which is noticed after the message is shown.
        let attempted = "sms_server_webhook_attempts_total{account=\"shop\",outcome=\"failed\"}";
        while !self.call(Method::GET, "/metrics", OPERATOR_KEY, &Value::Null).await.1.contains(attempted) {
            assert!(began.elapsed() < PATIENCE);
        }
    }

    /// Sends a signal. Returns the exit code, and the logs.
    #[cfg(unix)]
    fn end(mut self, signals: &[&str]) -> (Option<i32>, String) {
        let id = self.program.id().to_string();
        for signal in signals {
            assert!(Command::new("kill").args([signal, &*id]).status().unwrap().success());
        }
        let mut logs = String::new();
        self.program.stderr.take().unwrap().read_to_string(&mut logs).unwrap();
        (self.program.wait().unwrap().code(), logs)
    }

    fn command(&self, arguments: &[&str]) -> Output {
        program(arguments).args(["--server", &self.url]).output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

async fn emulator() -> Emulator {
    let options = Options { speed: 30.0, password: PASSWORD.to_owned(), ..Options::default() };
    let emulator = Emulator::start(options).await.unwrap();
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    emulator.receive_sms(0, SENDER, INCOMING);
    emulator
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn logs_contain_no_number_text_or_secret_even_at_the_most_verbose_level() {
    let emulator = emulator().await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &emulator.url(), &["--log-level", "trace", "--log", "json"]);
    server.exchange().await;
    let (code, logs) = tokio::task::block_in_place(|| server.end(&["-TERM"]));
    assert_eq!(code, Some(0), "{logs}");
    // The logs are as verbose as they can be, and name the gateway and the event.
    for expected in ["a request was answered", "an event was not accepted", "a message has changed"] {
        assert!(logs.contains(expected), "{expected}: {logs}");
    }
    for line in logs.lines() {
        let _: Value = serde_json::from_str(line).expect(line);
        for secret in
            [&RECIPIENT[1..], &SENDER[1..], TEXT, INCOMING, ACCOUNT_KEY, OPERATOR_KEY, PASSWORD, "whsec_"]
        {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_server_survives_sighup_and_ends_in_order_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "http://127.0.0.1:9", &[]);
    let (code, logs) = tokio::task::block_in_place(|| {
        let id = server.program.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &*id]).status().unwrap().success());
        server.end(&["-TERM"])
    });
    assert_eq!(code, Some(0), "{logs}");
}

#[cfg(unix)]
#[test]
fn systemd_is_notified_of_the_start_and_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let received = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let config = folder.path().join("sms-server.toml");
    fs::write(&config, configuration("http://127.0.0.1:9")).unwrap();
    let mut command = program(&["run", "--config", config.to_str().unwrap()]);
    let program = command.env("NOTIFY_SOCKET", &path).stderr(Stdio::piped()).spawn().unwrap();
    let server = Server { program, url: String::new() };
    assert_eq!(received().trim(), "READY=1");
    assert_eq!(server.end(&["-TERM"]).0, Some(0));
    assert_eq!(received().trim(), "STOPPING=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_list_pause_and_explain_from_the_command_line() {
    let emulator = emulator().await;
    emulator.set_ussd(Some(0), "*100#", "Your balance is 5.00");
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &emulator.url(), &[]);
    server.exchange().await;
    tokio::task::block_in_place(|| {
        let run = |arguments: &[&str]| {
            let output = server.command(arguments);
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            text
        };
        let began = Instant::now();
        while !run(&["gateway", "list"]).starts_with("box: active, ok, ") {
            assert!(began.elapsed() < PATIENCE);
        }
        assert!(run(&["gateway", "list"]).contains("port 0: registered"));
        assert!(run(&["gateway", "pause", "box"]).contains("paused"));
        let explained = run(&["routes", "explain", RECIPIENT, "--account", "shop"]);
        assert!(explained.contains("pool all: fits first, and decides"), "{explained}");
        assert!(explained.contains("sends nothing now: paused"), "{explained}");
        assert!(run(&["gateway", "drain", "box"]).contains("draining"));
        assert!(run(&["gateway", "resume", "box"]).contains("active"));
        let reply = run(&["gateway", "ussd", "box", "0", "*100#"]);
        assert!(reply.contains("Your balance is 5.00"), "{reply}");
        let unknown = server.command(&["gateway", "pause", "bix"]);
        assert!(!unknown.status.success());
        assert!(String::from_utf8_lossy(&unknown.stderr).contains("There is no such gateway."));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happens_and_are_documented() {
    let emulator = emulator().await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &emulator.url(), &[]);
    server.exchange().await;
    let paused = server.call(Method::POST, "/v1/gateways/box/pause", OPERATOR_KEY, &Value::Null).await;
    assert_eq!(paused.0, 200);
    let path = server.send().await;
    assert_eq!(server.call(Method::DELETE, &path, ACCOUNT_KEY, &Value::Null).await.0, 200);
    let resumed = server.call(Method::POST, "/v1/gateways/box/resume", OPERATOR_KEY, &Value::Null).await;
    assert_eq!(resumed.0, 200);
    let (status, metrics) = server.call(Method::GET, "/metrics", OPERATOR_KEY, &Value::Null).await;
    assert_eq!(status, 200);
    for line in [
        "sms_server_messages_accepted_total{account=\"shop\"} 2",
        "sms_server_messages_ended_total{state=\"cancelled\"} 1",
        "sms_server_messages_incoming_total{gateway=\"box\"} 1",
        "sms_server_queue_messages{pool=\"all\"} 0",
        "sms_server_gateway_healthy{gateway=\"box\"} 1",
        "sms_server_requests_total{method=\"POST\",path=\"/v1/messages\",status=\"202\"} 2",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    let page = include_str!("../docs/operators.md");
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(page.contains(&format!("`{name}`")), "{name} is not documented");
    }
    let (status, health) = server.call(Method::GET, "/healthz", "", &Value::Null).await;
    assert_eq!((status, health.contains("\"is_storage_writable\":true")), (200, true), "{health}");
    assert_eq!(server.call(Method::GET, "/readyz", "", &Value::Null).await.0, 200);
    let paused = server.call(Method::POST, "/v1/gateways/box/pause", OPERATOR_KEY, &Value::Null).await;
    assert_eq!(paused.0, 200);
    assert_eq!(server.call(Method::GET, "/readyz", "", &Value::Null).await.0, 503);
    assert_eq!(server.call(Method::GET, "/healthz", "", &Value::Null).await.0, 200);
}

#[test]
fn a_mistake_in_the_configuration_ends_the_program_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sms-server.toml");
    let run = |text: String| {
        fs::write(&config, text).unwrap();
        let output = program(&["run", "--config", config.to_str().unwrap()]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let right = configuration("http://127.0.0.1:9");
    for (text, expected) in [
        (right.replace("data =", "date ="), "unknown field `date`"),
        (right.replace("role = \"operator\"", "role = \"boss\""), "unknown variant `boss`"),
        (right.replace(&hash(OPERATOR_KEY), &hash(ACCOUNT_KEY)), "has a key that appears twice"),
        (format!("tls = {{ cert = \"no.pem\", key = \"no.pem\" }}\n{right}"), "no.pem"),
        (right.replace("127.0.0.1:0", "0.0.0.0:0"), "reachable by others"),
    ] {
        let (code, printed) = run(text);
        assert_eq!(code, Some(2), "{printed}");
        assert!(printed.contains(expected), "{printed}");
    }
    // A fault of the machine is not a mistake.
    let (code, printed) = run(right.replace("127.0.0.1:0", "192.0.2.1:80\"\ninsecure = true\n#\""));
    assert_eq!(code, Some(1), "{printed}");
}
