//! What the tests share.

// Each test program uses its own part of it.
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

/// One with a login, by a mock transport.
pub fn mocked(device: impl Device + 'static, profile: NetworkProfile) -> (Mock, Gateway<'static, Mock>) {
    let mock = Mock::new(device, profile);
    (mock.clone(), gateway(mock, "box"))
}

/// Polls a future up to so many times.
pub fn poll_times<F: Future>(mut future: Pin<&mut F>, times: usize) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

pub fn gateway<T: Transport>(transport: T, host: &str) -> Gateway<'static, T> {
    stranger(transport, host).credentials("admin", "admin")
}

/// A gateway without credentials, over leaked memory, which a test may do.
pub fn stranger<T: Transport>(transport: T, host: &str) -> Gateway<'static, T> {
    let memory: &'static mut Memory = Box::leak(Box::new(Memory::new()));
    let mut count = 0;
    let entropy = Box::leak(Box::new(move || {
        count += 1;
        count
    }));
    let host = host.to_owned().leak();
    Gateway::new(transport, host, memory.buffers(), entropy)
}

pub async fn start(options: Options) -> (Emulator, Gateway<'static, Tcp>) {
    let emulator = Emulator::start(options).await.unwrap();
    let gateway = gateway(Tcp::new(emulator.addr()), &emulator.addr().to_string());
    (emulator, gateway)
}

pub async fn send<T: Transport>(
    gateway: &mut Gateway<'_, T>,
    number: &str,
    id: i64,
) -> Result<Accepted, Error<T::Error>> {
    let recipients = [recipient(number, id)];
    gateway.send_sms(&SendSms::new("Hello", &recipients)?).await
}

/// Asks a [`device::Gateway`] for its queue.
pub async fn queue<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Error<T::Error>> {
    assert_eq!(gateway.query_sms_in_queue().await?, Some(3));
    Ok(())
}

/// Asks a [`device::Gateway`] for its results.
pub async fn results<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Error<T::Error>> {
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await?;
    let mut ports = Vec::new();
    while let Some(result) = answer.next().await? {
        ports.push(result.port.get());
    }
    assert_eq!(ports, [Some(2), Some(3)]);
    Ok(())
}

/// Makes each of the nine calls once and checks what it gives, whatever quirks the gateway has.
pub async fn nine_calls<T: Transport>(
    emulator: &Emulator,
    gateway: &mut Gateway<'_, T>,
) -> Result<(), Error<T::Error>> {
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
    let mut answer = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await?;
    let mut reports = 0;
    while let Some(report) = answer.next().await? {
        reports += 1;
        assert!(report.number.as_str().ends_with("13800138000"), "{report:?}");
        assert_eq!(report.status_code.get(), Some(0));
    }
    assert_eq!(reports, 1);
    assert_eq!(gateway.query_sms_in_queue().await?, Some(0));

    emulator.receive_sms(1, "10086", "Grüße, 你好 😀");
    let mut answer = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
    let sms = answer.next().await?.expect("a message");
    assert_eq!((sms.port.get(), sms.number.as_str()), (Some(1), "10086"));
    assert!(sms.text.as_str().starts_with("Grüße"), "{sms:?}");
    answer.finish().await?;

    emulator.set_ussd(None, "*125#", "Balance 12");
    let mut answer = gateway.send_ussd(&SendUssd::send(ports, "*125#")?).await?;
    let mut sent = 0;
    while let Some(status) = answer.next().await? {
        assert_eq!(status.status.get().map(UssdOutcome::code), Some(200));
        sent += 1;
    }
    assert_eq!(sent, 2);
    let mut answer = gateway.query_ussd_reply(ports).await?;
    let mut replies = 0;
    while let Some(reply) = answer.next().await? {
        assert!(reply.port.get().is_some_and(|port| port < 2), "{reply:?}");
        replies += 1;
    }
    assert_eq!(replies, 2);

    let request = GetPortInfo::new(InfoSet::DOCUMENTED)?.ports(ports);
    let mut answer = gateway.get_port_info(&request).await?;
    let mut infos = 0;
    while let Some(info) = answer.next().await? {
        assert!(info.reg.is_missing() || info.is_registered(), "{info:?}");
        infos += 1;
    }
    assert_eq!(infos, 2);
    gateway.stop_sms(accepted.task_id.expect("a task")).await
}

/// Drives a future over a stopped clock, half a second at a time; up to so many times.
pub async fn drive<F: Future>(future: F, times: u32) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..times {
        tokio::select! {
            biased;
            output = &mut future => return Some(output),
            // Sockets have their time first.
            () = settle() => tokio::time::advance(std::time::Duration::from_millis(500)).await,
        }
    }
    None
}

/// Lets what is ready go on.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
