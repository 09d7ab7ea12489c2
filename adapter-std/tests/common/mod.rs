//! Helpers of the tests.

// Each test program uses a part of it.
#![allow(dead_code, missing_docs, unreachable_pub)]

mod framing;
pub mod network_profile;
pub mod proxy;
mod shared;

use gateway_emulator::{Emulator, Options};
pub use shared::*;
use sms_gateway as client;
use sms_gateway::{
    Error, Gateway,
    core::{
        Port, Ports, UserId,
        call::{
            Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, SendSms,
            SendUssd, Status, UssdOutcome,
        },
    },
};

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

/// Makes each of the nine calls once and checks its response, whatever quirks the gateway has.
pub async fn nine_calls(emulator: &Emulator, gateway: &Gateway) -> Result<(), Error> {
    let ports = Ports::from(Port::new(0)?).with(Port::new(1)?);
    let accepted = send(gateway, "13800138000", 7).await?;
    emulator.idle().await;
    let ids = [UserId::new(7)?];
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new().user_ids(&ids)).await?;
    let mut results = 0;
    while let Some(result) = answer.next().await? {
        results += 1;
        assert_eq!((result.user_id.get(), result.number.as_str()), (Some(7), "13800138000"));
        assert!(matches!(result.status.get(), Some(Status::SentOk | Status::Delivered)), "{result:?}");
        assert!(result.time.get().is_some(), "{result:?}");
    }
    assert_eq!(results, 1);
    drop(answer);
    let mut answer = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await?;
    let mut reports = 0;
    while let Some(report) = answer.next().await? {
        reports += 1;
        assert!(report.number.as_str().ends_with("13800138000"), "{report:?}");
        assert_eq!(report.status_code.get(), Some(0));
    }
    assert_eq!(reports, 1);
    drop(answer);
    assert_eq!(gateway.query_sms_in_queue().await?, Some(0));

    emulator.receive_sms(1, "10086", "Grüße, 你好 😀");
    let mut answer = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
    let sms = answer.next().await?.expect("a message");
    assert_eq!((sms.port.get(), sms.number.as_str()), (Some(1), "10086"));
    assert!(sms.text.as_str().starts_with("Grüße"), "{sms:?}");
    answer.finish().await?;
    drop(answer);

    emulator.set_ussd(None, "*125#", "Balance 12");
    let mut answer = gateway.send_ussd(&SendUssd::send(ports, "*125#")?).await?;
    let mut sent = 0;
    while let Some(status) = answer.next().await? {
        assert_eq!(status.status.get().map(UssdOutcome::code), Some(200));
        sent += 1;
    }
    assert_eq!(sent, 2);
    drop(answer);
    let mut answer = gateway.query_ussd_reply(ports).await?;
    let mut replies = 0;
    while let Some(reply) = answer.next().await? {
        assert!(reply.port.get().is_some_and(|port| port < 2), "{reply:?}");
        replies += 1;
    }
    assert_eq!(replies, 2);
    drop(answer);

    let request = GetPortInfo::new(InfoSet::DOCUMENTED)?.ports(ports);
    let mut answer = gateway.get_port_info(&request).await?;
    let mut infos = 0;
    while let Some(info) = answer.next().await? {
        assert!(info.reg.is_missing() || info.is_registered(), "{info:?}");
        infos += 1;
    }
    assert_eq!(infos, 2);
    drop(answer);
    gateway.stop_sms(accepted.task_id.expect("a task")).await
}
