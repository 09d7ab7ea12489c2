//! One text to any number of recipients, in as many requests as the limits of the API and the encodings require.

use sms_gateway_core::{
    Invalid, Ports,
    call::{Recipient, SendSms},
    text::{Alphabet, Encoding, Template},
};

use sms_gateway_core::client::Accepted;

use crate::{Error, Gateway};

/// A text to any number of recipients, even more than fit in one request.
///
/// With [`Encoding::Auto`], the encoding is chosen for each recipient's message. Messages that fit GSM 7-bit and messages that
/// need Unicode are sent in separate requests.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    text: &'a str,
    recipients: &'a [Recipient<'a>],
    ports: Ports,
    encoding: Option<Encoding>,
    status_report: Option<bool>,
}

impl<'a> Batch<'a> {
    /// Creates a batch of `text` to `recipients`.
    pub const fn new(text: &'a str, recipients: &'a [Recipient<'a>]) -> Self {
        Self { text, recipients, ports: Ports::NONE, encoding: None, status_report: None }
    }

    /// Sets the ports to send through. If none is set, the gateway chooses.
    #[must_use]
    pub const fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// Sets the encoding of the messages. If it is not set, the gateway uses its own default, `unicode`.
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// Sets whether status reports are requested.
    #[must_use]
    pub const fn status_report(mut self, request: bool) -> Self {
        self.status_report = Some(request);
        self
    }

    /// Splits the batch into requests.
    ///
    /// # Errors
    /// [`Invalid`] for the first request that breaks a limit.
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
                let recipients = indices.iter().map(|index| self.recipients[*index]).collect();
                let part = Part { batch: Self { encoding, ..*self }, recipients, indices: indices.to_vec() };
                let in_batch = |index: usize| indices.get(index).copied().unwrap_or(index);
                part.request().map_err(|error| error.map_recipient(in_batch))?;
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

/// One request of a [`Batch`].
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The batch, with the encoding of this request.
    batch: Batch<'a>,
    recipients: Vec<Recipient<'a>>,
    /// The positions of this request's recipients among those of the batch.
    pub indices: Vec<usize>,
}

impl Part<'_> {
    /// Builds the request.
    ///
    /// # Errors
    /// Never returned: [`Batch::requests`] built the same request before it returned the part.
    pub fn request(&self) -> Result<SendSms<'_>, Invalid> {
        let Batch { text, ports, encoding, status_report, .. } = self.batch;
        let mut request = SendSms::new(text, &self.recipients)?.ports(ports);
        if let Some(encoding) = encoding {
            request = request.encoding(encoding)?;
        }
        if let Some(report) = status_report {
            request = request.status_report(report);
        }
        Ok(request)
    }
}

/// An accepted request of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The gateway's response.
    pub accepted: Accepted,
    /// The positions of this request's recipients among those of the batch.
    pub recipients: Vec<usize>,
}

/// A batch that was accepted only in part or not at all.
#[derive(Debug, thiserror::Error)]
#[error("sending failed after {} messages were accepted", tasks.iter().map(|task| task.recipients.len()).sum::<usize>())]
pub struct BatchError {
    /// The requests that were accepted before the failure.
    pub tasks: Vec<Task>,
    /// The failed request's recipients, by their positions in the batch. Nothing was sent to recipients that are neither here nor
    /// in `tasks`.
    pub failed: Vec<usize>,
    /// The reason. [`Failure::may_have_arrived`](crate::Failure::may_have_arrived) returns whether the failed request may have
    /// been accepted.
    #[source]
    pub error: Error,
}

impl Gateway {
    /// Sends a text to any number of recipients, in as many requests as necessary, one after the other. All limits are checked
    /// before the first request. `progress` is called after each accepted request.
    ///
    /// # Errors
    /// [`BatchError`] at the first request that fails, with the tasks accepted before it.
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
