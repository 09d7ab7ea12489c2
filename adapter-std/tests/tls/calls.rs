//! Calls and a messenger over TLS, against the emulator.

use std::sync::{Arc, Mutex};

use gateway_emulator::{Emulator, Options};
use sms_gateway::{
    Builder, Gateway, Messenger, State,
    core::{
        Number, Ports,
        call::{
            Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsResult, Recipient,
            SendSms, SendUssd,
        },
    },
    tls::rustls::{
        HandshakeKind, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    following::{sms, timing},
    needs_openssl,
    peer::{Identity, Kind},
};

/// The emulator with TLS in front of it.
struct Secured {
    emulator: Emulator,
    identity: Identity,
    url: String,
    handshakes: Arc<Mutex<Vec<HandshakeKind>>>,
}

impl Secured {
    async fn start(options: Options) -> Self {
        let emulator = Emulator::start(Options { speed: 2000.0, ..options }).await.unwrap();
        let identity = Identity::new(Kind::PLAIN);
        let key = PrivateKeyDer::from_pem_slice(&identity.key_pem()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![identity.der()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let handshakes: Arc<Mutex<Vec<_>>> = Arc::default();
        let (seen, address) = (Arc::clone(&handshakes), emulator.addr());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut outer = acceptor.accept(stream).await?;
                    seen.lock().unwrap().extend(outer.get_ref().1.handshake_kind());
                    let mut inner = TcpStream::connect(address).await?;
                    copy_bidirectional(&mut outer, &mut inner).await
                });
            }
        });
        Self { emulator, identity, url, handshakes }
    }

    fn builder(&self) -> Builder {
        Gateway::builder(&self.url).credentials("admin", "admin").pin(self.identity.pin())
    }
}

#[tokio::test]
async fn each_call_works_over_tls() {
    needs_openssl!();
    let secured = Secured::start(Options::default()).await;
    let gateway = secured.builder().build().unwrap();
    let recipients = [Recipient::new(Number::new("10086").unwrap())];
    let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients).unwrap()).await.unwrap();
    secured.emulator.idle().await;
    secured.emulator.receive_sms(0, "10010", "Good morning");
    secured.emulator.set_ussd(None, "*125#", "1 EUR");
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
    secured.emulator.idle().await;
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
    needs_openssl!();
    let secured = Secured::start(Options { ports: 32, ..Options::default() }).await;
    let gateway = secured.builder().build().unwrap();
    let text = "x".repeat(1000);
    let params = [text.as_str()];
    let recipient = |number| Recipient::new(Number::new(number).unwrap()).params(&params);
    let numbers: Vec<_> = (0..128).map(|index| format!("1380000{index:04}")).collect();
    let recipients: Vec<_> = numbers.iter().map(|number| recipient(number)).collect();
    gateway.send_sms(&SendSms::new("#param#", &recipients).unwrap()).await.unwrap();
    let messages = secured.emulator.messages();
    assert_eq!(messages.len(), 128);
    assert!(messages.iter().all(|message| message.text == text));
}

#[tokio::test]
async fn a_messenger_sends_and_receives_over_tls() {
    needs_openssl!();
    let secured = Secured::start(Options::default()).await;
    secured.emulator.receive_sms(0, "10010", "Good morning");
    let gateway = secured.builder().build().unwrap();
    let (messenger, _) = Messenger::builder(gateway).timing(timing()).incoming(true).start().await.unwrap();
    let handle = messenger.send(sms("10086", "Hello")).await.unwrap();
    assert_eq!(handle.outcome().await.unwrap().state, State::Delivered);
    assert_eq!(messenger.incoming().unwrap().next().await.unwrap().text, "Good morning");
    messenger.shutdown().await.unwrap();
    assert_eq!(secured.emulator.messages()[0].text, "Hello");
}

#[tokio::test]
async fn another_connection_resumes_the_session() {
    needs_openssl!();
    let secured = Secured::start(Options::default()).await;
    let gateway = secured.builder().build().unwrap();
    gateway.query_sms_in_queue().await.unwrap();
    // A response that is dropped before its end closes the connection.
    drop(gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap());
    gateway.query_sms_in_queue().await.unwrap();
    let handshakes = secured.handshakes.lock().unwrap().clone();
    assert_eq!(handshakes.first(), Some(&HandshakeKind::Full));
    assert_eq!(handshakes.last(), Some(&HandshakeKind::Resumed), "{handshakes:?}");
}
