//! A gateway refuses submissions. Every message that is not itself at fault is sent, and only once.

#![allow(missing_docs)]

mod following;

use std::time::Duration;

use following::{builder, end, options, sms, timing};
use gateway_emulator::{Emulator, Options, RequestSeen};
use sms_gateway::{
    Messenger, Sms,
    core::track::{Message, MessageFailure, State, Timing},
};

/// The number of messages. It is small, so that the parts of a refused request are sent without a wait.
const MESSAGES: usize = 8;
/// The message at fault, if there is one.
const BAD: usize = 4;

fn number(message: usize) -> String {
    format!("139000000{message:02}")
}

fn text(message: usize) -> String {
    format!("Text {message}. {}", "All work and no play. ".repeat(7))
}

/// A gateway with quirks, and a messenger.
struct World {
    emulator: Emulator,
    messenger: Messenger,
}

impl World {
    async fn new(quirks: &str) -> Self {
        let quirks = quirks.parse().unwrap();
        let emulator = Emulator::start(Options { quirks, ..options() }).await.unwrap();
        let (messenger, _) = builder(&emulator.url()).start().await.unwrap();
        Self { emulator, messenger }
    }

    async fn send(&self, messages: impl IntoIterator<Item = usize>) -> Vec<Message> {
        self.send_with(messages, |sms| sms).await
    }

    /// Sends messages at once, so that one request contains them all, and returns them in their final states.
    async fn send_with(
        &self,
        messages: impl IntoIterator<Item = usize>,
        options: impl Fn(Sms) -> Sms,
    ) -> Vec<Message> {
        let mut sending = Vec::new();
        for message in messages {
            let (messenger, sms) = (self.messenger.clone(), options(sms(&number(message), &text(message))));
            sending.push(tokio::spawn(async move { messenger.send(sms).await.unwrap() }));
        }
        let mut ends = Vec::new();
        for sent in sending {
            ends.push(end(sent.await.unwrap()).await);
        }
        ends
    }

    /// Sends all messages. Asserts that the `bad` one, if any, is refused with this code, and that all others are sent once.
    async fn all_but(&self, bad: Option<usize>, code: u32) {
        for (message, end) in self.send(0..MESSAGES).await.into_iter().enumerate() {
            if Some(message) == bad {
                let refused = (State::Failed, Some(MessageFailure::Refused(code)));
                assert_eq!((end.state, end.failure), refused, "{message}");
            } else {
                assert_eq!(end.state, State::Delivered, "{message}");
            }
        }
        self.were_sent((0..MESSAGES).filter(|message| Some(*message) != bad));
    }

    /// Asserts that the gateway has accepted exactly these messages, each once.
    fn were_sent(&self, messages: impl IntoIterator<Item = usize>) {
        let seen = self.emulator.messages();
        let mut seen: Vec<_> = seen.into_iter().map(|message| (message.number, message.text)).collect();
        seen.sort();
        let expected: Vec<_> = messages.into_iter().map(|message| (number(message), text(message))).collect();
        assert_eq!(seen, expected);
    }

    /// Returns the recipient count of each submission with this HTTP status and error code.
    fn submissions(&self, status: u16, code: Option<u16>) -> Vec<usize> {
        let is_it = |seen: &RequestSeen| {
            seen.uri == "/api/send_sms" && seen.status == Some(status) && seen.error_code == code
        };
        let requests = self.emulator.requests().into_iter().filter(is_it);
        requests.map(|seen| seen.body.matches("\"number\":").count()).collect()
    }

    /// Sends a message, which shows that the gateway returns user_ids, and then turns on the quirks.
    async fn known(quirks: &str) -> Self {
        let world = Self::new("none").await;
        assert_eq!(world.send([0]).await[0].state, State::Delivered);
        world.emulator.set_quirks(quirks.parse().unwrap());
        world
    }

    /// Sends the other messages, and asserts that each is sent once.
    async fn others(&self) {
        let ends = self.send(1..MESSAGES).await;
        assert!(ends.iter().all(|end| end.state == State::Delivered), "{ends:?}");
        self.were_sent(0..MESSAGES);
    }
}

#[tokio::test]
async fn one_bad_number_fails_alone() {
    let world = World::new(&format!("bad-number={}", number(BAD))).await;
    world.all_but(Some(BAD), 400).await;
    assert_eq!(world.submissions(200, Some(400)), [8, 4, 2, 1]);
}

#[tokio::test]
async fn one_bad_text_fails_alone() {
    let world = World::new(&format!("bad-text=Text {BAD}.")).await;
    world.all_but(Some(BAD), 400).await;
    assert_eq!(world.submissions(400, None), [8, 4, 2, 1]);
}

#[tokio::test]
async fn the_number_of_recipients_is_learned() {
    let world = World::new("max-recipients=4").await;
    world.all_but(None, 0).await;
    assert_eq!((world.submissions(200, Some(413)), world.submissions(200, Some(202))), (vec![8], vec![4, 4]));
    let ends = world.send(MESSAGES..2 * MESSAGES).await;
    assert!(ends.iter().all(|end| end.state == State::Delivered), "{ends:?}");
    world.were_sent(0..2 * MESSAGES);
    assert_eq!(world.submissions(200, Some(413)), [8]);
}

#[tokio::test]
async fn the_size_of_a_request_is_learned() {
    let world = World::new("max-kilobytes=1").await;
    world.all_but(None, 0).await;
    assert_eq!((world.submissions(413, None), world.submissions(200, Some(202))), (vec![8], vec![4, 4]));
    let ends = world.send(MESSAGES..2 * MESSAGES).await;
    assert!(ends.iter().all(|end| end.state == State::Delivered), "{ends:?}");
    world.were_sent(0..2 * MESSAGES);
    assert_eq!(world.submissions(413, None), [8]);
}

#[tokio::test]
async fn messages_wait_for_a_port() {
    let world = World::new("first-550=5").await;
    world.all_but(None, 0).await;
    assert_eq!(world.submissions(200, Some(550)), [8; 5]);
    assert_eq!(world.submissions(200, Some(202)), [8]);
}

#[tokio::test]
async fn messages_wait_for_a_port_and_are_then_divided() {
    let bad = number(BAD);
    let world = World::new(&format!("first-550=2,max-recipients=4,bad-number={bad}")).await;
    world.all_but(Some(BAD), 400).await;
    assert_eq!((world.submissions(200, Some(550)), world.submissions(200, Some(413))), (vec![8; 2], vec![8]));
    assert_eq!(world.submissions(200, Some(400)), [4, 2, 1]);
}

#[tokio::test]
async fn an_error_that_passes_leaves_no_message_behind() {
    for (quirks, status, code) in [("first-500=3", 200, Some(500)), ("first-http-500=3", 500, None)] {
        let world = World::known(quirks).await;
        world.others().await;
        assert_eq!(world.submissions(status, code), [7, 4, 3], "{quirks}");
    }
}

/// A gateway that also leaves queries unanswered may be restarting. It may have forgotten the messages that it accepted.
#[tokio::test]
async fn after_an_outage_only_messages_that_may_be_sent_twice_are_sent_again() {
    let world = World::known("first-http-503=1").await;
    world.others().await;
    let world = World::known("first-http-503=6").await;
    let ends = world.send(1..MESSAGES).await;
    assert!(ends.iter().all(|end| end.state == State::Unresolved), "{ends:?}");
    world.were_sent([0]);
    world.emulator.set_quirks("first-http-503=6".parse().unwrap());
    let ends = world.send_with(1..MESSAGES, |sms| sms.resend(true)).await;
    assert!(ends.iter().all(|end| end.state == State::Delivered), "{ends:?}");
    world.were_sent(0..MESSAGES);
    assert_eq!(world.submissions(503, None), [7, 7]);
    let failed = world.emulator.requests().iter().filter(|seen| seen.status == Some(503)).count();
    assert_eq!(failed, 12);
}

/// As long as the gateway has not returned a user_id, a missing result proves nothing.
#[tokio::test]
async fn without_a_proof_that_nothing_was_accepted_no_message_is_sent_again() {
    for quirks in ["first-500=1", "first-http-500=1"] {
        let world = World::new(quirks).await;
        let ends = world.send(0..MESSAGES).await;
        assert!(ends.iter().all(|end| end.state == State::Unresolved), "{quirks}: {ends:?}");
        world.were_sent([]);
    }
}

#[tokio::test]
async fn without_a_port_messages_expire() {
    let quirks = "first-550=1000000".parse().unwrap();
    let emulator = Emulator::start(Options { quirks, ..options() }).await.unwrap();
    let timing = Timing { expire: Duration::from_millis(200), ..timing() };
    let (messenger, _) = builder(&emulator.url()).timing(timing).start().await.unwrap();
    let world = World { emulator, messenger };
    let ends = world.send(0..MESSAGES).await;
    assert!(ends.iter().all(|end| end.state == State::Expired), "{ends:?}");
    world.were_sent([]);
}
