//! Commands that use the API of a running server.

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use reqwest::{Certificate, Client, Method, StatusCode, Url};
use serde_json::{Value, json};
use sms_server::causes::explain;

use crate::Outcome;

/// The time for a request. A USSD code takes at most 150 s.
const TIMEOUT: Duration = Duration::from_secs(180);

/// The server and the key that it is used with
#[derive(Args)]
pub(crate) struct Remote {
    /// The URL of the server
    #[arg(long, value_name = "URL", env = "SMS_SERVER", default_value = "http://127.0.0.1:8480")]
    server: Url,
    /// The file that contains an operator's key; without it, the variable SMS_SERVER_KEY contains the key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The certificate that the server's is signed by; without it, the authorities of the system are trusted
    #[arg(long, value_name = "FILE", env = "SMS_SERVER_CA")]
    ca: Option<PathBuf>,
    /// Print the response as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub(crate) enum GatewayCommand {
    /// List the gateways with their health, ports and waiting messages
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Give a gateway no more messages; those that it has go on
    Pause(Named),
    /// Give a gateway messages again
    Resume(Named),
    /// Give a gateway no more messages, and move those that were not submitted yet
    Drain(Named),
    /// Send a USSD code, and wait for the reply
    Ussd {
        #[command(flatten)]
        named: Named,
        /// The port
        port: u8,
        /// The code, for example *100#
        code: String,
    },
}

#[derive(Args)]
pub(crate) struct Named {
    /// The name of the gateway
    name: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Subcommand)]
pub(crate) enum RoutesCommand {
    /// Show where a message would go, and why
    Explain {
        /// The recipient's number
        number: String,
        /// The account that sends the message
        #[arg(long, value_name = "NAME")]
        account: String,
        #[command(flatten)]
        remote: Remote,
    },
}

impl Remote {
    fn key(&self) -> Result<String, Box<dyn std::error::Error>> {
        let key = match &self.key_file {
            Some(path) => fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
            None => std::env::var("SMS_SERVER_KEY")
                .map_err(|_| "set SMS_SERVER_KEY to an operator's key, or name its file by --key-file")?,
        };
        Ok(key.trim().to_owned())
    }

    fn client(&self) -> Result<Client, Box<dyn std::error::Error>> {
        // It may be installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A proxy would see the key.
        let mut builder =
            Client::builder().no_proxy().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &self.ca {
            let pem = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(&pem)?);
        }
        Ok(builder.build()?)
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, Box<dyn std::error::Error>> {
        let mut url = self.server.clone();
        url.path_segments_mut()
            .map_err(|()| "the URL of the server does not begin with http:// or https://")?
            .clear()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client()?.request(method, url).bearer_auth(self.key()?);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.map_err(|error| hint(&explain(&error)))?;
        let status = response.status();
        let body = response.bytes().await?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status == StatusCode::OK {
            return Ok(body);
        }
        Err(format!("the server responds with {status}: {}", body["detail"].as_str().unwrap_or("no reason"))
            .into())
    }

    /// Prints a response, as JSON or in words.
    fn print(&self, response: &Value, words: impl FnOnce(&Value)) {
        if self.json { say!("{response:#}") } else { words(response) }
    }
}

/// Adds to a failed connection what a person may have mistaken.
fn hint(error: &str) -> String {
    let hint = if error.contains("invalid HTTP version") {
        "; does the server speak TLS? Its URL begins with https:// then"
    } else if error.contains("InvalidContentType") {
        "; the server does not speak TLS: its URL begins with http://"
    } else if error.contains("certificate") && !error.contains("not valid for name") {
        "; if the certificate is the server's own, name its file by --ca"
    } else {
        ""
    };
    format!("{error}{hint}")
}

pub(crate) async fn gateway(command: GatewayCommand) -> Outcome {
    match command {
        GatewayCommand::List { remote } => {
            let response = remote.call(Method::GET, &["gateways"], &[], None).await?;
            remote.print(&response, |response| items(response, "gateways").for_each(print_gateway));
            Ok(())
        }
        GatewayCommand::Pause(named) => named.set("pause").await,
        GatewayCommand::Resume(named) => named.set("resume").await,
        GatewayCommand::Drain(named) => named.set("drain").await,
        GatewayCommand::Ussd { named: Named { name, remote }, port, code } => {
            let path = ["gateways", &name, "ports", &port.to_string(), "ussd"];
            let response = remote.call(Method::POST, &path, &[], Some(json!({ "code": code }))).await?;
            remote.print(&response, |response| {
                say!("{}: {}{}", word(response, "outcome"), word(response, "text"), word(response, "reason"));
            });
            Ok(())
        }
    }
}

impl Named {
    async fn set(&self, mode: &str) -> Outcome {
        let response = self.remote.call(Method::POST, &["gateways", &self.name, mode], &[], None).await?;
        self.remote.print(&response, print_gateway);
        Ok(())
    }
}

pub(crate) async fn routes(command: RoutesCommand) -> Outcome {
    let RoutesCommand::Explain { number, account, remote } = command;
    let query = [("to", number.as_str()), ("account", account.as_str())];
    let response = remote.call(Method::GET, &["routes", "explain"], &query, None).await?;
    remote.print(&response, |response| {
        for route in items(response, "routes") {
            let account =
                route["account"].as_str().map_or("any account".to_owned(), |name| format!("account {name}"));
            let fits = match (&route["fits"], &route["decides"]) {
                (_, Value::Bool(true)) => "fits first, and decides",
                (Value::Bool(true), _) => "fits, but not first",
                _ => "does not fit",
            };
            say!(
                "route: {account}, prefix {:?} → pool {}: {fits}",
                word(route, "prefix"),
                word(route, "pool")
            );
        }
        if response["pool"].is_null() {
            say!("No route fits: the server refuses the message.");
        }
        items(response, "gateways").for_each(print_gateway);
    });
    Ok(())
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn print_gateway(gateway: &Value) {
    let health = &gateway["health"];
    say!(
        "{}: {}, {}, {} waiting",
        word(gateway, "name"),
        word(gateway, "mode"),
        word(health, "state"),
        gateway["waiting"]
    );
    if let Some(error) = health["error"].as_str() {
        say!("  {error}");
    }
    let obstacles: Vec<_> = items(gateway, "obstacles").filter_map(Value::as_str).collect();
    if !obstacles.is_empty() {
        say!("  sends nothing now: {}", obstacles.join(", "));
    }
    for port in items(gateway, "ports") {
        let registered = if port["is_registered"] == true { "registered" } else { "not registered" };
        let signal = port["signal"].as_u64().map_or(String::new(), |signal| format!(", signal {signal}"));
        let sim = if port["sim"] == "ok" { String::new() } else { format!(", SIM {}", word(port, "sim")) };
        say!("  port {}: {registered}{signal}, ICCID {}{sim}", port["port"], word(port, "iccid"));
    }
}
