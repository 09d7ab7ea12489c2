//! Messengers with small buffers. They send each message that fits, and refuse the others.

#![allow(missing_docs)]

mod common;

use common::{
    device,
    disk::Disk,
    mock::{Device, Mock, MockResponse, NetworkProfile, Then},
    sending_gateway::SendingGateway,
};
use sms_gateway_embassy::{
    Buffer, Buffers, Error, Event, Gateway, Messenger, MessengerBuffers, SendError, Sms, StoreError,
    core::{
        Number, Ports, TaskId, UserId,
        call::{
            Call, CommaEncoding, Flag, GetPortInfo, Info, MAX_TARGET_BYTES, QueryIncomingSms,
            QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, QueryUssdReply, Recipient, SendSms,
            SendUssd, StopSms,
        },
        text::Encoding,
        track::{Message, MessageFailure, PendingReport, Settings, Slot, State},
    },
};
use std::collections::BTreeMap;

type Client = Messenger<'static, 'static, Mock, Disk>;

/// A gateway with a request buffer of this size, in bytes. It leaks its memory, as a test may do.
fn gateway(request: usize, mock: Mock) -> Gateway<'static, Mock> {
    let lend = |size| vec![0; size].leak();
    let buffers =
        Buffers { request: lend(request), response: lend(1536), record: lend(256), challenge: lend(512) };
    Gateway::new(mock, "192.168.100.100:8080", buffers, Box::leak(Box::new(|| 7)))
        .credentials("admin", "admin")
        .allow_basic(true)
}

fn client(request: usize, texts: usize, device: impl Device + 'static, disk: Disk) -> (Mock, Client) {
    let mock = Mock::new(device, NetworkProfile::default());
    let buffers = MessengerBuffers {
        slots: vec![Slot::EMPTY; 80].leak(),
        pending_reports: vec![PendingReport::EMPTY; 4].leak(),
        texts: vec![0; texts].leak(),
        incoming: vec![0; 64].leak(),
    };
    (
        mock.clone(),
        Messenger::new(
            gateway(request, mock),
            disk,
            buffers,
            Settings { exclusive: true, ..Settings::default() },
        ),
    )
}

/// Runs the messenger until these messages are final. Returns their final states, and the sizes of requests that did not fit.
async fn follow(messenger: &mut Client, ids: &[UserId]) -> (BTreeMap<UserId, Message>, Vec<usize>) {
    let (mut finals, mut too_large) = (BTreeMap::new(), Vec::new());
    let work = async {
        while finals.len() < ids.len() {
            match messenger.next().await.unwrap() {
                Event::Update(message) => {
                    if message.is_final {
                        finals.insert(message.id, message);
                    }
                    messenger.acknowledge(&message);
                }
                Event::RequestsFailing(Error {
                    failure: sms_gateway_embassy::Failure::TooSmall { buffer: Buffer::Request, needed },
                    ..
                }) => too_large.push(*needed),
                // The gateway repeats the reports of messages that the messenger has deleted.
                Event::Unmatched(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    // The time limit is shorter than the time until a message expires.
    tokio::time::timeout(std::time::Duration::from_secs(3600), work).await.expect("an end");
    (finals, too_large)
}

/// The minimum size of the request buffer for all queries of a messenger, in bytes.
const MIN_REQUEST: usize = 450;

#[tokio::test(start_paused = true)]
async fn each_message_that_fits_alone_is_sent_with_any_buffer() {
    let texts = [
        "x".repeat(180),
        "\"\\".repeat(90),
        "\u{1}\n".repeat(60),
        "é".repeat(90),
        "x".repeat(700),
        "short".to_owned(),
    ];
    for request in (MIN_REQUEST..2300).step_by(47) {
        let (mock, mut messenger) = client(request, 1500, SendingGateway::default(), Disk::default());
        let mut ids = Vec::new();
        for (at, text) in texts.iter().cycle().take(20).enumerate() {
            let sms = Sms::new(if at % 2 == 0 { "1" } else { "+86138001380001234567890" }, text).unwrap();
            let sms = if at % 3 == 0 { sms } else { sms.ports("0-31".parse().unwrap()).status_report(false) };
            match messenger.send(&sms).await {
                Ok(id) => ids.push(id),
                Err(SendError::TooLong { buffer: Buffer::Request, needed }) => assert!(needed > request),
                Err(error) => panic!("{error:?}"),
            }
        }
        let (finals, too_large) = follow(&mut messenger, &ids).await;
        assert!(too_large.iter().all(|needed| *needed > request), "{too_large:?}");
        for message in finals.values() {
            match message.state {
                State::Delivered | State::Sent => {}
                State::Failed if !too_large.is_empty() => {
                    assert_eq!(message.failure, Some(MessageFailure::Refused(413)), "{request} bytes");
                }
                other => panic!("{other:?}, {request} bytes"),
            }
        }
        assert!(mock.requests().iter().all(|sent| sent.len() <= request));
        if request > 1600 {
            assert_eq!((ids.len(), too_large.len()), (20, 0), "all fit into {request} bytes");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_for_results_names_as_many_messages_as_fit() {
    for request in (MIN_REQUEST..1300).step_by(61) {
        let (mock, mut messenger) = client(request, 1500, SendingGateway::default(), Disk::default());
        let mut ids = Vec::new();
        for _ in 0..70 {
            ids.push(messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap());
        }
        let (finals, too_large) = follow(&mut messenger, &ids).await;
        assert!(too_large.is_empty(), "{too_large:?}, {request} bytes");
        assert!(finals.values().all(|message| message.state == State::Delivered));
        assert!(mock.requests().iter().all(|sent| sent.len() <= request));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_does_not_block_others() {
    // The length of the login is not known yet.
    let quotes = "\"".repeat(870);
    let (_, mut messenger) = client(2048, 1500, SendingGateway::default(), Disk::default());
    let large = messenger.send(&Sms::new("1", &quotes).unwrap()).await.unwrap();
    let small = messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    let (finals, too_large) = follow(&mut messenger, &[large, small]).await;
    assert_eq!(too_large.len(), 1);
    assert_eq!(finals[&large].failure, Some(MessageFailure::Refused(413)));
    assert_eq!(finals[&small].state, State::Delivered);
    // Now the length of the login is known.
    let sms = Sms::new("1", &quotes).unwrap();
    let refused = Err(SendError::TooLong { buffer: Buffer::Request, needed: too_large[0] + 9 });
    assert_eq!(messenger.send(&sms).await, refused, "an unknown user_id counts as ten digits");
    let far_too_large = "\"".repeat(1000);
    let (_, mut messenger) = client(2048, 1500, SendingGateway::default(), Disk::default());
    let outcome = messenger.send(&Sms::new("1", &far_too_large).unwrap()).await;
    assert!(matches!(outcome, Err(SendError::TooLong { buffer: Buffer::Request, needed: 2100.. })));
}

#[tokio::test(start_paused = true)]
async fn a_buffer_below_the_size_of_a_request_is_reported_with_that_size() {
    let text = "x".repeat(300);
    let sms = Sms::new("1", &text).unwrap();
    let (mock, mut messenger) = client(2048, 1500, SendingGateway::default(), Disk::default());
    for _ in 0..2 {
        let id = messenger.send(&sms).await.unwrap();
        follow(&mut messenger, &[id]).await;
    }
    let longest_submission = |mock: &Mock| {
        mock.requests().iter().filter(|sent| sent.contains("send_sms")).map(String::len).max().unwrap()
    };
    let length = longest_submission(&mock);
    for request in length - 2..=length + 2 {
        let (_, mut messenger) = client(request, 1500, SendingGateway::default(), Disk::default());
        let id = messenger.send(&sms).await.unwrap();
        let (finals, too_large) = follow(&mut messenger, &[id]).await;
        let fits = request >= length;
        assert_eq!(finals[&id].state == State::Delivered, fits, "{length} of {request} bytes");
        assert_eq!(too_large, if fits { vec![] } else { vec![length] });
    }
}

/// Requires a Basic login.
fn with_basic_login(device: SendingGateway) -> impl Device {
    move |request: &str| {
        if request.contains("Authorization: Basic") {
            return device.0.borrow_mut().serve(request);
        }
        let head = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
        MockResponse::new(head, Then::Listen)
    }
}

#[tokio::test(start_paused = true)]
async fn requests_shrink_if_the_login_grows_after_the_start() {
    let (mock, mut messenger) =
        client(1300, 1500, with_basic_login(SendingGateway::default()), Disk::default());
    messenger.start().await.unwrap();
    messenger.set_credentials("admin", "x".repeat(500).leak());
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(messenger.send(&Sms::new("1", &"x".repeat(90)).unwrap()).await.unwrap());
    }
    let (finals, too_large) = follow(&mut messenger, &ids).await;
    assert!(finals.values().all(|message| message.state == State::Delivered), "{too_large:?}");
    assert!(!too_large.is_empty());
    assert!(mock.requests().iter().all(|sent| sent.len() <= 1300));
}

#[tokio::test(start_paused = true)]
async fn a_stored_text_that_does_not_fit_after_a_restart_is_kept() {
    let (disk, device) = (Disk::default(), SendingGateway::default());
    let (_, mut messenger) = client(2048, 50, device.clone(), disk.clone());
    let id = messenger.send(&Sms::new("1", &"x".repeat(50)).unwrap()).await.unwrap();
    let (_, mut smaller) = client(2048, 49, device.clone(), disk.clone());
    for _ in 0..2 {
        assert_eq!(smaller.start().await, Err(StoreError::TextTooLong { needed: 50 }));
        assert!(matches!(smaller.next().await, Err(StoreError::TextTooLong { needed: 50 })));
    }
    assert_eq!(disk.texts(), 1);
    let (_, mut messenger) = client(2048, 50, device, disk);
    let (finals, _) = follow(&mut messenger, &[id]).await;
    assert_eq!(finals[&id].state, State::Delivered);
}

/// Sends a challenge with a realm of this length, and accepts any login.
fn with_realm(realm: usize) -> impl Device {
    move |request: &str| {
        if request.contains("Authorization: Digest") {
            return device::documented_response(request);
        }
        let realm = "x".repeat(realm);
        let challenge = format!(r#"Digest realm="{realm}", nonce="n", qop="auth", algorithm=MD5"#);
        let head = format!("HTTP/1.1 401 X\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
        MockResponse::new(head, Then::Listen)
    }
}

const LOGIN: usize = 300;

/// Makes a call with buffers of the minimum sizes that [`Buffers`] documents. Returns the length of the request and the size of its buffer;
/// `None` if the challenge is too large.
async fn call_with_documented_sizes<C: Call>(call: &C, realm: usize) -> Option<(usize, usize)> {
    let host = "192.168.100.100:8080";
    let target = call.target(CommaEncoding::Encoded, &mut [0; MAX_TARGET_BYTES]).unwrap().len();
    let login = 86 + LOGIN / 2;
    let size = 98 + host.len() + 2 * target + call.body_length() + login;
    let (mut request, mut response) = (vec![0; size], vec![0; 2 * target + login]);
    let (mut record, mut login, mut entropy) = ([0; 256], [0; LOGIN], || 7);
    let buffers = Buffers {
        request: &mut request,
        response: &mut response,
        record: &mut record,
        challenge: &mut login,
    };
    let mock = Mock::new(with_realm(realm), NetworkProfile::default());
    let mut gateway = Gateway::new(mock.clone(), host, buffers, &mut entropy).credentials("admin", "admin");
    let outcome = match gateway.ask(call).await {
        Ok(mut response) => response.finish().await.map(|_| ()),
        Err(error) => Err(error),
    };
    match outcome {
        Err(Error {
            failure: sms_gateway_embassy::Failure::TooSmall { buffer: Buffer::Challenge, .. },
            ..
        }) => return None,
        Ok(()) | Err(Error { failure: sms_gateway_embassy::Failure::Refused(_), .. }) => {}
        Err(error) => panic!("{error:?} to {}, {realm} bytes", C::NAME),
    }
    Some((mock.requests().last().unwrap().len(), size))
}

#[tokio::test(start_paused = true)]
async fn buffers_of_the_documented_sizes_suffice_for_any_login() {
    let all = Info::ALL.into_iter().collect();
    let (time, number) =
        ("2026-01-01 10:00:00".parse().unwrap(), Number::new("+12345678901234567890123").unwrap());
    let recipients = [Recipient::new(number).params(&["\"\u{1}"]).user_id(UserId::MAX); 128];
    let send = SendSms::new("#param#", &recipients).unwrap().ports(Ports::ALL).status_report(false);
    let send = send.encoding(Encoding::Unicode).unwrap();
    let (numbers, ids) = ([number; 32], [UserId::MAX; 64]);
    let results = QuerySmsResult::new().numbers(&numbers).unwrap().ports(Ports::ALL).user_ids(&ids);
    let reports = QuerySmsDeliverStatus::new().ports(Ports::ALL).after(time).before(time);
    let incoming = QueryIncomingSms::new(Flag::Unread).after(i64::MAX).ports(Ports::ALL);
    let infos = GetPortInfo::new(all).unwrap().ports(Ports::ALL);
    let reply = QueryUssdReply::new(Ports::ALL).unwrap();
    let ussd = SendUssd::send(Ports::ALL, "*1#").unwrap();
    for realm in 0.. {
        let lengths = [
            call_with_documented_sizes(&send, realm).await,
            call_with_documented_sizes(&results, realm).await,
            call_with_documented_sizes(&reports, realm).await,
            call_with_documented_sizes(&QuerySmsInQueue, realm).await,
            call_with_documented_sizes(&incoming, realm).await,
            call_with_documented_sizes(&ussd, realm).await,
            call_with_documented_sizes(&reply, realm).await,
            call_with_documented_sizes(&StopSms::new(TaskId::new(i64::MIN)), realm).await,
            call_with_documented_sizes(&infos, realm).await,
        ];
        if lengths.contains(&None) {
            assert!(realm > 0);
            return;
        }
        assert!(lengths.iter().flatten().all(|(length, size)| length <= size));
        let spare = lengths.iter().flatten().map(|(length, size)| size - length).min();
        // The sizes allow for SHA-256, whose hash has 32 digits more than MD5's.
        assert!(spare >= Some(32), "{spare:?}");
    }
}

#[test]
fn the_maximum_body_of_a_send_sms_is_as_documented() {
    let number = Number::new("10086").unwrap();
    let recipients = [Recipient::new(number).params(&["a\"\n\u{1}"]).user_id(UserId::MAX); 3];
    let send = SendSms::new("#param#", &recipients).unwrap().ports(Ports::ALL).status_report(false);
    let send = send.encoding(Encoding::Unicode).unwrap();
    // There are commas only between recipients, and "unicode" is one letter shorter than "gsm-7bit".
    assert_eq!(send.body_length(), 176 - 1 + 3 * (53 + 5 + 1 + 2 + 2 + 6) - 1);
}

#[tokio::test(start_paused = true)]
async fn the_future_of_next_contains_neither_texts_nor_recipients() {
    let (_, mut messenger) = client(2304, 1500, device::DigestGateway::default(), Disk::default());
    let future = messenger.next();
    // Most of the future is the array of the 25 writes of a save, each with a key and a slice.
    assert!(size_of_val(&future) <= 1150, "{} bytes", size_of_val(&future));
}
