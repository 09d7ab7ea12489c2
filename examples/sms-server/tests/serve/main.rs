//! The program itself: it is configured, and used over HTTP. `kill.rs` kills it.

mod backups;
#[cfg(target_os = "linux")]
mod full_disk;
mod opt_outs;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// A limit for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running program. It is killed when it is dropped.
struct Server {
    program: Child,
    address: String,
}

impl Server {
    fn start(config: &Path) -> Self {
        Self::try_start(config).unwrap_or_else(|printed| panic!("{printed}"))
    }

    /// Starts the program. If it ends instead, this returns what it prints, after checking that another start may succeed.
    fn try_start(config: &Path) -> Result<Self, String> {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sms-server"));
        let program = program.args(["run", "--config"]).arg(config).env("GATEWAY_PASSWORD", "admin");
        let mut program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut errors = program.stderr.take().unwrap();
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            let mut printed = String::new();
            errors.read_to_string(&mut printed).unwrap();
            assert_eq!(program.wait().unwrap().code(), Some(1), "{printed}");
            return Err(printed);
        };
        // Logs must not fill the pipe.
        thread::spawn(move || std::io::copy(&mut errors, &mut std::io::stderr()));
        Ok(Self { program, address: address.to_owned() })
    }

    fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = self.exchange(method, path, key, "", body);
        (status, body)
    }

    /// Makes a request with more header fields. Returns the status, the head, and the body of the response.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        key: &str,
        more: &str,
        body: &Value,
    ) -> (u16, String, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\
             {more}Connection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn command(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms-server"));
    let output = command.args(arguments).env("GATEWAY_PASSWORD", "admin").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), text)
}

/// Makes a key. Returns it and the lines for the configuration.
fn key() -> (String, String) {
    let (_, printed) = command(&["key"]);
    let (key, rest) = printed.split_once('\n').unwrap();
    (key.to_owned(), rest.split_once("configuration:\n").unwrap().1.to_owned())
}

fn configuration(gateways: &[String], key: &str) -> String {
    let sections = gateways.iter().enumerate().map(|(index, url)| {
        format!(
            "[[gateway]]\nname = \"box-{index}\"\nurl = \"{url}\"\nuser = \"admin\"\npassword-env = \"GATEWAY_PASSWORD\"\n\
             exclusive = true\n"
        )
    });
    let text = "listen = \"127.0.0.1:0\"\ndata = \"data\"\n".to_owned() + &sections.collect::<String>();
    let names: Vec<_> = (0..gateways.len()).map(|index| format!("\"box-{index}\"")).collect();
    let names = names.join(", ");
    text + &format!(
        "[[pool]]\nname = \"all\"\ngateways = [{names}]\n[[account]]\nname = \"shop\"\n{key}[[route]]\npool = \"all\"\n"
    )
}

#[cfg(feature = "demo")]
#[test]
fn the_demonstration_delivers_a_message_and_shows_its_events() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sms-server"))
        .args(["demo", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut find = |beginning: &str| lines.find(|line| line.contains(beginning)).unwrap();
    let key = find("KEY=sk_").split_once('=').unwrap().1.to_owned();
    let command = find("/v1/messages \\");
    let address = command.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let server = Server { program, address };
    let body = json!({ "to": "+8613800138000", "text": "Hello" });
    let (status, accepted) = server.call("POST", "/v1/messages", &key, &body);
    assert_eq!(status, 202);
    let events = [find("evt_"), find("evt_")];
    assert!(events.iter().any(|event| event.contains(" message.received ")), "{events:?}");
    let delivered = |event: &&String| event.contains(" message.delivered ");
    let delivered = events.iter().find(delivered).unwrap();
    assert!(delivered.contains(accepted["id"].as_str().unwrap()), "{delivered}");
    let (_, incoming) = server.call("GET", "/v1/incoming", &key, &Value::Null);
    assert_eq!(incoming["messages"][0]["text"], json!("Is the shop open today?"));
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sms-server.toml");
    let path = config.to_str().unwrap();
    let (_, lines) = key();
    let right = configuration(&["http://127.0.0.1:1".to_owned()], &lines);
    for (text, expected) in [
        (right.replace("GATEWAY_PASSWORD", "NO_SUCH_VARIABLE"), "the variable NO_SUCH_VARIABLE is not set"),
        (right.replace("sha256:", "sha256:x"), "the hash of a key is not sha256: and 64 hexadecimal digits"),
        (right.replace("data =", "date ="), "unknown field `date`"),
    ] {
        fs::write(&config, text).unwrap();
        let (is_right, printed) = command(&["check", "--config", path]);
        assert!(!is_right && printed.contains(expected), "{printed}");
    }
    let (is_right, printed) = command(&["check", "--config", "nowhere.toml"]);
    assert!(!is_right && printed.contains("nowhere.toml cannot be read"), "{printed}");
}
