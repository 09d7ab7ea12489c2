//! One text to any number of recipients: as many requests as the API's limits and the encodings ask for.

use std::fmt;

use sms_gateway_core::{
    Invalid, Ports,
    call::{Recipient, SendSms},
    text::{Alphabet, Encoding, Template},
};

use crate::{Accepted, Error, Gateway};

/// A text to recipients, of whom there may be more than one request takes.
///
/// With [`Encoding::Auto`] each recipient's message is sent as its own characters allow: those that fit GSM 7-bit go in
/// requests of their own.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    text: &'a str,
    recipients: &'a [Recipient<'a>],
    ports: Ports,
    encoding: Option<Encoding>,
    status_report: Option<bool>,
}

impl<'a> Batch<'a> {
    /// `text` to `recipients`.
    pub const fn new(text: &'a str, recipients: &'a [Recipient<'a>]) -> Self {
        Self { text, recipients, ports: Ports::NONE, encoding: None, status_report: None }
    }

    /// The ports to send through; without any the gateway chooses.
    #[must_use]
    pub const fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// How the messages are encoded. Without this call the gateway's default holds, `unicode`.
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// Whether status reports are asked for.
    #[must_use]
    pub const fn status_report(mut self, request: bool) -> Self {
        self.status_report = Some(request);
        self
    }

    /// The requests that the batch becomes, with their recipients' places in it.
    ///
    /// # Errors
    /// [`Invalid`] for the first of them that breaks a limit.
    pub fn requests(&self) -> Result<Vec<Part<'a>>, Invalid> {
        if self.recipients.is_empty() {
            return Err(Invalid::Recipients { count: 0 });
        }
        let all = 0..self.recipients.len();
        let groups = if self.encoding == Some(Encoding::Auto) {
            let (seven_bit, unicode) = all.partition(|index| self.fits_gsm7(*index));
            vec![(Some(Alphabet::Gsm7Bit.into()), seven_bit), (Some(Encoding::Unicode), unicode)]
        } else {
            vec![(self.encoding, all.collect::<Vec<_>>())]
        };
        let mut parts = Vec::new();
        for (encoding, indices) in groups {
            for indices in indices.chunks(SendSms::MAX_RECIPIENTS) {
                let part = Part {
                    text: self.text,
                    recipients: indices.iter().map(|index| self.recipients[*index]).collect(),
                    indices: indices.to_vec(),
                    ports: self.ports,
                    encoding,
                    status_report: self.status_report,
                };
                part.request().map_err(|error| in_batch(error, indices))?;
                parts.push(part);
            }
        }
        Ok(parts)
    }

    fn fits_gsm7(&self, index: usize) -> bool {
        let expansion = Template::new(self.text).expand(self.recipients[index].params);
        expansion.is_ok_and(|text| text.shape(Encoding::Gsm7Bit).is_ok())
    }
}

/// What one request of a [`Batch`] holds.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    text: &'a str,
    recipients: Vec<Recipient<'a>>,
    /// The recipients' places in the batch.
    pub indices: Vec<usize>,
    ports: Ports,
    encoding: Option<Encoding>,
    status_report: Option<bool>,
}

impl Part<'_> {
    /// The request.
    ///
    /// # Errors
    /// None for a part that [`Batch::requests`] made: it was built there once.
    pub fn request(&self) -> Result<SendSms<'_>, Invalid> {
        let mut request = SendSms::new(self.text, &self.recipients)?.ports(self.ports);
        if let Some(encoding) = self.encoding {
            request = request.encoding(encoding)?;
        }
        if let Some(report) = self.status_report {
            request = request.status_report(report);
        }
        Ok(request)
    }
}

/// Names the recipient by its place in the batch.
fn in_batch(error: Invalid, indices: &[usize]) -> Invalid {
    let place = |recipient: usize| indices.get(recipient).copied().unwrap_or(recipient);
    match error {
        Invalid::Text { bytes, recipient } => Invalid::Text { bytes, recipient: recipient.map(place) },
        Invalid::TextParams { recipient, placeholders, params } => {
            Invalid::TextParams { recipient: place(recipient), placeholders, params }
        }
        Invalid::Alphabet { recipient, character } => {
            Invalid::Alphabet { recipient: place(recipient), character }
        }
        other => other,
    }
}

/// A request of a batch that the gateway accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What the gateway said.
    pub accepted: Accepted,
    /// The recipients' places in the batch.
    pub recipients: Vec<usize>,
}

/// A batch that was not accepted whole.
#[derive(Debug)]
pub struct BatchError {
    /// The requests that were accepted before.
    pub tasks: Vec<Task>,
    /// The recipients of the request that failed, by their places; those in no task and not here were not asked for.
    pub failed: Vec<usize>,
    /// Why. Whether the failed recipients' messages may be sent all the same: [`Failure::may_have_arrived`](crate::Failure::may_have_arrived).
    pub error: Error,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted: usize = self.tasks.iter().map(|task| task.recipients.len()).sum();
        write!(f, "sending failed after {accepted} messages were accepted")
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Gateway {
    /// Sends a text to any number of recipients, in as many requests as it takes, one after the other. All limits are checked
    /// before the first. `progress` hears of each request when it was accepted.
    ///
    /// # Errors
    /// [`BatchError`] with what was accepted before, at the first request that fails.
    pub async fn send_to_all(
        &self,
        batch: &Batch<'_>,
        mut progress: impl FnMut(&Task),
    ) -> Result<Vec<Task>, BatchError> {
        let mut tasks = Vec::new();
        let parts = match batch.requests() {
            Ok(parts) => parts,
            Err(error) => return Err(BatchError { tasks, failed: Vec::new(), error: error.into() }),
        };
        for part in parts {
            let accepted = match part.request() {
                Ok(request) => self.send_sms(&request).await,
                Err(error) => Err(error.into()),
            };
            match accepted {
                Ok(accepted) => {
                    let task = Task { accepted, recipients: part.indices };
                    progress(&task);
                    tasks.push(task);
                }
                Err(error) => return Err(BatchError { tasks, failed: part.indices, error }),
            }
        }
        Ok(tasks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sms_gateway_core::Number;

    fn batch<'a>(recipients: &'a [Recipient<'a>], encoding: Option<Encoding>) -> Vec<(usize, usize)> {
        let mut batch = Batch::new("#param#", recipients);
        batch.encoding = encoding;
        let parts = batch.requests().unwrap();
        parts.iter().map(|part| (part.indices[0], part.indices.len())).collect()
    }

    #[test]
    fn parts_have_128_recipients_at_most() {
        let one = Recipient::new(Number::new("1").unwrap()).params(&["x"]);
        assert_eq!(batch(&[one; 127], None), [(0, 127)]);
        assert_eq!(batch(&[one; 128], None), [(0, 128)]);
        assert_eq!(batch(&[one; 129], None), [(0, 128), (128, 1)]);
        assert_eq!(Batch::new("", &[]).requests().err(), Some(Invalid::Recipients { count: 0 }));
    }

    #[test]
    fn auto_sorts_recipients_by_what_their_text_needs() {
        let to = Recipient::new(Number::new("1").unwrap());
        let recipients = [to.params(&["x"]), to.params(&["你"]), to.params(&["y"])];
        assert_eq!(batch(&recipients, Some(Encoding::Auto)), [(0, 2), (1, 1)]);
        assert_eq!(batch(&recipients, Some(Encoding::Unicode)), [(0, 3)]);
        let seven_bit = Batch::new("#param#", &recipients).encoding(Encoding::Gsm7Bit);
        assert_eq!(seven_bit.requests().err(), Some(Invalid::Alphabet { recipient: 1, character: '你' }));
    }

    #[test]
    fn an_invalid_recipient_is_named_by_its_place_in_the_batch() {
        let to = Recipient::new(Number::new("1").unwrap());
        let mut recipients = vec![to.params(&["x"]); 130];
        recipients[129] = to;
        let wrong = Invalid::TextParams { recipient: 129, placeholders: 1, params: 0 };
        assert_eq!(Batch::new("#param#", &recipients).requests().err(), Some(wrong));
    }
}
