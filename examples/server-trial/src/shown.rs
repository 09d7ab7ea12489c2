//! The messages as the server's API shows them.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    Failure,
    api::Json,
    client::{Address, Caller},
};

/// A message as the API shows it.
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) state: String,
}

/// Reads the API of a server.
pub(crate) struct Reader {
    api: Json,
    caller: Caller,
}

impl Reader {
    pub(crate) const fn new(api: Json, address: Address) -> Self {
        Self { api, caller: Caller::new(address) }
    }

    async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        let request = self.api.call("GET", path, None, String::new())?;
        let (status, body) = self.caller.call(request).await?;
        if status.is_success() {
            Ok(serde_json::from_slice(&body)?)
        } else {
            Err(format!("{path}: {status}").into())
        }
    }

    /// Returns all messages of a list, by their ids.
    pub(crate) async fn list(&mut self, path: &str) -> Result<HashMap<String, Shown>, Failure> {
        let (mut all, mut page) = (HashMap::new(), format!("{path}?limit=1000"));
        loop {
            let shown = self.get(&page).await?;
            for message in shown["messages"].as_array().into_iter().flatten() {
                let of = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
                if all.insert(of("id"), Shown { text: of("text"), state: of("state") }).is_some() {
                    return Err(format!("{} is listed twice", of("id")).into());
                }
            }
            let Some(next) = shown["next"].as_str() else { return Ok(all) };
            page = format!("{path}?limit=1000&cursor={next}");
        }
    }

    /// Returns the time at which a message was given to a gateway last, and the time at which it ended, in milliseconds since 1970.
    pub(crate) async fn last_attempt(&mut self, id: &str) -> Result<(u64, u64), Failure> {
        let shown = self.get(&format!("/v1/messages/{id}")).await?;
        let history = shown["history"].as_array().cloned().unwrap_or_default();
        let at = |entry: &Value| entry["at"].as_u64().unwrap_or_default();
        let begun = history.iter().rfind(|entry| entry["state"] == "submitting").map(at);
        Ok((begun.unwrap_or_default(), history.last().map(at).unwrap_or_default()))
    }
}
