//! The ways in which servers accept messages.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use serde_json::{Value, json};

use crate::{Failure, messages};

/// A way in which a server accepts messages.
pub trait Api: Clone + Send + Sync + 'static {
    /// The numbers of messages in a request, each as likely as the others.
    const SIZES: &'static [usize];

    /// Whether an accepted request that is repeated is not accepted twice.
    const IS_IDEMPOTENT: bool;

    /// Builds the request to send these messages. It is the same each time.
    ///
    /// # Errors
    /// It cannot be built.
    fn request(&self, messages: Range<usize>) -> Result<Request<Full<Bytes>>, Failure>;

    /// Returns the ids of the messages that a response accepts; `None` if the request is to be repeated.
    ///
    /// # Errors
    /// The messages were refused.
    fn accepted(&self, status: StatusCode, body: &[u8]) -> Result<Option<Vec<String>>, Failure>;
}

/// The JSON API of `sms-server`.
#[derive(Clone, Debug)]
pub struct Json {
    key: Arc<str>,
    /// The beginning of the idempotency keys.
    prefix: Arc<str>,
}

impl Json {
    /// Takes a key, and the beginning of the idempotency keys: another one for each run on the same server.
    pub fn new(key: &str, prefix: &str) -> Self {
        Self { key: key.into(), prefix: prefix.into() }
    }

    /// Builds a request.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        idempotency_key: Option<&str>,
        body: String,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header("Host", "server");
        request = request.header("Authorization", format!("Bearer {}", self.key));
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        Ok(request.body(Full::new(body.into()))?)
    }
}

impl Api for Json {
    const SIZES: &'static [usize] = &[1, 1, 1, 2, 5, 20];
    const IS_IDEMPOTENT: bool = true;

    fn request(&self, messages: Range<usize>) -> Result<Request<Full<Bytes>>, Failure> {
        let key = format!("{}-{}", self.prefix, messages.start);
        self.call("POST", "/v1/messages", Some(&key), body(messages).to_string())
    }

    fn accepted(&self, status: StatusCode, body: &[u8]) -> Result<Option<Vec<String>>, Failure> {
        match status {
            StatusCode::SERVICE_UNAVAILABLE => Ok(None),
            StatusCode::ACCEPTED => {
                let body: Value = serde_json::from_slice(body)?;
                let id = |message: &Value| message["id"].as_str().unwrap_or_default().to_owned();
                let many = body["messages"].as_array().map(|many| many.iter().map(id).collect());
                Ok(Some(many.unwrap_or_else(|| vec![id(&body)])))
            }
            _ => Err(format!("{status}: {}", String::from_utf8_lossy(body)).into()),
        }
    }
}

fn body(messages: Range<usize>) -> Value {
    let message = |index| json!({ "to": messages::number(index), "text": messages::text(index) });
    if messages.len() == 1 {
        return message(messages.start);
    }
    json!({ "messages": messages.map(message).collect::<Vec<_>>() })
}
