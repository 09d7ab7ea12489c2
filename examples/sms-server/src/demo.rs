//! A demonstration: emulated gateways, an account, and a receiver of its events, in one process.

use std::{error::Error, fs, io::Write, time::Duration};

use axum::{Json, Router, http::HeaderMap, routing::post};
use gateway_emulator::{Emulator, Options, Quirks};
use serde_json::Value;
use tokio::net::TcpListener;

use sms_server::{api, config::Config, server::Server};

/// The quirks of each gateway.
const QUIRKS: [&str; 3] = ["observed", "printed", "later-version"];

/// The speed of the gateways, so that a status report arrives within seconds.
const SPEED: f64 = 5.0;

/// The time after which a message arrives at a gateway.
const ARRIVAL: Duration = Duration::from_secs(5);

/// A secret that is worth nothing: it signs events within this process.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Runs the demonstration until `end` is ready.
pub(crate) async fn run(
    listen: &str,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut emulators = Vec::new();
    for name in QUIRKS {
        let quirks: Quirks = name.parse()?;
        emulators.push(Emulator::start(Options { speed: SPEED, quirks, ..Options::default() }).await?);
    }
    let receiver = TcpListener::bind("127.0.0.1:0").await?;
    let webhook = receiver.local_addr()?;
    let (key, operator) = (super::key::make()?, super::key::make()?);
    fs::write(folder.path().join("password"), "admin")?;
    fs::write(folder.path().join("secret"), SECRET)?;
    let keys = [&key, &operator];
    let text = configuration(listen, &emulators, keys, &webhook.to_string());
    let server = Server::start(&Config::parse(&text, folder.path())?).await?;
    print(&server.address()?.to_string(), &key, &operator);
    tokio::spawn(async move { axum::serve(receiver, Router::new().route("/", post(show))).await });
    let arriving = tokio::spawn(async move {
        tokio::time::sleep(ARRIVAL).await;
        if let Some(emulator) = emulators.first() {
            emulator.receive_sms(0, "+8613900139000", "Is the shop open today?");
        }
        std::future::pending::<()>().await;
    });
    server.run(end).await;
    arriving.abort();
    Ok(())
}

fn configuration(listen: &str, emulators: &[Emulator], keys: [&String; 2], webhook: &str) -> String {
    let [key, operator] = keys.map(|key| super::key::hex(&api::hash(key)));
    let gateway = |(index, emulator): (usize, &Emulator)| {
        format!(
            "[[gateway]]\nname = \"box-{index}\"\nurl = \"{}\"\nuser = \"admin\"\npassword-file = \"password\"\n\
             incoming = \"shop\"\nexclusive = true\n",
            emulator.url()
        )
    };
    let gateways: String = emulators.iter().enumerate().map(gateway).collect();
    let names: Vec<_> = (0..emulators.len()).map(|index| format!("\"box-{index}\"")).collect();
    format!(
        "listen = \"{listen}\"\ndata = \"data\"\n{gateways}[[pool]]\nname = \"all\"\ngateways = [{}]\n[[account]]\nname = \"shop\"\n\
         [[account.key]]\nhash = \"sha256:{key}\"\nscopes = [\"send\", \"read\"]\n[account.webhook]\nurl = \"http://{webhook}/\"\n\
         secret-file = \"secret\"\nallow-http = true\nallow-private = true\n[[route]]\npool = \"all\"\n\
         [[operator]]\nname = \"demo\"\nhash = \"sha256:{operator}\"\nrole = \"admin\"\n",
        names.join(", "),
    )
}

fn print(address: &str, key: &str, operator: &str) {
    println!(
        "Three emulated gateways, an account, and a receiver of its events run until Ctrl-C. Nothing is kept.\n\
         Try these commands in another terminal:\n\n\
         KEY={key}\n\
         # Send a message. The same Idempotency-Key sends nothing again.\n\
         curl -s -H \"Authorization: Bearer $KEY\" -H 'Idempotency-Key: order-7' http://{address}/v1/messages \\\n  \
         -d '{{\"to\": \"+8613800138000\", \"text\": \"Your order is on its way.\", \"reference\": \"order-7\"}}'\n\
         # List messages, and show the history of one: add /ID from the response above.\n\
         curl -s -H \"Authorization: Bearer $KEY\" http://{address}/v1/messages\n\
         # List incoming messages. One arrives after some seconds.\n\
         curl -s -H \"Authorization: Bearer $KEY\" http://{address}/v1/incoming\n\
         # List the gateways, and show where a message would go.\n\
         export SMS_SERVER=http://{address} SMS_SERVER_KEY={operator}\n\
         sms-server gateway list\n\
         sms-server routes explain +8613800138000 --account shop\n\n\
         The events that the account's webhook receives:"
    );
}

/// Shows an event, as a receiver would handle it.
async fn show(headers: HeaderMap, Json(event): Json<Value>) {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let kind = event["type"].as_str().unwrap_or_default();
    // The terminal may be gone.
    let _ = writeln!(std::io::stdout(), "{id} {kind} {}", event["data"]);
}
