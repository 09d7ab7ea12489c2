//! USSD: sending a code and waiting for the network's reply.

use std::{collections::BTreeMap, fmt, time::Duration};

pub use sms_gateway_core::client::UssdWait;
use sms_gateway_core::{
    Port, Ports,
    call::{SendUssd, UssdOutcome},
    client::{Buffer, Failure, UssdPolls, UssdReplies},
    json::Text,
};
use tokio::time::Instant;

use crate::{Error, Gateway};

/// The outcome of a USSD code on one port.
pub type Ussd = sms_gateway_core::client::Ussd<String>;

/// A USSD exchange that failed.
#[derive(Debug)]
pub struct UssdError {
    /// The outcome of each port so far. It is [`Ussd::NoReply`] for a port that sent the code and has no reply yet.
    pub outcomes: BTreeMap<Port, Ussd>,
    /// The reason.
    pub error: Error,
}

impl fmt::Display for UssdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for UssdError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl Gateway {
    /// Sends a USSD code on ports and waits for the replies.
    ///
    /// The ports' texts are queried before the code is sent, so that an old reply is not taken for the new one. A text that never
    /// changes is [`Ussd::Unchanged`]: it may be old. If the gateway refuses this query, or its response is malformed, the code is
    /// sent all the same. If the login or the connection fails, the code is not sent.
    ///
    /// A failed query for the new replies is repeated until the time limit if [`Failure::may_pass`] is true. After HTTP 403 or 429,
    /// with which gateways lock clients out, it is not repeated.
    ///
    /// # Errors
    /// [`UssdError`] with the outcomes so far: [`Failure::Invalid`] if the text is empty or longer than 60 bytes or there is no
    /// port, and every failure of a call.
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
        let mut shown = BTreeMap::new();
        let is_complete = match self.read_ussd_texts(ports, &mut shown).await {
            Ok(()) => true,
            Err(error) if UssdReplies::may_send_after(&error.failure) => {
                tracing::debug!(%error, "the replies before the code are not known");
                false
            }
            Err(error) => return Err(error),
        };
        let mut waiting = BTreeMap::new();
        let mut response = self.send_ussd(&request).await?;
        while let Some(status) = response.next().await? {
            let Some(port) = status.port.get().and_then(|port| Port::try_from(port).ok()) else { continue };
            let Some(outcome) = status.status.get() else { continue };
            if outcome == UssdOutcome::Sent {
                let before = shown.remove(&port);
                let replies = match &before {
                    Some(text) => UssdReplies::new(Text::Exact(text)),
                    None if is_complete => UssdReplies::new(Text::Missing),
                    None => UssdReplies::unknown(),
                };
                waiting.insert(port, (replies, before));
                outcomes.insert(port, Ussd::NoReply);
            } else {
                outcomes.insert(port, Ussd::NotSent(outcome));
            }
        }
        drop(response);
        self.await_replies(waiting, wait, outcomes).await
    }

    /// Queries the replies of the `waiting` ports until all have arrived or the time limit has passed. `waiting` contains the text
    /// that each port showed last.
    async fn await_replies(
        &self,
        mut waiting: BTreeMap<Port, (UssdReplies, Option<String>)>,
        wait: UssdWait,
        outcomes: &mut BTreeMap<Port, Ussd>,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let polls = UssdPolls::new(wait, Duration::ZERO);
        let mut failed = None;
        while !waiting.is_empty()
            && let Some(next) = polls.next(began.elapsed())
        {
            tokio::time::sleep_until(began + next).await;
            let mut texts = BTreeMap::new();
            match self.read_ussd_texts(waiting.keys().copied().collect(), &mut texts).await {
                Ok(()) => {
                    failed = None;
                    waiting.retain(|port, (replies, last)| {
                        *last = texts.remove(port);
                        let is_reply = replies.take(last.as_deref().map_or(Text::Missing, Text::Exact));
                        outcomes.extend(last.take_if(|_| is_reply).map(|text| (*port, Ussd::Reply(text))));
                        !is_reply
                    });
                }
                Err(error) if error.failure.may_pass() && !error.failure.is_lock_out() => {
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        for (port, (replies, last)) in waiting {
            outcomes
                .extend(last.filter(|_| replies.is_unchanged()).map(|text| (port, Ussd::Unchanged(text))));
        }
        failed.map_or(Ok(()), Err)
    }

    /// Queries the texts that ports show. Texts read before an error remain valid.
    async fn read_ussd_texts(&self, ports: Ports, texts: &mut BTreeMap<Port, String>) -> Result<(), Error> {
        let mut response = self.query_ussd_reply(ports).await?;
        while let Some(reply) = response.next().await? {
            if let Text::TooLong { needed } = reply.text {
                return Err(Failure::TooSmall { buffer: Buffer::Record, needed }.into());
            }
            if let Some(port) = reply.port.get().and_then(|port| Port::try_from(port).ok()) {
                texts.insert(port, reply.text.as_str().to_owned());
            }
        }
        Ok(())
    }
}
