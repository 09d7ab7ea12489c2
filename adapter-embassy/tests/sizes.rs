//! What a messenger does in small buffers: it sends as much as fits, and goes on behind what does not.

#![allow(missing_docs)]

mod common;

use common::{
    device,
    disk::Disk,
    mock::{Device, Mock, NetworkProfile, Reply, Then},
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

/// A gateway with so many bytes for requests, over leaked memory, which a test may do.
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
    (mock.clone(), Messenger::new(gateway(request, mock), disk, buffers, Settings::default()))
}

/// Works until all these messages are at their end; and the largest sizes that were wanted.
async fn follow(messenger: &mut Client, ids: &[UserId]) -> (BTreeMap<UserId, Message>, Vec<usize>) {
    let (mut ends, mut wanted) = (BTreeMap::new(), Vec::new());
    let work = async {
        while ends.len() < ids.len() {
            match messenger.next().await.unwrap() {
                Event::Update(message) => {
                    if message.is_final {
                        ends.insert(message.id, message);
                    }
                    messenger.acknowledge(&message);
                }
                Event::RequestsFailing(Error {
                    failure: sms_gateway_embassy::Failure::TooSmall { buffer: Buffer::Request, needed },
                    ..
                }) => wanted.push(*needed),
                other => panic!("{other:?}"),
            }
        }
    };
    // Long before anything expires.
    tokio::time::timeout(std::time::Duration::from_secs(3600), work).await.expect("an end");
    (ends, wanted)
}

/// The least size in which a messenger can ask all its questions here.
const LEAST: usize = 450;

#[tokio::test(start_paused = true)]
async fn whatever_fits_alone_is_sent_in_any_room() {
    let texts = [
        "x".repeat(180),
        "\"\\".repeat(90),
        "\u{1}\n".repeat(60),
        "é".repeat(90),
        "x".repeat(700),
        "short".to_owned(),
    ];
    for request in (LEAST..2300).step_by(47) {
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
        let (ends, wanted) = follow(&mut messenger, &ids).await;
        assert!(wanted.iter().all(|needed| *needed > request), "{wanted:?}");
        for message in ends.values() {
            match message.state {
                State::Delivered | State::Sent => {}
                State::Failed if !wanted.is_empty() => {
                    assert_eq!(message.failure, Some(MessageFailure::Refused(413)), "in {request}");
                }
                other => panic!("{other:?} in {request}"),
            }
        }
        assert!(mock.requests().iter().all(|whole| whole.len() <= request));
        if request > 1600 {
            assert_eq!((ids.len(), wanted.len()), (20, 0), "all fit in {request}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_are_asked_for_in_as_many_questions_as_fit() {
    for request in (LEAST..1300).step_by(61) {
        let (mock, mut messenger) = client(request, 1500, SendingGateway::default(), Disk::default());
        let mut ids = Vec::new();
        for _ in 0..70 {
            ids.push(messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap());
        }
        let (ends, wanted) = follow(&mut messenger, &ids).await;
        assert!(wanted.is_empty(), "{wanted:?} in {request}");
        assert!(ends.values().all(|message| message.state == State::Delivered));
        assert!(mock.requests().iter().all(|whole| whole.len() <= request));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_blocks_no_other() {
    // Of the login nothing is known yet.
    let quotes = "\"".repeat(870);
    let (_, mut messenger) = client(2048, 1500, SendingGateway::default(), Disk::default());
    let large = messenger.send(&Sms::new("1", &quotes).unwrap()).await.unwrap();
    let small = messenger.send(&Sms::new("1", "Hello").unwrap()).await.unwrap();
    let (ends, wanted) = follow(&mut messenger, &[large, small]).await;
    assert_eq!(wanted.len(), 1);
    assert_eq!(ends[&large].failure, Some(MessageFailure::Refused(413)));
    assert_eq!(ends[&small].state, State::Delivered);
    // By now it is.
    let sms = Sms::new("1", &quotes).unwrap();
    let refused = Err(SendError::TooLong { buffer: Buffer::Request, needed: wanted[0] + 9 });
    assert_eq!(messenger.send(&sms).await, refused, "but for the digits of the user_id");
    let far_too_large = "\"".repeat(1000);
    let (_, mut messenger) = client(2048, 1500, SendingGateway::default(), Disk::default());
    let outcome = messenger.send(&Sms::new("1", &far_too_large).unwrap()).await;
    assert!(matches!(outcome, Err(SendError::TooLong { buffer: Buffer::Request, needed: 2100.. })));
}

#[tokio::test(start_paused = true)]
async fn each_size_below_that_of_a_message_is_told() {
    let text = "x".repeat(300);
    let sms = Sms::new("1", &text).unwrap();
    let (mock, mut messenger) = client(2048, 1500, SendingGateway::default(), Disk::default());
    for _ in 0..2 {
        let id = messenger.send(&sms).await.unwrap();
        follow(&mut messenger, &[id]).await;
    }
    let sent = |mock: &Mock| {
        mock.requests().iter().filter(|whole| whole.contains("send_sms")).map(String::len).max().unwrap()
    };
    let length = sent(&mock);
    for request in length - 2..=length + 2 {
        let (_, mut messenger) = client(request, 1500, SendingGateway::default(), Disk::default());
        let id = messenger.send(&sms).await.unwrap();
        let (ends, wanted) = follow(&mut messenger, &[id]).await;
        let fits = request >= length;
        assert_eq!(ends[&id].state == State::Delivered, fits, "{length} in {request}");
        assert_eq!(wanted, if fits { vec![] } else { vec![length] });
    }
}

/// Behind a Basic login.
fn basic(gateway_device: SendingGateway) -> impl Device {
    move |request: &str| {
        if request.contains("Authorization: Basic") {
            return gateway_device.0.borrow_mut().serve(request);
        }
        let head = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
        Reply::new(head, Then::Listen)
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_grows_makes_requests_smaller() {
    let (mock, mut messenger) = client(1300, 1500, basic(SendingGateway::default()), Disk::default());
    messenger.start().await.unwrap();
    messenger.set_credentials("admin", "x".repeat(500).leak());
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(messenger.send(&Sms::new("1", &"x".repeat(90)).unwrap()).await.unwrap());
    }
    let (ends, wanted) = follow(&mut messenger, &ids).await;
    assert!(ends.values().all(|message| message.state == State::Delivered), "{wanted:?}");
    assert!(!wanted.is_empty());
    assert!(mock.requests().iter().all(|whole| whole.len() <= 1300));
}

#[tokio::test(start_paused = true)]
async fn texts_that_do_not_fit_after_a_restart_are_not_lost() {
    let (disk, gateway_device) = (Disk::default(), SendingGateway::default());
    let (_, mut messenger) = client(2048, 50, gateway_device.clone(), disk.clone());
    let id = messenger.send(&Sms::new("1", &"x".repeat(50)).unwrap()).await.unwrap();
    let (_, mut smaller) = client(2048, 49, gateway_device.clone(), disk.clone());
    for _ in 0..2 {
        assert_eq!(smaller.start().await, Err(StoreError::TextTooLong { needed: 50 }));
        assert!(matches!(smaller.next().await, Err(StoreError::TextTooLong { needed: 50 })));
    }
    assert_eq!(disk.texts(), 1);
    let (_, mut messenger) = client(2048, 50, gateway_device, disk);
    let (ends, _) = follow(&mut messenger, &[id]).await;
    assert_eq!(ends[&id].state, State::Delivered);
}

/// Challenges with a realm of so many bytes, and is content with any answer.
fn wordy(realm: usize) -> impl Device {
    move |request: &str| {
        if request.contains("Authorization: Digest") {
            return device::truth(request);
        }
        let realm = "x".repeat(realm);
        let challenge = format!(r#"Digest realm="{realm}", nonce="n", qop="auth", algorithm=MD5"#);
        let head = format!("HTTP/1.1 401 X\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
        Reply::new(head, Then::Listen)
    }
}

const LOGIN: usize = 300;

/// Asks in buffers as small as [`Buffers`] promise that they may be; the request's length, and what it may be, unless its challenge is
/// too large.
async fn ask<C: Call>(call: &C, realm: usize) -> Option<(usize, usize)> {
    let host = "192.168.100.100:8080";
    let target = call.target(CommaEncoding::Encoded, &mut [0; MAX_TARGET_BYTES]).unwrap().len();
    let login = 86 + LOGIN / 2;
    let room = 98 + host.len() + 2 * target + call.body_length() + login;
    let (mut request, mut answer) = (vec![0; room], vec![0; 2 * target + login]);
    let (mut record, mut login, mut entropy) = ([0; 256], [0; LOGIN], || 7);
    let buffers =
        Buffers { request: &mut request, response: &mut answer, record: &mut record, challenge: &mut login };
    let mock = Mock::new(wordy(realm), NetworkProfile::default());
    let mut gateway = Gateway::new(mock.clone(), host, buffers, &mut entropy).credentials("admin", "admin");
    let outcome = match gateway.ask(call).await {
        Ok(mut answer) => answer.finish().await.map(|_| ()),
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
    Some((mock.requests().last().unwrap().len(), room))
}

#[tokio::test(start_paused = true)]
async fn buffers_of_the_sizes_that_are_promised_do_for_any_login() {
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
        let asked = [
            ask(&send, realm).await,
            ask(&results, realm).await,
            ask(&reports, realm).await,
            ask(&QuerySmsInQueue, realm).await,
            ask(&incoming, realm).await,
            ask(&ussd, realm).await,
            ask(&reply, realm).await,
            ask(&StopSms::new(TaskId::new(i64::MIN)), realm).await,
            ask(&infos, realm).await,
        ];
        if asked.contains(&None) {
            assert!(realm > 0);
            return;
        }
        assert!(asked.iter().flatten().all(|(length, room)| length <= room));
        let spare = asked.iter().flatten().map(|(length, room)| room - length).min();
        // Half of the hash's digits, which are those of MD5.
        assert!(spare >= Some(32), "{spare:?}");
    }
}

#[test]
fn the_body_of_a_message_is_as_large_as_is_promised() {
    let number = Number::new("10086").unwrap();
    let recipients = [Recipient::new(number).params(&["a\"\n\u{1}"]).user_id(UserId::MAX); 3];
    let send = SendSms::new("#param#", &recipients).unwrap().ports(Ports::ALL).status_report(false);
    let send = send.encoding(Encoding::Unicode).unwrap();
    // CommaEncoding stand between recipients only, and "unicode" has a letter less than "gsm-7bit".
    assert_eq!(send.body_length(), 176 - 1 + 3 * (53 + 5 + 1 + 2 + 2 + 6) - 1);
}

#[tokio::test(start_paused = true)]
async fn the_future_of_next_holds_neither_texts_nor_recipients() {
    let (_, mut messenger) = client(2304, 1500, device::Gateway::default(), Disk::default());
    let future = messenger.next();
    // Mostly the writes of one save: 25 of a key and a slice.
    assert!(size_of_val(&future) <= 1150, "{} bytes", size_of_val(&future));
}
