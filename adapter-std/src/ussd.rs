//! USSD: sending a code and waiting for what the network says to it.

use std::{collections::BTreeMap, fmt, time::Duration};

use sms_gateway_core::{
    Port, Ports,
    call::{SendUssd, UssdOutcome},
    json::Text,
};
use tokio::time::Instant;

use crate::{Error, Gateway};

/// How long a USSD reply is waited for.
#[derive(Clone, Copy, Debug)]
pub struct UssdWait {
    /// Between two questions for the reply; gateways need some seconds.
    pub interval: Duration,
    /// In all.
    pub limit: Duration,
}

impl Default for UssdWait {
    /// Asks every 2 s for 30 s.
    fn default() -> Self {
        Self { interval: Duration::from_secs(2), limit: Duration::from_secs(30) }
    }
}

/// What became of a USSD code on one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ussd {
    /// The network's reply.
    Reply(String),
    /// All the time the port showed this text, which it had shown before the code was sent. It may be the same reply once
    /// more, or the old one still: the gateway does not tell them apart.
    Unchanged(String),
    /// No reply within the limit.
    NoReply,
    /// The port did not send it.
    NotSent(UssdOutcome),
    /// The gateway's answer says nothing of the port.
    Untold,
}

/// A USSD exchange that broke off.
#[derive(Debug)]
pub struct UssdError {
    /// What is known of each port. One that the gateway took the code for, and whose reply is not here, is [`Ussd::NoReply`].
    pub outcomes: BTreeMap<Port, Ussd>,
    /// Why.
    pub error: Error,
}

impl fmt::Display for UssdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for UssdError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Gateway {
    /// Sends a USSD code on ports and waits for the replies. A reply that was there before is not taken for the new one.
    ///
    /// A question for replies that fails is asked again until the limit, unless the login is at fault.
    ///
    /// # Errors
    /// [`UssdError`] with what is known already: [`Error::Invalid`] when the text is empty or longer than 60 bytes or there is no
    /// port, and all that a call can end with.
    pub async fn ussd(
        &self,
        ports: Ports,
        text: &str,
        wait: UssdWait,
    ) -> Result<BTreeMap<Port, Ussd>, UssdError> {
        let mut outcomes = ports.iter().map(|port| (port, Ussd::Untold)).collect();
        match self.exchange_ussd(ports, text, wait, &mut outcomes).await {
            Ok(()) => Ok(outcomes),
            Err(error) => Err(UssdError { outcomes, error }),
        }
    }

    async fn exchange_ussd(
        &self,
        ports: Ports,
        text: &str,
        wait: UssdWait,
        outcomes: &mut BTreeMap<Port, Ussd>,
    ) -> Result<(), Error> {
        let request = SendUssd::send(ports, text)?;
        let before = self.ussd_replies(ports).await?;
        let mut waiting = Ports::NONE;
        let mut answer = self.send_ussd(&request).await?;
        while let Some(status) = answer.next().await? {
            let Some(port) = status.port.get().and_then(|port| Port::try_from(port).ok()) else { continue };
            let Some(outcome) = status.status.get() else { continue };
            if outcome == UssdOutcome::Sent {
                waiting = waiting.with(port);
                outcomes.insert(port, Ussd::NoReply);
            } else {
                outcomes.insert(port, Ussd::NotSent(outcome));
            }
        }
        drop(answer);
        self.await_replies(waiting, before, wait, outcomes).await
    }

    /// Asks for the replies of `waiting` until they are there or the limit is over. `before` is what the ports showed first.
    async fn await_replies(
        &self,
        mut waiting: Ports,
        mut before: BTreeMap<Port, String>,
        wait: UssdWait,
        outcomes: &mut BTreeMap<Port, Ussd>,
    ) -> Result<(), Error> {
        let begin = Instant::now();
        let mut failed = None;
        while !waiting.is_empty() {
            let left = wait.limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(wait.interval.min(left)).await;
            match self.ussd_replies(waiting).await {
                Ok(replies) => {
                    failed = None;
                    waiting = take_replies(waiting, replies, &mut before, outcomes);
                }
                Err(error) if error.may_pass() => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        for port in waiting {
            if let Some(old) = before.remove(&port) {
                outcomes.insert(port, Ussd::Unchanged(old));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// The replies that ports show, but for blank ones: those that wait for theirs show none or a space.
    async fn ussd_replies(&self, ports: Ports) -> Result<BTreeMap<Port, String>, Error> {
        let mut replies = BTreeMap::new();
        let mut answer = self.query_ussd_reply(ports).await?;
        while let Some(reply) = answer.next().await? {
            if let Text::TooLong { needed } = reply.text {
                return Err(Error::TooLong { needed });
            }
            if let Some(port) = reply.port.get().and_then(|port| Port::try_from(port).ok())
                && !reply.text.as_str().trim().is_empty()
            {
                replies.insert(port, reply.text.as_str().to_owned());
            }
        }
        Ok(replies)
    }
}

/// Notes the new ones of these replies, and gives the ports that still wait.
fn take_replies(
    waiting: Ports,
    mut replies: BTreeMap<Port, String>,
    before: &mut BTreeMap<Port, String>,
    outcomes: &mut BTreeMap<Port, Ussd>,
) -> Ports {
    waiting
        .iter()
        .filter(|port| match replies.remove(port) {
            Some(reply) if before.get(port) != Some(&reply) => {
                outcomes.insert(*port, Ussd::Reply(reply));
                false
            }
            Some(_) => true,
            None => {
                // Once the old reply is gone, the next one is new whatever it says.
                before.remove(port);
                true
            }
        })
        .collect()
}
