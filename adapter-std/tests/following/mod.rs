//! Helpers of the messenger's tests.

// Each test program uses only a part of this module.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::{future::pending, time::Duration};

use gateway_emulator::{Emulator, Options};
use sms_gateway::{
    Gateway, Handle, Messenger, Sms,
    core::track::{Message, Timing},
    messenger::Builder,
};
use tokio::runtime::{self, Runtime};

/// Options of a gateway that runs a thousand times as fast as usual.
pub fn options() -> Options {
    Options { speed: 1000.0, ..Options::default() }
}

/// Intervals of a thousandth of the usual length.
pub fn timing() -> Timing {
    let usual = Timing::default();
    let short = |wait: Duration| wait / 1000;
    Timing {
        first_result: short(usual.first_result),
        first_report: short(usual.first_report),
        results_every: short(usual.results_every),
        reports_every: short(usual.reports_every),
        slowest: short(usual.slowest),
        retry: short(usual.retry),
        incoming: short(usual.incoming),
        unmatched: short(usual.unmatched),
        ..usual
    }
}

pub fn gateway(url: &str) -> Gateway {
    Gateway::builder(url).credentials("admin", "admin").build().unwrap()
}

pub fn builder(url: &str) -> Builder {
    Messenger::builder(gateway(url)).timing(timing())
}

pub async fn start(options: Options) -> (Emulator, Messenger) {
    let emulator = Emulator::start(options).await.unwrap();
    let (messenger, handles) = builder(&emulator.url()).start().await.unwrap();
    assert!(handles.is_empty());
    (emulator, messenger)
}

pub fn sms(number: &str, text: &str) -> Sms {
    Sms::new(number, text).unwrap()
}

/// Waits for a message's outcome and acknowledges it.
pub async fn end(handle: Handle) -> Message {
    let message = handle.outcome().await.unwrap();
    handle.acknowledge();
    message
}

pub fn runtime() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Runs a messenger until the closure returns. Then everything is dropped at once, without a shutdown.
pub fn life<T>(builder: Builder, live: impl AsyncFnOnce(Messenger, Vec<Handle>) -> T) -> T {
    let runtime = runtime();
    runtime.block_on(async {
        let (messenger, handles) = builder.start().await.unwrap();
        let keep = messenger.clone();
        let result = live(messenger, handles).await;
        // The messenger is not shut down before the runtime ends.
        tokio::spawn(async move {
            let _keep = keep;
            pending::<()>().await;
        });
        result
    })
}
