//! Calls and a messenger over TLS, against the emulator.

use gateway_emulator::{Emulator, Https, Options};
use sms_gateway::{
    Gateway, Messenger, State,
    core::{
        Number, Ports,
        call::{
            Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, Recipient,
            SendSms, SendUssd,
        },
    },
    tls::Pin,
};

use crate::following::{sms, timing};

/// Starts an emulator with a certificate of this kind, and returns a gateway that pins it.
async fn start(kind: &str, options: Options) -> (Emulator, Gateway) {
    let https = Https { certificate: kind.parse().unwrap(), ..Https::default() };
    let options = Options { https: Some(https), speed: 2000.0, ..options };
    let emulator = Emulator::start(options).await.unwrap();
    let pin: Pin = emulator.certificate().unwrap().fingerprint().parse().unwrap();
    let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").pin(pin).build().unwrap();
    (emulator, gateway)
}

#[tokio::test]
async fn each_call_works_over_tls() {
    let (emulator, gateway) = start("ordinary", Options::default()).await;
    let recipients = [Recipient::new(Number::new("10086").unwrap())];
    let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients).unwrap()).await.unwrap();
    emulator.idle().await;
    emulator.receive_sms(0, "10010", "Good morning");
    emulator.set_ussd(None, "*125#", "1 EUR");
    let mut results = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    assert_eq!(results.next().await.unwrap().unwrap().number.to_string(), "10086");
    drop(results);
    let mut reports = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await.unwrap();
    assert!(reports.next().await.unwrap().is_some());
    drop(reports);
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0));
    let mut inbox = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await.unwrap();
    assert_eq!(inbox.next().await.unwrap().unwrap().text.to_string(), "Good morning");
    drop(inbox);
    let ports: Ports = "0".parse().unwrap();
    let mut sent = gateway.send_ussd(&SendUssd::send(ports, "*125#").unwrap()).await.unwrap();
    sent.finish().await.unwrap();
    drop(sent);
    emulator.idle().await;
    let mut replies = gateway.query_ussd_reply(ports).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().text.to_string(), "1 EUR");
    drop(replies);
    let mut status = gateway.get_port_info(&GetPortInfo::new(InfoSet::DOCUMENTED).unwrap()).await.unwrap();
    status.finish().await.unwrap();
    drop(status);
    gateway.stop_sms(accepted.task_id.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_request_of_many_records_arrives_whole() {
    let (emulator, gateway) = start("ordinary", Options { ports: 32, ..Options::default() }).await;
    let text = "x".repeat(1000);
    let params = [text.as_str()];
    let recipient = |number| Recipient::new(Number::new(number).unwrap()).params(&params);
    let numbers: Vec<_> = (0..128).map(|index| format!("1380000{index:04}")).collect();
    let recipients: Vec<_> = numbers.iter().map(|number| recipient(number)).collect();
    gateway.send_sms(&SendSms::new("#param#", &recipients).unwrap()).await.unwrap();
    let messages = emulator.messages();
    assert_eq!(messages.len(), 128);
    assert!(messages.iter().all(|message| message.text == text));
}

#[tokio::test]
async fn a_messenger_sends_and_receives_over_tls() {
    let (emulator, gateway) = start("ordinary", Options::default()).await;
    emulator.receive_sms(0, "10010", "Good morning");
    let (messenger, _) = Messenger::builder(gateway).timing(timing()).incoming(true).start().await.unwrap();
    let handle = messenger.send(sms("10086", "Hello")).await.unwrap();
    assert_eq!(handle.outcome().await.unwrap().state, State::Delivered);
    assert_eq!(messenger.incoming().unwrap().next().await.unwrap().text, "Good morning");
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.messages()[0].text, "Hello");
}

#[tokio::test]
async fn each_kind_of_certificate_works_when_pinned() {
    for kind in ["ordinary", "rsa-1024", "ec", "v1,rsa-1024,sha1", "no-san", "expired", "wrong-name", "ca"] {
        let (emulator, gateway) = start(kind, Options::default()).await;
        assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0), "{kind}");
        let pin = emulator.certificate().unwrap().key_fingerprint().parse().unwrap();
        let gateway =
            Gateway::builder(&emulator.url()).credentials("admin", "admin").pin(pin).build().unwrap();
        assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0), "{kind}");
    }
}
