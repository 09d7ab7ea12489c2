//! Sends messages to a server as fast as it accepts them, and prints the rate and the times of the responses.
//!
//! ```sh
//! SMS_SERVER_KEY=sk_… cargo run --release -p sms-server --example load -- 127.0.0.1:8480 64 100000 1
//! ```
//!
//! The arguments are the address, the number of connections, the number of messages, and the number of messages in a request. Every
//! message has a number and a text of its own, and every request an idempotency key. The numbers begin with +8613.

use std::env;

use server_trial::{Failure, Json, Load};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<_> = env::args().skip(1).collect();
    let [address, connections, messages, each] = args.as_slice() else {
        return Err("usage: load ADDRESS CONNECTIONS MESSAGES MESSAGES-IN-A-REQUEST".into());
    };
    let load = Load {
        address: address.parse()?,
        connections: connections.parse()?,
        messages: messages.parse()?,
        each: each.parse()?,
    };
    let api = Json::new(&env::var("SMS_SERVER_KEY")?, &format!("load-{}", std::process::id()));
    println!("{}", load.run(&api).await?);
    Ok(())
}
