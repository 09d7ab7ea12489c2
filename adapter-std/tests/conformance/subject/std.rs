//! The gateway of adapter-std.

use sms_gateway::{
    Error, Gateway, Timeouts, Ussd, UssdWait,
    core::{
        Port,
        call::{Call, RawCall},
    },
};

use super::{ApiCall, GatewaySetup, Outcome, with_request};
use crate::stream::{Stream, Target};

pub struct Std {
    pub gateway: Gateway,
}

impl Std {
    pub fn new(target: &Target, setup: &GatewaySetup) -> Self {
        let builder = match target.clone() {
            Target::Tcp(address) => Gateway::builder(&format!("http://{address}")),
            Target::Peer(peer) => Gateway::builder("http://box").connector(move |address| {
                assert_eq!(address, "box:80");
                Stream::open(peer.clone())
            }),
        };
        let timeouts = Timeouts::new().connect(setup.connect).response(setup.response).idle(setup.idle);
        let mut builder = builder.allow_basic(setup.is_basic_allowed).commas(setup.commas).timeouts(timeouts);
        if let Some(password) = setup.password {
            builder = builder.credentials("admin", password);
        }
        Self { gateway: builder.build().unwrap() }
    }

    pub async fn call(&self, call: ApiCall, records: usize) -> Outcome {
        with_request!(call, request => read(&self.gateway, request, records).await)
    }

    pub async fn explain(&self, call: ApiCall) -> Outcome {
        let explain = |error: &Error| match error.excerpt() {
            Some(text) => format!("{}: {text:?}", failure(error)),
            None => failure(error),
        };
        with_request!(call, request => {
            let outcome = match self.gateway.ask(request).await {
                Ok(mut response) => response.finish().await.map(|_| ()),
                Err(error) => Err(error),
            };
            Outcome(outcome.map_or_else(|error| explain(&error), |()| "ok".to_owned()))
        })
    }

    pub async fn raw(&self, call: &RawCall<'_>, pieces: usize) -> Outcome {
        let mut response = match self.gateway.raw(call).await {
            Ok(response) => response,
            Err(error) => return Outcome(failure(&error)),
        };
        let (status, location) =
            (response.status(), response.header("location").unwrap_or_default().to_owned());
        let (mut body, mut end) = (Vec::new(), "not read to its end".to_owned());
        for _ in 0..pieces {
            match response.next().await {
                Ok(Some(piece)) => body.extend_from_slice(piece),
                Ok(None) => {
                    "the end".clone_into(&mut end);
                    break;
                }
                Err(error) => {
                    end = failure(&error);
                    break;
                }
            }
        }
        Outcome(format!("{status} {location}\n{:?}, {end}", String::from_utf8_lossy(&body)))
    }

    pub async fn ussd(&self, port: u8, code: &str) -> Outcome {
        let port = Port::new(port).unwrap();
        Outcome(match self.gateway.ussd(port.into(), code, UssdWait::default()).await {
            Ok(outcomes) => ussd(&outcomes[&port]),
            Err(error) => {
                let known = error.outcomes.get(&port).map(ussd);
                format!("{}; {}", failure(&error.error), known.unwrap_or_default())
            }
        })
    }

    pub fn set_password(&self, password: &str) {
        self.gateway.set_credentials("admin", password);
    }
}

fn ussd(outcome: &Ussd) -> String {
    match outcome {
        Ussd::Reply(text) => format!("reply {text:?}"),
        Ussd::Unchanged(text) => format!("unchanged {text:?}"),
        Ussd::NoReply => "no reply".to_owned(),
        Ussd::NotSent(outcome) => format!("not sent: {}", outcome.code()),
        Ussd::Untold => "not told".to_owned(),
    }
}

async fn read<C: Call>(gateway: &Gateway, request: &C, records: usize) -> Outcome
where
    for<'a> C::Record<'a>: serde::Serialize,
    for<'a> C::Summary<'a>: serde::Serialize,
{
    let mut lines = Vec::new();
    let mut response = match gateway.ask(request).await {
        Ok(response) => response,
        Err(error) => return Outcome(failure(&error)),
    };
    for _ in 0..records {
        let record = match response.next().await {
            Ok(record) => record.map(|record| serde_json::to_string(&record).unwrap()),
            Err(error) => {
                lines.push(failure(&error));
                break;
            }
        };
        let is_end = record.is_none();
        lines.push(
            record.unwrap_or_else(|| format!("ok {}", serde_json::to_string(&response.summary()).unwrap())),
        );
        if is_end {
            break;
        }
    }
    Outcome(lines.join("\n"))
}

/// Describes an error in words that both adapters share.
pub fn failure(error: &Error) -> String {
    match error.location() {
        Some(location) => format!("redirect to {location}"),
        None => super::failure(&error.failure),
    }
}
