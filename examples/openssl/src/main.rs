//! Shows the number of waiting messages on a gateway with obsolete TLS:
//! `SMS_GATEWAY_PASSWORD=… cargo run -- 192.168.1.9:443 admin sha256:…`

use std::{env, error::Error, process::ExitCode, sync::Arc};

use openssl_connector::Legacy;
use sms_gateway::Gateway;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openssl-connector: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [address, user, pin] = &arguments[..] else {
        return Err("usage: openssl-connector HOST:PORT USER sha256:PIN".into());
    };
    let legacy = Arc::new(Legacy::new(pin.parse()?)?);
    let gateway = Gateway::builder(&format!("http://{address}"))
        .connector(move |address| Arc::clone(&legacy).open(address))
        .credentials(user, &env::var("SMS_GATEWAY_PASSWORD")?)
        .build()?;
    match gateway.query_sms_in_queue().await {
        Ok(waiting) => {
            println!("messages that wait to be sent: {waiting:?}");
            Ok(())
        }
        Err(error) => Err(error.explain().into()),
    }
}
