//! A client of the server's API that chooses the texts and the priority.

use hyper::StatusCode;
use serde_json::json;
use server_trial::{Connection, Failure, Json};
use tokio::time::Instant;

/// A connection to the API.
pub struct Client {
    connection: Connection,
    api: Json,
}

impl Client {
    /// Connects to the server at an address, for an account of [`start`](crate::server::start).
    ///
    /// # Errors
    /// There is no connection within 30 s.
    pub async fn connect(address: &str, account: &str) -> Result<Self, Failure> {
        let connection = Connection::open(address.parse()?).await?;
        Ok(Self { connection, api: Json::new(&format!("sk_{account}"), account) })
    }

    /// Sends messages with these texts to different numbers. Returns the time of the response.
    ///
    /// # Errors
    /// A response other than 202, or none within 30 s.
    pub async fn send(
        &mut self,
        texts: impl IntoIterator<Item = (usize, String)>,
        priority: u8,
    ) -> Result<Instant, Failure> {
        let message = |(number, text): (usize, String)| {
            let to = format!("+86138{:08}", number % 100_000_000);
            json!({ "to": to, "text": text, "priority": priority })
        };
        let body = json!({ "messages": texts.into_iter().map(message).collect::<Vec<_>>() });
        let request = self.api.call("POST", "/v1/messages", None, body.to_string())?;
        let (status, body) = self.connection.call(request).await?;
        let at = Instant::now();
        if status == StatusCode::ACCEPTED {
            Ok(at)
        } else {
            Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
        }
    }
}
