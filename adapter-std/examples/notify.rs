//! Sends a message once, reports its outcome even after restarts, and prints incoming messages.
//!
//! ```sh
//! SMS_GATEWAY_PASSWORD=… cargo run -p sms-gateway --features redb --example notify -- \
//!     http://192.168.1.9 admin messages.redb order-17 +8613800138000 'Your order is on its way.'
//! ```
//!
//! Stop the program at any time and run it again: it continues where it stopped. The reference is also the message's idempotency key, so
//! running the program again sends nothing twice. The key stays known until the outcome is acknowledged, and usually for 2 h after the
//! message ended. If a program may be started again even later, it must record in its own data which messages it has sent. Without the last
//! three arguments, nothing new is sent.

use std::{env, error::Error};

use sms_gateway::{
    Closed, Gateway, Handle, Messenger, Sms,
    messenger::{Builder, Health, Inbox},
    store::Database,
};
use tokio::{sync::watch, task::JoinSet};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = env::args().skip(1).collect();
    let [url, user, file, message @ ..] = args.as_slice() else {
        return Err("usage: notify URL USER FILE [REFERENCE NUMBER TEXT]".into());
    };
    let gateway = Gateway::builder(url).credentials(user, &env::var("SMS_GATEWAY_PASSWORD")?).build()?;
    // A file can hold the messages of several gateways. The name of each must stay the same.
    let store = Database::open(file)?.gateway(url)?;
    // `exclusive` declares that nothing else sends through this gateway. If this is not true, leave it out. Fewer status reports are
    // then assigned to their messages.
    run(Messenger::builder(gateway).store(store).exclusive(true), message).await
}

pub(crate) async fn run(builder: Builder, message: &[String]) -> Result<(), Box<dyn Error>> {
    // Messages of an earlier run are returned again if they are still open, or have ended and were not acknowledged.
    let (messenger, mut handles) = builder.incoming(true).start().await?;
    if let [reference, number, text] = message {
        let sms = Sms::new(number, text.as_str())?.reference(reference).idempotency_key(reference);
        // The message is stored when this returns. If its key is known, this is the message that was sent before.
        let handle = messenger.send(sms).await?;
        if handles.iter().all(|known| known.id() != handle.id()) {
            handles.push(handle);
        }
    }
    tokio::spawn(tell_trouble(messenger.health()));
    let printing = messenger.incoming().map(|inbox| tokio::spawn(print(inbox)));
    let mut outcomes: JoinSet<_> = handles.into_iter().map(tell_outcome).collect();
    while let Some(outcome) = outcomes.join_next().await {
        outcome??;
    }
    messenger.shutdown().await?;
    if let Some(printing) = printing {
        printing.await?;
    }
    Ok(())
}

async fn tell_outcome(handle: Handle) -> Result<(), Closed> {
    let message = handle.outcome().await?;
    println!("{}: {:?}", handle.reference().unwrap_or("a message"), message.state);
    // Acknowledge after everything else that the outcome requires: until then, the next start returns the message again.
    handle.acknowledge();
    Ok(())
}

async fn print(mut inbox: Inbox) {
    while let Some(sms) = inbox.next().await {
        println!("from {}: {}", sms.number.escape_debug(), sms.text.escape_debug());
        sms.acknowledge();
    }
}

/// Prints the errors of requests. Messages wait while the gateway does not answer, and somebody should know why.
async fn tell_trouble(mut health: watch::Receiver<Health>) {
    while health.changed().await.is_ok() {
        if let Some(error) = &health.borrow_and_update().error {
            eprintln!("{error}");
        }
    }
}
