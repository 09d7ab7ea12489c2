//! A common interface for both adapters.

mod embassy;
mod embassy_messenger;
mod std;
mod std_messenger;

use ::std::time::Duration;

use sms_gateway::core::{
    Number, Ports, TaskId, UserId,
    call::{CommaEncoding, RawCall, Recipient},
    client::{Cause, Failure, Wait},
    text::Encoding,
};

pub use embassy::Embassy;
pub use embassy_messenger::EmbassyMessenger;
pub use std::Std;
pub use std_messenger::StdMessenger;

use crate::{harness::Log, stream::Target};

/// The adapter under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    Std,
    Embassy,
}

impl Adapter {
    pub const ALL: [Self; 2] = [Self::Std, Self::Embassy];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Std => "std",
            Self::Embassy => "embassy",
        }
    }
}

/// One of the nine calls, with fixed arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiCall {
    SendSms,
    Results,
    Reports,
    Queue,
    Incoming,
    SendUssd,
    UssdReply,
    StopSms,
    PortInfo,
    /// A query for unread incoming messages. The gateway marks them as read, so the call is not repeatable.
    Unread,
}

impl ApiCall {
    /// The nine calls.
    pub const ALL: [Self; 9] = [
        Self::SendSms,
        Self::Results,
        Self::Reports,
        Self::Queue,
        Self::Incoming,
        Self::SendUssd,
        Self::UssdReply,
        Self::StopSms,
        Self::PortInfo,
    ];
}

/// The arguments of the calls.
pub fn ports() -> Ports {
    "2,3".parse().unwrap()
}

pub fn task() -> TaskId {
    TaskId::new(2)
}

pub fn user_id() -> UserId {
    UserId::new(7).unwrap()
}

pub fn recipient() -> Recipient<'static> {
    Recipient::new(Number::new("10086").unwrap()).user_id(user_id())
}

/// Makes the call with any of the gateways.
macro_rules! with_request {
    ($call:expr, $request:ident => $made:expr) => {{
        use sms_gateway::core::call::{
            Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue,
            QuerySmsResult, QueryUssdReply, SendSms, SendUssd, StopSms,
        };
        use $crate::subject::{ApiCall, ports, recipient, task, user_id};
        match $call {
            ApiCall::SendSms => {
                let recipients = [recipient()];
                let $request = &SendSms::new("Grüße", &recipients).unwrap().ports(ports());
                $made
            }
            ApiCall::Results => {
                let ids = [user_id()];
                let $request = &QuerySmsResult::new().user_ids(&ids).ports(ports());
                $made
            }
            ApiCall::Reports => {
                let $request = &QuerySmsDeliverStatus::new().ports(ports());
                $made
            }
            ApiCall::Queue => {
                let $request = &QuerySmsInQueue;
                $made
            }
            ApiCall::Incoming => {
                let $request = &QueryIncomingSms::new(Flag::All).after(6).ports(ports());
                $made
            }
            ApiCall::Unread => {
                let $request = &QueryIncomingSms::new(Flag::Unread);
                $made
            }
            ApiCall::SendUssd => {
                let $request = &SendUssd::send(ports(), "*125#").unwrap();
                $made
            }
            ApiCall::UssdReply => {
                let $request = &QueryUssdReply::new(ports()).unwrap();
                $made
            }
            ApiCall::StopSms => {
                let $request = &StopSms::new(task());
                $made
            }
            ApiCall::PortInfo => {
                let $request = &GetPortInfo::new(InfoSet::DOCUMENTED).unwrap().ports(ports());
                $made
            }
        }
    }};
}
pub(crate) use with_request;

/// The settings of a gateway.
#[derive(Clone, Copy)]
pub struct GatewaySetup {
    pub password: Option<&'static str>,
    pub is_basic_allowed: bool,
    pub commas: CommaEncoding,
    pub connect: Duration,
    pub response: Duration,
    pub idle: Duration,
}

impl Default for GatewaySetup {
    fn default() -> Self {
        Self {
            password: Some("admin"),
            is_basic_allowed: false,
            commas: CommaEncoding::Encoded,
            connect: Duration::from_secs(10),
            response: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        }
    }
}

/// A message to be sent, with its settings.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    pub number: &'a str,
    pub text: &'a str,
    pub may_resend: bool,
    pub has_report: bool,
    pub encoding: Encoding,
    pub ports: Ports,
    pub is_urgent: bool,
    pub valid_for: Option<Duration>,
}

impl<'a> Draft<'a> {
    pub const fn new(number: &'a str, text: &'a str) -> Self {
        Self {
            number,
            text,
            may_resend: false,
            has_report: true,
            encoding: Encoding::Auto,
            ports: Ports::NONE,
            is_urgent: false,
            valid_for: None,
        }
    }
}

/// A messenger's assumption about other programs that send through its gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// There are no other programs.
    Exclusive,
    /// There may be other programs, and reports are assigned by the default rule.
    Quick,
    /// There may be other programs, and a report is assigned only if it cannot belong to another message.
    Strict,
}

/// The settings of a messenger.
#[derive(Clone, Copy)]
pub struct MessengerSetup {
    pub incoming: bool,
    /// Whether incoming messages are acknowledged only after [`MessengerSubject::release`].
    pub holds: bool,
    pub matching: Matching,
    /// The maximum number of messages that the messenger can follow.
    pub capacity: usize,
}

impl MessengerSetup {
    pub const SENDER: Self =
        Self { incoming: false, holds: false, matching: Matching::Exclusive, capacity: 16 };
    pub const INBOX: Self = Self { incoming: true, ..Self::SENDER };
}

/// The outcome of a call, in words that both adapters share.
pub struct Outcome(pub String);

/// The gateway of one of the adapters.
pub enum GatewaySubject {
    Std(Std),
    Embassy(Box<Embassy>),
}

impl GatewaySubject {
    pub fn new(adapter: Adapter, target: &Target, setup: &GatewaySetup) -> Self {
        match adapter {
            Adapter::Std => Self::Std(Std::new(target, setup)),
            Adapter::Embassy => Self::Embassy(Box::new(Embassy::new(target, setup))),
        }
    }

    /// Makes a call and reads up to this number of records. A response that is not read to its end is dropped.
    pub async fn call(&mut self, call: ApiCall, records: usize) -> Outcome {
        match self {
            Self::Std(gateway) => gateway.call(call, records).await,
            Self::Embassy(gateway) => gateway.call(call, records).await,
        }
    }

    /// Makes a call without records, and returns its failure with the excerpt of the response.
    pub async fn explain(&mut self, call: ApiCall) -> Outcome {
        match self {
            Self::Std(gateway) => gateway.explain(call).await,
            Self::Embassy(gateway) => gateway.explain(call).await,
        }
    }

    /// Makes a raw call and reads up to this number of pieces of its body. A response that is not read to its end is dropped.
    pub async fn raw(&mut self, call: &RawCall<'_>, pieces: usize) -> Outcome {
        match self {
            Self::Std(gateway) => gateway.raw(call, pieces).await,
            Self::Embassy(gateway) => gateway.raw(call, pieces).await,
        }
    }

    pub async fn ussd(&mut self, port: u8, code: &str) -> Outcome {
        match self {
            Self::Std(gateway) => gateway.ussd(port, code).await,
            Self::Embassy(gateway) => gateway.ussd(port, code).await,
        }
    }

    pub fn set_password(&mut self, password: &'static str) {
        match self {
            Self::Std(gateway) => gateway.set_password(password),
            Self::Embassy(gateway) => gateway.set_password(password),
        }
    }

    pub async fn messenger(self, store: Stores, setup: &MessengerSetup, log: &Log) -> MessengerSubject {
        match self {
            Self::Std(gateway) => {
                MessengerSubject::Std(StdMessenger::start(gateway, store.std, setup, log.clone()).await)
            }
            Self::Embassy(gateway) => {
                let messenger = EmbassyMessenger::start(*gateway, store.embassy, setup, log.clone()).await;
                MessengerSubject::Embassy(Box::new(messenger))
            }
        }
    }
}

/// A store for each adapter, which outlives messengers.
#[derive(Clone)]
pub struct Stores {
    pub std: sms_gateway::store::MemoryStore,
    pub embassy: crate::disk::Disk,
}

impl Stores {
    /// Returns stores without messages. With them, user_ids begin at 4096.
    pub fn new() -> Self {
        Self { std: std_messenger::store(), embassy: crate::disk::Disk::default() }
    }
}

/// The messenger of one of the adapters.
pub enum MessengerSubject {
    Std(StdMessenger),
    Embassy(Box<EmbassyMessenger>),
}

impl MessengerSubject {
    /// Sends a message. Messages are numbered from 0, in the order of sending.
    pub async fn send(&mut self, number: &str, text: &str) {
        self.send_all(&[Draft::new(number, text)]).await;
    }

    /// Sends messages all at once.
    pub async fn send_all(&mut self, drafts: &[Draft<'_>]) {
        match self {
            Self::Std(messenger) => messenger.send(drafts).await,
            Self::Embassy(messenger) => messenger.send(drafts).await,
        }
    }

    /// Runs the messenger for this time.
    pub async fn run(&mut self, time: Duration) {
        match self {
            Self::Std(messenger) => messenger.run(time).await,
            Self::Embassy(messenger) => messenger.run(time).await,
        }
    }

    /// Stops a message by its number.
    pub async fn stop(&mut self, number: usize) {
        match self {
            Self::Std(messenger) => messenger.stop(number).await,
            Self::Embassy(messenger) => messenger.stop(number).await,
        }
    }

    /// Stops a message by its number, and with it all messages of the same task.
    pub async fn stop_task(&mut self, number: usize) {
        match self {
            Self::Std(messenger) => messenger.stop_task(number).await,
            Self::Embassy(messenger) => messenger.stop_task(number).await,
        }
    }

    /// Acknowledges the incoming messages that are held, and from now on each one that arrives.
    pub async fn release(&mut self) {
        match self {
            Self::Std(messenger) => messenger.release().await,
            Self::Embassy(messenger) => messenger.release(),
        }
    }

    /// Returns the gateway's serial number, or an empty text if it is not known.
    pub fn serial_number(&self) -> String {
        match self {
            Self::Std(messenger) => messenger.serial_number(),
            Self::Embassy(messenger) => messenger.serial_number(),
        }
    }

    pub fn set_password(&mut self, password: &'static str) {
        match self {
            Self::Std(messenger) => messenger.set_password(password),
            Self::Embassy(messenger) => messenger.set_password(password),
        }
    }

    /// Shuts the messenger down.
    pub async fn shut_down(self) {
        match self {
            Self::Std(messenger) => messenger.shut_down().await,
            Self::Embassy(messenger) => messenger.shut_down().await,
        }
    }
}

/// Returns the end of a line about an incoming message.
fn through(imsi: &str) -> String {
    if imsi.is_empty() { String::new() } else { format!(", through the SIM card {imsi}") }
}

/// Describes a failure in words, without the errors of the adapters' connections.
pub fn failure(failure: &Failure) -> String {
    let doubt = if failure.may_have_arrived() { ", may have arrived" } else { "" };
    format!("{}{doubt}", kind(failure))
}

fn kind(failure: &Failure) -> String {
    match failure {
        Failure::Unreachable(cause) => format!("unreachable{}", cause_kind(cause)),
        Failure::Lost(cause) => format!("lost{}", cause_kind(cause)),
        Failure::ChallengeLost(cause) => format!("no challenge: lost{}", cause_kind(cause)),
        Failure::Busy { .. } => "no turn in time".to_owned(),
        Failure::LoginRefused => "login refused".to_owned(),
        Failure::NoCredentials => "no credentials".to_owned(),
        Failure::BasicNotAllowed => "Basic not allowed".to_owned(),
        Failure::Challenge(error) => format!("challenge: {error}"),
        Failure::Http { status, request_sent: true } => format!("HTTP {status}"),
        Failure::Http { status, request_sent: false } => format!("no challenge: HTTP {status}"),
        Failure::Malformed(error) => format!("malformed: {error}"),
        Failure::Refused(refusal) => format!("refused: {:?}", refusal.code),
        Failure::TooSmall { buffer, needed } => format!("{buffer:?} too small: {needed}"),
        Failure::Ended => "ended".to_owned(),
        other => format!("other: {other}"),
    }
}

const fn cause_kind(cause: &Cause) -> &'static str {
    match cause {
        Cause::TimedOut { wait: Wait::Connect, .. } => ": connecting timed out",
        Cause::TimedOut { wait: Wait::Response, .. } => ": no response in time",
        Cause::TimedOut { wait: Wait::Body, .. } => ": the response stopped",
        Cause::TimedOut { wait: Wait::Exchange, .. } => ": the call took too long",
        _ => "",
    }
}
