//! USSD: sending a code and waiting for what the network says to it.

use std::{collections::BTreeMap, time::Duration};

use sms_gateway_core::{
    Port, Ports,
    call::{SendUssd, UssdOutcome},
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

impl Gateway {
    /// Sends a USSD code on ports and waits for the replies. A reply that was there before is not taken for the new one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the text is empty or longer than 60 bytes or there is no port, and all that a call can end with.
    pub async fn ussd(
        &self,
        ports: Ports,
        text: &str,
        wait: UssdWait,
    ) -> Result<BTreeMap<Port, Ussd>, Error> {
        let request = SendUssd::send(ports, text)?;
        let before = self.ussd_replies(ports).await?;
        let mut outcomes: BTreeMap<Port, Ussd> = ports.iter().map(|port| (port, Ussd::Untold)).collect();
        let mut waiting = Ports::NONE;
        let mut answer = self.send_ussd(&request).await?;
        while let Some(status) = answer.next().await? {
            let Some(port) = status.port.get().and_then(|port| Port::try_from(port).ok()) else { continue };
            match status.status.get() {
                Some(UssdOutcome::Sent) => waiting = waiting.with(port),
                Some(outcome) => drop(outcomes.insert(port, Ussd::NotSent(outcome))),
                None => {}
            }
        }
        drop(answer);
        self.await_replies(waiting, before, wait, &mut outcomes).await?;
        Ok(outcomes)
    }

    async fn await_replies(
        &self,
        mut waiting: Ports,
        mut before: BTreeMap<Port, String>,
        wait: UssdWait,
        outcomes: &mut BTreeMap<Port, Ussd>,
    ) -> Result<(), Error> {
        let end = Instant::now() + wait.limit;
        while !waiting.is_empty() && Instant::now() < end {
            tokio::time::sleep_until(end.min(Instant::now() + wait.interval)).await;
            let now = self.ussd_replies(waiting).await?;
            let mut left = Ports::NONE;
            for port in waiting {
                match now.get(&port) {
                    // Once the old reply is gone, the next one is new whatever it says.
                    None => drop(before.remove(&port)),
                    Some(reply) if before.get(&port) != Some(reply) => {
                        outcomes.insert(port, Ussd::Reply(reply.clone()));
                        continue;
                    }
                    Some(_) => {}
                }
                left = left.with(port);
            }
            waiting = left;
        }
        for port in waiting {
            let outcome = before.remove(&port).map_or(Ussd::NoReply, Ussd::Unchanged);
            outcomes.insert(port, outcome);
        }
        Ok(())
    }

    /// The replies that ports show, but for blank ones: those that wait for theirs show none or a space.
    async fn ussd_replies(&self, ports: Ports) -> Result<BTreeMap<Port, String>, Error> {
        let mut replies = BTreeMap::new();
        let mut answer = self.query_ussd_reply(ports).await?;
        while let Some(reply) = answer.next().await? {
            if let Some(port) = reply.port.get().and_then(|port| Port::try_from(port).ok())
                && !reply.text.as_str().trim().is_empty()
            {
                replies.insert(port, reply.text.as_str().to_owned());
            }
        }
        Ok(replies)
    }
}
