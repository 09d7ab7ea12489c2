//! Helpers of the tests.

// Each test program uses only a part of this module.
#![allow(dead_code, missing_docs, unreachable_pub)]

mod framing;
pub mod network_profile;
pub mod proxy;
mod shared;

use gateway_emulator::{Emulator, Options};
pub use shared::*;
use sms_gateway as client;
use sms_gateway::{Error, Gateway, core::call::SendSms};

pub async fn start(options: Options) -> (Emulator, Gateway) {
    let emulator = Emulator::start(options).await.unwrap();
    let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap();
    (emulator, gateway)
}

pub async fn send(gateway: &Gateway, number: &str, id: i64) -> Result<sms_gateway::Accepted, Error> {
    let recipients = [recipient(number, id)];
    gateway.send_sms(&SendSms::new("Hello", &recipients)?).await
}

/// Sends messages from separate tasks, all at once.
pub async fn send_side_by_side(gateway: &Gateway, count: i64) -> Vec<Result<sms_gateway::Accepted, Error>> {
    let send_one = |id| {
        let gateway = gateway.clone();
        tokio::spawn(async move { send(&gateway, "13800138000", id).await })
    };
    let calls: Vec<_> = (0..count).map(send_one).collect();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap());
    }
    outcomes
}
