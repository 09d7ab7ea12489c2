//! Calls and a messenger over the AT commands of a modem, against the emulator.

#![allow(missing_docs, unreachable_pub)]

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod lines;
mod modem;
mod socket;

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use commands::{AtError, Memory};
use common::{drive, gateway, nine_calls, options, send, stop_the_clock};
use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{ErrorKind, Read, Write};
use gateway_emulator::{Emulator, Options};
use lines::{Line, Lines};
use modem::{Fault, Modem, Script};
use sms_gateway_embassy::{
    Error, Event, Failure, Gateway, Messenger, MessengerBuffers, RamStore, Sms, Timeouts, Transport,
    core::{
        call::QuerySmsResult,
        client::Cause,
        track::{Message, PendingReport, Settings, Slot, State, Timing},
    },
};
use socket::Socket;
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    net::TcpListener,
};

type Uart = FromTokio<DuplexStream>;
type Client = Gateway<'static, Socket<'static, Uart>>;

/// The number of the first `CIPSEND` with a submission. The `CIPSEND` before it fetches a challenge.
const SUBMISSION: usize = 2;

/// A gateway over a modem. It leaks its memory, as a test may do.
fn over_modem(script: Script, emulator: &Emulator, outgoing: usize) -> (Modem, Client) {
    let (modem, uart) = Modem::start(script);
    let host = emulator.addr().ip().to_string().leak();
    let memory = Memory { lines: vec![0; 64].leak(), outgoing: vec![0; outgoing].leak() };
    let socket = Socket::new(uart, host, emulator.addr().port(), memory);
    (modem, gateway(socket, host))
}

fn faults<const N: usize>(faults: [(usize, Fault); N]) -> Script {
    Script { faults: BTreeMap::from(faults), ..Script::default() }
}

/// Scripts of modems that differ but have no fault.
fn usable_scripts() -> [Script; 4] {
    [
        Script::default(),
        Script { receive_mode: "AT+CIPRECVMODE=1", ..Script::default() },
        Script { chatters: true, ..Script::default() },
        Script { busy_every: 5, chatters: true, ..Script::default() },
    ]
}

async fn emulator() -> Emulator {
    Emulator::start(options()).await.unwrap()
}

/// Settings for an emulator that is faster than a gateway.
fn settings() -> Settings {
    let wait = Duration::from_millis(20);
    let timing = Timing {
        first_result: wait,
        first_report: wait,
        results_every: wait,
        reports_every: wait,
        ..Timing::default()
    };
    Settings { timing, incoming: true, ..Settings::default() }
}

/// Sends a message, and runs the messenger until the message is final and `incoming` messages have arrived. Returns the final message
/// and the texts of the incoming ones.
async fn follow(gateway: Client, text: &str, incoming: usize) -> (Message, Vec<String>) {
    let buffers = MessengerBuffers {
        slots: &mut [Slot::EMPTY; 4],
        pending_reports: &mut [PendingReport::EMPTY; 2],
        texts: &mut [0; 1500],
        incoming: &mut [0; 512],
    };
    let mut stored = [0; 2048];
    let mut messenger = Messenger::new(gateway, RamStore::new(&mut stored), buffers, settings());
    messenger.send(&Sms::new("10086", text).unwrap().resend(true)).await.unwrap();
    let (mut last, mut texts) = (None, Vec::new());
    loop {
        match messenger.next().await.unwrap() {
            Event::Update(message) => {
                messenger.acknowledge(&message);
                last = message.is_final.then_some(message);
            }
            Event::Incoming(sms) => {
                let mark = sms.mark;
                texts.push(sms.text.as_str().to_owned());
                messenger.acknowledge_incoming(mark);
            }
            _ => {}
        }
        if let Some(message) = last.filter(|_| texts.len() >= incoming) {
            messenger.gateway().close().await;
            return (message, texts);
        }
    }
}

#[tokio::test]
async fn a_message_is_delivered_over_each_modem_and_an_incoming_one_arrives() {
    let text = "Grüße, 你好. ".repeat(30);
    for script in usable_scripts() {
        let emulator = emulator().await;
        emulator.receive_sms(1, "10086", "OK\r\n\r\nCLOSED\r\n+IPD,5\r\n>");
        let is_busy = script.busy_every > 0;
        let (modem, gateway) = over_modem(script, &emulator, 256);
        let (message, texts) = follow(gateway, &text, 1).await;
        assert_eq!(message.state, State::Delivered);
        assert_eq!(texts, ["OK\r\n\r\nCLOSED\r\n+IPD,5\r\n>"], "lines of a modem in a text are text");
        let messages = emulator.messages();
        assert_eq!((messages.len(), messages[0].text.as_str()), (1, text.as_str()));
        let observed = modem.observed();
        assert_eq!((observed.starts, observed.zeros), (1, 0), "one connection suffices");
        assert_eq!(observed.busy > 0, is_busy);
    }
}

#[tokio::test]
async fn the_nine_calls_need_one_connection() {
    for script in usable_scripts() {
        let emulator = emulator().await;
        let (_modem, mut gateway) = over_modem(script, &emulator, 1024);
        nine_calls(&emulator, &mut gateway).await.unwrap();
        assert_eq!((emulator.counts().connections, emulator.counts().requests), (1, 1 + 9));
    }
}

#[tokio::test]
async fn a_response_longer_than_all_buffers_is_read_to_its_end() {
    let emulator = Emulator::start(Options { sent: 500, ..options() }).await.unwrap();
    let (modem, mut gateway) = over_modem(Script { chatters: true, ..Script::default() }, &emulator, 1024);
    let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let mut results = 0;
    while response.next().await.unwrap().is_some() {
        results += 1;
    }
    assert_eq!((results, modem.observed().starts), (500, 1));
}

#[tokio::test]
async fn a_message_is_delivered_and_accepted_once_whatever_fails_in_its_life() {
    let all = [
        Fault::Refused,
        Fault::ClosedBeforePrompt,
        Fault::ClosedInData,
        Fault::ClosedInResponse,
        Fault::Restart,
    ];
    for fault in all {
        // Each fault occurs in the request for a challenge, in the submission, and in the first query.
        for send in 1..=3 {
            let emulator = emulator().await;
            let (modem, gateway) = over_modem(faults([(send, fault)]), &emulator, 1024);
            let _clock = stop_the_clock();
            let (message, _) = drive(follow(gateway, "Hello", 0), 600).await.expect("it ends");
            assert_eq!(message.state, State::Delivered, "{fault:?} at {send}");
            assert_eq!(emulator.messages().len(), 1, "{fault:?} at {send}");
            assert!(modem.observed().starts >= 2, "{fault:?} at {send}");
        }
    }
}

#[tokio::test]
async fn a_message_that_the_modem_refused_to_take_is_sent_on_a_new_connection() {
    for fault in [Fault::Refused, Fault::ClosedBeforePrompt] {
        let emulator = emulator().await;
        let (modem, mut gateway) = over_modem(faults([(SUBMISSION, fault)]), &emulator, 1024);
        send(&mut gateway, "10086", 1).await.unwrap();
        assert_eq!((emulator.counts().accepted, modem.observed().starts), (1, 2), "{fault:?}");
    }
}

#[tokio::test]
async fn a_connection_that_the_gateway_has_closed_is_not_used_again() {
    let quirks = "close-after=2".parse().unwrap();
    let emulator = Emulator::start(Options { quirks, ..options() }).await.unwrap();
    let (_modem, mut gateway) = over_modem(Script::default(), &emulator, 1024);
    for id in 1..=5 {
        send(&mut gateway, "10086", id).await.unwrap();
    }
    assert_eq!(emulator.counts().accepted, 5);
    assert!(emulator.counts().connections >= 3);
}

#[tokio::test]
async fn a_connection_that_the_modem_refuses_to_open_is_reported() {
    let emulator = emulator().await;
    let (modem, mut gateway) = over_modem(Script { refused_starts: 1, ..Script::default() }, &emulator, 1024);
    let error = send(&mut gateway, "10086", 1).await.unwrap_err();
    assert_eq!(error, Error::new(Failure::Unreachable(Cause::Transport), Some(AtError::Refused)));
    send(&mut gateway, "10086", 1).await.unwrap();
    assert_eq!((modem.observed().starts, emulator.counts().accepted), (2, 1));
}

/// Waits until the socket is not ready.
async fn not_ready(socket: &mut Socket<'_, Uart>) {
    let wait = async {
        while socket.is_ready() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the modem has reported it");
}

#[tokio::test]
async fn a_connection_is_ready_until_bytes_arrive_or_it_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_modem, uart) = Modem::start(Script::default());
    let memory = Memory { lines: &mut [0; 64], outgoing: &mut [0; 64] };
    let mut socket = Socket::new(uart, "127.0.0.1", listener.local_addr().unwrap().port(), memory);
    assert!(!socket.is_ready());
    for ends in [false, true] {
        socket.connect().await.unwrap();
        assert!(socket.is_ready());
        let (mut peer, _) = listener.accept().await.unwrap();
        if ends {
            drop(peer);
        } else {
            peer.write_all(b"early").await.unwrap();
        }
        not_ready(&mut socket).await;
        let mut bytes = [0; 5];
        if ends {
            assert_eq!(socket.read(&mut bytes).await, Ok(0));
        } else {
            socket.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"early", "nothing was lost by looking");
        }
        assert_eq!(socket.write(b"late").await.is_ok(), !ends);
        socket.close().await;
        assert!(!socket.is_ready());
    }
}

#[tokio::test]
async fn a_uart_that_fails_is_reported() {
    let emulator = emulator().await;
    let (near, _) = tokio::io::duplex(64);
    let memory = Memory { lines: vec![0; 64].leak(), outgoing: vec![0; 64].leak() };
    let mut gateway =
        gateway(Socket::new(FromTokio::new(near), "127.0.0.1", emulator.addr().port(), memory), "box");
    let error = send(&mut gateway, "10086", 1).await.unwrap_err();
    let expected = AtError::Uart(ErrorKind::BrokenPipe);
    assert_eq!(error, Error::new(Failure::Unreachable(Cause::Transport), Some(expected)));
}

#[tokio::test]
async fn a_host_that_would_end_the_command_is_not_sent() {
    for host in ["a\",80\r\nAT+RST", "a b", &"a".repeat(65)] {
        let (modem, uart) = Modem::start(Script::default());
        let memory = Memory { lines: &mut [0; 64], outgoing: &mut [0; 64] };
        let mut socket = Socket::new(uart, host, 80, memory);
        assert_eq!(socket.connect().await, Err(AtError::Host));
        assert_eq!(modem.observed().starts, 0);
    }
}

/// Sends a message whose write stalls, and then sends another message.
async fn stall(limit: Duration) {
    let emulator = emulator().await;
    let _clock = stop_the_clock();
    let (modem, gateway) = over_modem(faults([(SUBMISSION, Fault::Stall)]), &emulator, 1024);
    let mut timeouts = Timeouts::default();
    timeouts.response = limit;
    let mut gateway = gateway.timeouts(timeouts);
    let error = drive(send(&mut gateway, "10086", 1), 60).await.expect("the time limit").unwrap_err();
    assert!(matches!(error.failure, Failure::Lost(Cause::TimedOut { .. })), "{error:?}");
    assert!(error.may_have_arrived() && modem.observed().is_stalled);
    modem.resume();
    let outcome = drive(send(&mut gateway, "10086", 2), 200).await.expect("the modem is usable again");
    outcome.unwrap();
    assert!(modem.observed().zeros > 100, "{:?}", modem.observed());
    let ids: Vec<_> = emulator.messages().iter().map(|message| message.user_id).collect();
    assert_eq!(ids, [Some(2)], "the first request did not arrive");
}

#[tokio::test]
async fn a_write_that_stalls_ends_at_the_time_limit_and_its_request_is_never_completed() {
    // One limit is shorter than the timeout of a command (5 s), the other is longer.
    for seconds in [3, 8] {
        stall(Duration::from_secs(seconds)).await;
    }
}

/// Whether a future was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls a future whenever it is woken, at most `times` times.
async fn poll_times<F: Future>(mut future: Pin<&mut F>, times: usize) -> Option<F::Output> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        while !woken.0.swap(false, Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    }
    None
}

/// Drops a call after `polls` polls, and checks that later calls succeed. Returns whether the first call ended.
async fn drop_at(polls: usize) -> bool {
    let emulator = emulator().await;
    let (_modem, mut gateway) = over_modem(Script::default(), &emulator, 128);
    let _clock = stop_the_clock();
    let queue = drive(gateway.query_sms_in_queue(), 100).await.expect("a response");
    assert_eq!(queue.unwrap(), Some(0));
    let dropped = poll_times(pin!(send(&mut gateway, "10086", 1)), polls).await;
    let has_ended = dropped.map(Result::unwrap).is_some();
    drive(send(&mut gateway, "10087", 2), 100).await.expect("a response").unwrap();
    let messages = emulator.messages();
    let sent = messages.iter().filter(|message| message.user_id == Some(1)).count();
    assert!(sent <= 1 && messages.len() == sent + 1, "{messages:?}");
    assert!(sent == 1 || !has_ended);
    has_ended
}

#[tokio::test]
async fn a_gateway_works_after_a_call_is_dropped_at_any_poll() {
    let mut polls = 0;
    while !drop_at(polls).await {
        polls += 1;
    }
    assert!(polls > 20, "{polls}");
}

#[tokio::test]
async fn no_record_is_lost_if_futures_of_next_are_dropped() {
    let emulator = Emulator::start(Options { sent: 40, ..options() }).await.unwrap();
    let (_modem, mut gateway) = over_modem(Script::default(), &emulator, 1024);
    let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let (mut results, mut dropped) = (0, 0);
    loop {
        match poll_times(pin!(response.next()), 1).await {
            None => dropped += 1,
            Some(Ok(Some(_))) => results += 1,
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(results, 40);
    assert!(dropped > 0);
}

/// The lines that are parsed if the bytes arrive in pieces of `size`, with memory of `room` bytes. The prompt is expected after `OK`.
fn lines_of(bytes: &[u8], size: usize, room: usize) -> Vec<Line> {
    let mut memory = vec![0; room];
    let (mut lines, mut found) = (Lines::new(&mut memory), Vec::new());
    for mut piece in bytes.chunks(size) {
        while !piece.is_empty() {
            let space = lines.space();
            let count = space.len().min(piece.len());
            assert!(count > 0, "there is room");
            space[..count].copy_from_slice(&piece[..count]);
            lines.received(count);
            piece = &piece[count..];
            while let Some(line) = lines.next(found.last() == Some(&Line::Ok)) {
                found.push(line);
            }
        }
    }
    found
}

#[test]
fn lines_are_the_same_however_their_bytes_arrive() {
    let bytes = b"ATE0\r\r\n\r\nERROR\r\n+IPD,17\r\nbusy p...\r\n\r\nOK\r\n\r\n>\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n\
        a line that is much longer than the memory for lines, and ends with OK\r\nCLOSED\r\n+IPD,x\r\nready\r\n+CIPRECVDATA:12,";
    let expected = [
        Line::Other,
        Line::Error,
        Line::Incoming(17),
        Line::Busy,
        Line::Ok,
        Line::Prompt,
        Line::Other,
        Line::SendOk,
        Line::Closed,
        Line::Other,
        Line::Ready,
        Line::Data(12),
    ];
    for size in 1..bytes.len() {
        assert_eq!(lines_of(bytes, size, 32), expected, "pieces of {size} bytes");
    }
}
