//! The gateway of adapter-embassy.

use std::io;

use sms_gateway::core::{
    Port,
    call::{Call, RawCall},
};
use sms_gateway_embassy::{Error, Failure, Gateway, Memory, Timeouts, Ussd, UssdWait};

use super::{ApiCall, GatewaySetup, Outcome, with_request};
use crate::stream::{PeerTransport, Target};

pub struct Embassy {
    pub gateway: Gateway<'static, PeerTransport>,
}

impl Embassy {
    pub fn new(target: &Target, setup: &GatewaySetup) -> Self {
        let memory: &'static mut Memory = Box::leak(Box::new(Memory::new()));
        let mut count = 0;
        let entropy = Box::leak(Box::new(move || {
            count += 1;
            count
        }));
        let timeouts = Timeouts::new().connect(setup.connect).response(setup.response).idle(setup.idle);
        let mut gateway = Gateway::new(PeerTransport::new(target.clone()), "box", memory.buffers(), entropy)
            .allow_basic(setup.is_basic_allowed)
            .commas(setup.commas)
            .timeouts(timeouts);
        if let Some(password) = setup.password {
            gateway = gateway.credentials("admin", password);
        }
        Self { gateway }
    }

    pub async fn call(&mut self, call: ApiCall, records: usize) -> Outcome {
        with_request!(call, request => read(&mut self.gateway, request, records).await)
    }

    pub async fn explain(&mut self, call: ApiCall) -> Outcome {
        let outcome = with_request!(call, request => match self.gateway.ask(request).await {
            Ok(mut response) => response.finish().await.map(|_| ()),
            Err(error) => Err(error),
        });
        let excerpt = self.gateway.excerpt();
        let text = if excerpt.is_empty() { String::new() } else { format!(": {:?}", excerpt.to_string()) };
        Outcome(match outcome {
            Ok(()) => format!("ok{text}"),
            Err(error) => format!("{}{text}", failure(&error)),
        })
    }

    pub async fn raw(&mut self, call: &RawCall<'_>, pieces: usize) -> Outcome {
        let mut response = match self.gateway.raw(call).await {
            Ok(response) => response,
            Err(error) => return Outcome(failure(&error)),
        };
        let (status, location) = (response.status(), response.location().unwrap_or_default().to_owned());
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

    pub async fn ussd(&mut self, port: u8, code: &str) -> Outcome {
        let mut reply = [0; 512];
        let outcome =
            self.gateway.ussd(Port::new(port).unwrap(), code, UssdWait::default(), &mut reply).await;
        Outcome(match outcome {
            Ok(Ussd::Reply(text)) => format!("reply {text:?}"),
            Ok(Ussd::Unchanged(text)) => format!("unchanged {text:?}"),
            Ok(Ussd::NoReply) => "no reply".to_owned(),
            Ok(Ussd::NotSent(outcome)) => format!("not sent: {}", outcome.code()),
            Ok(Ussd::Untold) => "not told".to_owned(),
            Err(error) => failure(&error),
        })
    }

    pub fn set_password(&mut self, password: &'static str) {
        self.gateway.set_credentials("admin", password);
    }
}

async fn read<C: Call>(gateway: &mut Gateway<'static, PeerTransport>, request: &C, records: usize) -> Outcome
where
    for<'a> C::Record<'a>: serde::Serialize,
    for<'a> C::Summary<'a>: serde::Serialize,
{
    let mut lines = Vec::new();
    let mut response = match gateway.ask(request).await {
        Ok(response) => response,
        Err(Error { failure: Failure::Redirect, .. }) => {
            return Outcome(format!("redirect to {}", gateway.location().unwrap_or("nowhere")));
        }
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
pub fn failure(error: &Error<io::Error>) -> String {
    super::failure(&error.failure)
}
