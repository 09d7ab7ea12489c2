//! Helpers of the tests.

// Each test program uses only some of them.
#![allow(dead_code, missing_docs, unreachable_pub)]
#![allow(clippy::cast_possible_truncation, clippy::struct_excessive_bools)]

mod clock;
pub mod device;
pub mod disk;
#[cfg(feature = "flash")]
pub mod flash;
pub mod mock;
pub mod sending_gateway;
#[path = "../../../adapter-std/tests/common/shared.rs"]
mod shared;
pub mod tcp;

use gateway_emulator::{Emulator, Options};
use mock::{Device, Mock, NetworkProfile};
pub use shared::*;
use sms_gateway_embassy as client;
use sms_gateway_embassy::{
    Accepted, Error, Gateway, Memory, Transport,
    core::{
        Port, Ports, UserId,
        call::{
            Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, SendSms,
            SendUssd, Status, UssdOutcome,
        },
    },
};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use tcp::Tcp;

/// A gateway with credentials over a mock transport.
pub fn mock_gateway(
    device: impl Device + 'static,
    profile: NetworkProfile,
) -> (Mock, Gateway<'static, Mock>) {
    let mock = Mock::new(device, profile);
    (mock.clone(), gateway(mock, "box"))
}

/// Polls a future at most `times` times.
pub fn poll_times<F: Future>(mut future: Pin<&mut F>, times: usize) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// A gateway with the credentials of the emulated devices.
pub fn gateway<T: Transport>(transport: T, host: &str) -> Gateway<'static, T> {
    gateway_without_credentials(transport, host).credentials("admin", "admin")
}

/// A gateway without credentials. It leaks its memory, as a test may do.
pub fn gateway_without_credentials<T: Transport>(transport: T, host: &str) -> Gateway<'static, T> {
    let memory: &'static mut Memory = Box::leak(Box::new(Memory::new()));
    let mut count = 0;
    let entropy = Box::leak(Box::new(move || {
        count += 1;
        count
    }));
    let host = host.to_owned().leak();
    Gateway::new(transport, host, memory.buffers(), entropy)
}

/// Starts an emulator, and creates a gateway that reaches it by TCP.
pub async fn start(options: Options) -> (Emulator, Gateway<'static, Tcp>) {
    let emulator = Emulator::start(options).await.unwrap();
    let gateway = gateway(Tcp::new(emulator.addr()), &emulator.addr().to_string());
    (emulator, gateway)
}

/// Sends a message to one recipient.
pub async fn send<T: Transport>(
    gateway: &mut Gateway<'_, T>,
    number: &str,
    id: i64,
) -> Result<Accepted, Error<T::Error>> {
    let recipients = [recipient(number, id)];
    gateway.send_sms(&SendSms::new("Hello", &recipients)?).await
}

/// Queries the length of the queue of a [`device::DigestGateway`].
pub async fn query_queue<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Error<T::Error>> {
    assert_eq!(gateway.query_sms_in_queue().await?, Some(3));
    Ok(())
}

/// Queries the results of a [`device::DigestGateway`].
pub async fn query_results<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Error<T::Error>> {
    let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await?;
    let mut ports = Vec::new();
    while let Some(result) = response.next().await? {
        ports.push(result.port.get());
    }
    assert_eq!(ports, [Some(2), Some(3)]);
    Ok(())
}

/// Makes each of the nine calls once and checks its response. The emulator may have any quirks.
pub async fn nine_calls<T: Transport>(
    emulator: &Emulator,
    gateway: &mut Gateway<'_, T>,
) -> Result<(), Error<T::Error>> {
    let ports = Ports::from(Port::new(0)?).with(Port::new(1)?);
    let accepted = send(gateway, "13800138000", 7).await?;
    emulator.idle().await;
    check_outcome_of_message(gateway).await?;

    emulator.receive_sms(1, "10086", "Grüße, 你好 😀");
    let mut response = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
    let sms = response.next().await?.expect("a message");
    assert_eq!((sms.port.get(), sms.number.as_str()), (Some(1), "10086"));
    assert!(sms.text.as_str().starts_with("Grüße"), "{sms:?}");
    response.finish().await?;

    emulator.set_ussd(None, "*125#", "Balance 12");
    check_ussd(gateway, ports).await?;

    let request = GetPortInfo::new(InfoSet::DOCUMENTED)?.ports(ports);
    let mut response = gateway.get_port_info(&request).await?;
    let mut infos = 0;
    while let Some(info) = response.next().await? {
        assert!(info.reg.is_missing() || info.is_registered(), "{info:?}");
        infos += 1;
    }
    assert_eq!(infos, 2);
    gateway.stop_sms(accepted.task_id.expect("a task")).await
}

/// Queries the result and the report of the message with user_id 7, and the length of the queue.
async fn check_outcome_of_message<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Error<T::Error>> {
    let ids = [UserId::new(7)?];
    let mut response = gateway.query_sms_result(&QuerySmsResult::new().user_ids(&ids)).await?;
    let mut results = 0;
    while let Some(result) = response.next().await? {
        results += 1;
        assert_eq!((result.user_id.get(), result.number.as_str()), (Some(7), "13800138000"));
        assert!(matches!(result.status.get(), Some(Status::SentOk | Status::Delivered)), "{result:?}");
        assert!(result.time.get().is_some(), "{result:?}");
    }
    assert_eq!(results, 1);
    let mut response = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await?;
    let mut reports = 0;
    while let Some(report) = response.next().await? {
        reports += 1;
        assert!(report.number.as_str().ends_with("13800138000"), "{report:?}");
        assert_eq!(report.status_code.get(), Some(0));
    }
    assert_eq!(reports, 1);
    assert_eq!(gateway.query_sms_in_queue().await?, Some(0));
    Ok(())
}

/// Sends a USSD code on two ports, and queries both replies.
async fn check_ussd<T: Transport>(gateway: &mut Gateway<'_, T>, ports: Ports) -> Result<(), Error<T::Error>> {
    let mut response = gateway.send_ussd(&SendUssd::send(ports, "*125#")?).await?;
    let mut sent = 0;
    while let Some(status) = response.next().await? {
        assert_eq!(status.status.get().map(UssdOutcome::code), Some(200));
        sent += 1;
    }
    assert_eq!(sent, 2);
    let mut response = gateway.query_ussd_reply(ports).await?;
    let mut replies = 0;
    while let Some(reply) = response.next().await? {
        assert!(reply.port.get().is_some_and(|port| port < 2), "{reply:?}");
        replies += 1;
    }
    assert_eq!(replies, 2);
    Ok(())
}

/// Drives a future under a stopped clock. The clock advances by half a second at a time, at most `times` times.
pub async fn drive<F: Future>(future: F, times: u32) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..times {
        tokio::select! {
            biased;
            output = &mut future => return Some(output),
            // Lets the sockets proceed before the clock advances, so that no response is late.
            () = settle() => tokio::time::advance(std::time::Duration::from_millis(500)).await,
        }
    }
    None
}

/// Lets ready tasks and sockets proceed.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
