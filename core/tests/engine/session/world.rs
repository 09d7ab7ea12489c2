//! A session, its adapter, and the true fate of each request.

use std::{collections::HashSet, time::Duration};

use sms_gateway_core::{
    Number, TooSmall, UserId,
    call::{AnyCall, Call, CommaEncoding, QuerySmsResult, Recipient, SendSms},
    client::{Broken, Failure, Loss, Next, Read, ResponseHead, Session, Site},
    http::Credentials,
};

use super::event::{Body, Event, Head, Offer};

/// The conditions of a sequence of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Whether the call is a query; otherwise it sends a message.
    pub(crate) is_repeatable: bool,
    pub(crate) has_credentials: bool,
    /// The duration of each exchange.
    pub(crate) exchange_time: Duration,
}

/// The event that the session is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The head of a response, or a broken connection.
    Head,
    /// The body of a response.
    Body,
    /// The next call, after the last one ended with this result.
    Ended(Result<(), Failure>),
}

/// The true fate of a written request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The gateway has not done what was requested.
    NotAccepted,
    /// The gateway may have done what was requested.
    Unknown,
}

/// A request in flight.
#[derive(Clone, Debug)]
struct Outgoing {
    is_probe: bool,
    /// The nonce and its count.
    nonce: Option<(String, u32)>,
}

pub(crate) struct World {
    setting: Setting,
    session: Session<[u8; 512]>,
    now: Duration,
    entropy: u64,
    /// Number of the last nonce that was offered.
    offered: u32,
    /// All pairs of nonce and count that were sent.
    used: HashSet<(String, u32)>,
    outgoing: Option<Outgoing>,
    /// The fates of the current call's requests.
    fates: Vec<Fate>,
    /// Number of exchanges of the current call.
    pub(crate) exchanges: usize,
    pub(crate) phase: Phase,
}

/// Maximum number of exchanges of a query, and of a call that changes something.
const MAX_EXCHANGES_OF_A_QUERY: usize = 24;
const MAX_EXCHANGES: usize = 12;

const CREDENTIALS: Credentials<'static> = Credentials::new("admin", "secret");

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            session: Session::new([0; 512], [0; 512]),
            now: Duration::from_secs(1),
            entropy: 0,
            offered: 0,
            used: HashSet::new(),
            outgoing: None,
            fates: Vec::new(),
            exchanges: 0,
            phase: Phase::Ended(Ok(())),
        }
    }

    /// Begins a call.
    pub(crate) fn begin(&mut self) {
        self.fates.clear();
        self.exchanges = 0;
        with_call(self.setting.is_repeatable, |call| {
            if self.setting.is_repeatable {
                self.session.begin(QuerySmsResult::SPEC, true);
            } else {
                self.session.begin(SendSms::SPEC, false);
            }
            self.write(call);
        });
    }

    fn credentials(&self) -> Option<Credentials<'static>> {
        self.setting.has_credentials.then_some(CREDENTIALS)
    }

    /// Writes the next request.
    fn write(&mut self, call: AnyCall<'_>) {
        let site = Site { host: "box", commas: CommaEncoding::default(), credentials: self.credentials() };
        let (mut scratch, mut out) = ([0; 1024], [0; 1024]);
        match self.session.write(call, &site, self.now, &mut scratch, &mut out) {
            Ok(length) => {
                self.outgoing = Some(read_request(&out[..length]));
                self.sending();
            }
            Err(failure) => self.end(Err(failure)),
        }
    }

    /// Notes that the request is sent, perhaps again.
    fn sending(&mut self) {
        self.exchanges += 1;
        let most = if self.setting.is_repeatable { MAX_EXCHANGES_OF_A_QUERY } else { MAX_EXCHANGES };
        assert!(self.exchanges <= most, "a call takes more than {most} exchanges");
        self.phase = Phase::Head;
        let is_probe = self.outgoing.as_ref().is_some_and(|outgoing| outgoing.is_probe);
        if !is_probe && !self.setting.is_repeatable {
            assert!(!self.fates.contains(&Fate::Unknown), "a request that may have arrived is written again");
        }
    }

    /// Reports an event, which must fit the phase.
    pub(crate) fn play(&mut self, event: Event) {
        match event {
            Event::Broken(broken) => self.lose(broken),
            Event::Head(head) => self.respond(head),
            Event::Body(body) => self.read(body),
        }
    }

    /// Notes that at least part of the request was written, and its fate.
    fn written(&mut self, fate: Fate) {
        let Some(outgoing) = self.outgoing.clone() else { panic!("no request is in flight") };
        if let Some(nonce) = outgoing.nonce {
            assert!(self.used.insert(nonce.clone()), "a nonce count is used twice: {nonce:?}");
        }
        if !outgoing.is_probe {
            self.fates.push(fate);
        }
    }

    fn lose(&mut self, broken: Broken) {
        if !matches!(broken.loss, Loss::Unsent { .. }) {
            self.written(Fate::Unknown);
        }
        self.now += self.setting.exchange_time;
        let next = self.session.lost(broken);
        self.continue_with(next);
    }

    fn respond(&mut self, head: Head) {
        let (status, fate) = match head {
            Head::Ok => (200, Fate::Unknown),
            Head::Unauthorized(_) => (401, Fate::NotAccepted),
            Head::Redirect => (302, Fate::NotAccepted),
            Head::Status(status @ 500..) => (status, Fate::Unknown),
            Head::Status(status) => (status, Fate::NotAccepted),
        };
        self.written(fate);
        self.now += self.setting.exchange_time;
        let challenge = match head {
            Head::Unauthorized(offer) => self.challenge(offer),
            _ => Ok(None),
        };
        let challenges = challenge.as_ref().map(|text| text.as_deref().into_iter()).map_err(|error| *error);
        self.entropy += 1;
        let (entropy, credentials) = (self.entropy, self.credentials());
        let head = ResponseHead { status, has_location: head == Head::Redirect };
        let next = self.session.responded(head, challenges, credentials.as_ref(), || entropy, self.now);
        self.continue_with(next);
    }

    fn challenge(&mut self, offer: Offer) -> Result<Option<String>, TooSmall> {
        self.offered += u32::from(matches!(offer, Offer::FreshNonce | Offer::Stale));
        let digest = format!(r#"Digest realm="box", nonce="n{}", qop="auth""#, self.offered);
        match offer {
            Offer::FreshNonce | Offer::SameNonce => Ok(Some(digest)),
            Offer::Stale => Ok(Some(digest + ", stale=true")),
            Offer::BasicOnly => Ok(Some(r#"Basic realm="box""#.to_owned())),
            Offer::Unreadable => Ok(Some(r#"Digest realm="box"#.to_owned())),
            Offer::TooLong => Err(TooSmall { needed: 9000 }),
        }
    }

    fn continue_with(&mut self, next: Result<Next, Failure>) {
        match next {
            Ok(Next::Read) => self.phase = Phase::Body,
            Ok(Next::Send) => with_call(self.setting.is_repeatable, |call| self.write(call)),
            Ok(Next::Resend) => self.sending(),
            Err(failure) => self.end(Err(failure)),
        }
    }

    fn read(&mut self, body: Body) {
        let success = if self.setting.is_repeatable { 200 } else { 202 };
        let text = match body {
            Body::Refused => r#"{"error_code":500}"#.to_owned(),
            Body::WithoutCode => r#"{"sn":"1"}"#.to_owned(),
            Body::Malformed => "<html>".to_owned(),
            Body::Cut => format!(r#"{{"error_code":{success}"#),
            Body::Complete | Body::TooLarge | Body::Lost(_) => format!(r#"{{"error_code":{success}}}"#),
        };
        if body == Body::Refused {
            // The last request is the refused one.
            self.fates.pop();
            self.fates.push(Fate::NotAccepted);
        }
        if body == Body::TooLarge {
            self.session.limit_bytes(10);
        }
        let mut input = text.as_bytes();
        if matches!(body, Body::Lost(_)) {
            input = &input[..4];
        }
        self.end_reading(body, input);
    }

    fn end_reading(&mut self, body: Body, mut input: &[u8]) {
        loop {
            match self.session.read(&mut input) {
                Ok(Read::Record) => panic!("a response without records has one"),
                Ok(Read::Drain) => self.session.body_ended().expect("the document is complete"),
                Ok(Read::End) => return self.end(Ok(())),
                Ok(Read::More) => {
                    let failure = match body {
                        Body::Lost(cause) => self.session.body_lost(cause),
                        _ => self.session.body_ended().expect_err("the document is incomplete"),
                    };
                    return self.end(Err(failure));
                }
                Err(failure) => return self.end(Err(failure)),
            }
        }
    }

    /// Checks the end of a call.
    fn end(&mut self, end: Result<(), Failure>) {
        self.outgoing = None;
        self.phase = Phase::Ended(end);
        let Err(failure) = end else { return };
        let may_have_arrived = self.fates.contains(&Fate::Unknown);
        // A query may be sent again, so an earlier request that was lost does not matter.
        if !self.setting.is_repeatable {
            assert_eq!(failure.may_have_arrived(), may_have_arrived, "{failure:?} after {:?}", self.fates);
        }
    }

    /// Checks that nothing is sent until the login is reset, and resets it.
    pub(crate) fn check_refused_login(&mut self) {
        for _ in 0..2 {
            self.begin();
            assert_eq!(self.phase, Phase::Ended(Err(Failure::LoginRefused)));
            assert_eq!(self.exchanges, 0, "a request is sent after a refused login");
        }
        self.reset_login();
    }

    /// Resets the login, as after a change of the credentials. Nonce counts then start over.
    pub(crate) fn reset_login(&mut self) {
        self.session.reset_login();
        self.used.clear();
    }
}

/// Passes a query or a send_sms to a function.
fn with_call<T>(is_repeatable: bool, give: impl FnOnce(AnyCall<'_>) -> T) -> T {
    let number = Number::new("10086").expect("a number");
    let recipients = [Recipient::new(number).user_id(UserId::new(7).expect("an id"))];
    let message = SendSms::new("Hello", &recipients).expect("a message");
    if is_repeatable { give((&QuerySmsResult::new()).into()) } else { give((&message).into()) }
}

/// Parses the parts of a request that the checks need.
fn read_request(bytes: &[u8]) -> Outgoing {
    let text = std::str::from_utf8(bytes).expect("text");
    let value = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        Some(&rest[..rest.find(['"', ',', '\r'])?])
    };
    let nonce = value(" nonce=\"").zip(value(" nc="));
    Outgoing {
        is_probe: text.starts_with("GET /api/query_sms_in_queue "),
        nonce: nonce
            .map(|(nonce, count)| (nonce.to_owned(), u32::from_str_radix(count, 16).expect("a count"))),
    }
}
