//! `send_sms`, §2 of the document.

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    device::{
        Device,
        message::{Message, Status},
        port::Ports,
    },
    fate::Plan,
    json::Answer,
    params::{self, Asked, BAD_FORMAT, Body, TOO_LARGE},
    segments::{Encoding, segments},
};

/// The maximum length of a text in bytes.
const TEXT_BYTES: usize = 1500;
/// The maximum number of recipients of a request.
const RECIPIENTS: usize = 128;
/// The placeholder that each `text_param` replaces.
const PLACEHOLDER: &str = "#param#";

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let messages = Request::parse(body, device)?.messages()?;
    if device.quirks.expanded_text_limit && messages.iter().any(|message| message.text.len() > TEXT_BYTES) {
        return Err(TOO_LARGE);
    }
    let ports = messages.first().map_or(Ports::ALL, |message| message.ports);
    if !ports.meets(device.registered()) {
        return Err(if device.quirks.later_version { 550 } else { 500 });
    }
    let task = device.accept(messages);
    // The queue is counted before free ports start to send, because the document's example has two messages in the queue.
    Ok(Answer::code(202).with("sms_in_queue", device.outbox.waiting()).with("task_id", task))
}

struct Request<'a> {
    text: &'a str,
    recipients: &'a [Value],
    ports: Ports,
    encoding: Encoding,
    report_wanted: bool,
    now: Instant,
}

impl<'a> Request<'a> {
    fn parse(body: &'a Body, device: &Device) -> Asked<Self> {
        let text = body.text("text")?.ok_or(BAD_FORMAT)?;
        let recipients = body.array("param")?.filter(|list| !list.is_empty()).ok_or(BAD_FORMAT)?;
        if text.len() > TEXT_BYTES || recipients.len() > RECIPIENTS {
            return Err(TOO_LARGE);
        }
        let ports = body.ports()?.filter(|ports| !ports.is_empty()).unwrap_or(Ports::ALL);
        let encoding = encoding(body.text("encoding")?)?;
        let report_wanted = report_wanted(body, device)?;
        Ok(Self { text, recipients, ports, encoding, report_wanted, now: device.now })
    }

    /// Makes one message for each recipient. If one recipient is invalid, the whole request is refused.
    fn messages(&self) -> Asked<Vec<Message>> {
        self.recipients.iter().map(|recipient| self.message(recipient)).collect()
    }

    fn message(&self, recipient: &Value) -> Asked<Message> {
        let number = params::number(recipient.get("number").ok_or(BAD_FORMAT)?)?;
        let text = self.expand(recipient.get("text_param"))?;
        let user_id = recipient.get("user_id").map(|id| id.as_u64().ok_or(BAD_FORMAT)).transpose()?;
        let segments = segments(&text, self.encoding);
        Ok(Message {
            task: 0,
            number: number.to_owned(),
            text,
            user_id,
            ports: self.ports,
            report_wanted: self.report_wanted,
            plan: Plan::default(),
            status: Status::Waiting,
            segments,
            sent: 0,
            sending: None,
            reported: vec![None; segments as usize],
            before_restart: None,
            accepted_at: self.now,
            sent_at: None,
        })
    }

    /// Replaces each placeholder by the parameter at its position. There must be as many parameters as placeholders.
    fn expand(&self, params: Option<&Value>) -> Asked<String> {
        let none = Vec::new();
        let params = params.map_or(Some(&none), Value::as_array).ok_or(BAD_FORMAT)?;
        let mut pieces = self.text.split(PLACEHOLDER);
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut params = params.iter();
        for piece in pieces {
            text += params.next().and_then(Value::as_str).ok_or(BAD_FORMAT)?;
            text += piece;
        }
        params.next().is_none().then_some(text).ok_or(BAD_FORMAT)
    }
}

fn encoding(name: Option<&str>) -> Asked<Encoding> {
    match name {
        None | Some("unicode") => Ok(Encoding::Unicode),
        Some("gsm-7bit") => Ok(Encoding::Gsm7),
        Some(_) => Err(BAD_FORMAT),
    }
}

/// Whether the gateway requests status reports. Later versions let the client choose; earlier versions always request reports.
fn report_wanted(body: &Body, device: &Device) -> Asked<bool> {
    match body.get("request_status_report").filter(|_| device.quirks.later_version) {
        Some(value) => value.as_bool().ok_or(BAD_FORMAT),
        None => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Options, test_client::open};

    async fn codes(quirks: &str, requests: impl IntoIterator<Item = serde_json::Value>) -> Vec<u64> {
        let (_gateway, mut client) =
            open(Options { quirks: quirks.parse().unwrap(), ..Options::default() }).await;
        let mut codes = Vec::new();
        for request in requests {
            codes.push(client.code("send_sms", &request.to_string()).await);
        }
        codes
    }

    #[tokio::test]
    async fn the_documents_example() {
        let (gateway, mut client) = open(Options::default()).await;
        let body = r##"{"text":"#param#","port":[2,3],"param":[{"number":"10086","text_param":["bj"],"user_id":1},{"number":"10086","text_param":["ye"],"user_id":2}]}"##;
        let raw = client.request("POST", "/api/send_sms", "", body).await.unwrap();
        assert_eq!(raw.body, r#"{"error_code":202,"sms_in_queue":2,"task_id":1}"#);
        let seen = gateway.messages();
        let seen: Vec<_> =
            seen.iter().map(|sms| (sms.text.as_str(), sms.user_id, sms.port, sms.task)).collect();
        assert_eq!(seen, [("bj", Some(1), Some(2), 1), ("ye", Some(2), Some(3), 1)]);
    }

    #[tokio::test]
    async fn texts_at_their_edge() {
        let of = |text: String| json!({"text": text, "param": [{"number": "1"}]});
        // The limit applies to bytes, not characters.
        let texts = [1499, 1500, 1501].map(|bytes| of("a".repeat(bytes)));
        let wide = [750, 751].map(|chars| of("é".repeat(chars)));
        assert_eq!(codes("none", texts.into_iter().chain(wide)).await, [202, 202, 413, 202, 413]);
    }

    #[tokio::test]
    async fn the_limit_for_a_text_whose_parameters_are_filled_in() {
        let of = |bytes: usize| json!({"text": "a#param#", "param": [{"number": "1", "text_param": ["b".repeat(bytes)]}]});
        assert_eq!(codes("none", [of(1499), of(1500)]).await, [202, 202]);
        assert_eq!(codes("expanded-text-limit", [of(1499), of(1500)]).await, [202, 413]);
    }

    #[tokio::test]
    async fn recipients_at_their_edge() {
        let of = |count: usize| json!({"text": "a", "param": vec![json!({"number": "1"}); count]});
        assert_eq!(codes("none", [0, 1, 127, 128, 129].map(of)).await, [400, 202, 202, 202, 413]);
    }

    #[tokio::test]
    async fn numbers() {
        let of = |number: &str| json!({"text": "a", "param": [{"number": number}]});
        let digits = [23, 24, 25].map(|bytes| of(&"1".repeat(bytes)));
        assert_eq!(codes("none", digits).await, [202, 202, 400]);
        assert_eq!(
            codes("none", ["+1", "", "+", "1a", "a", "1 1"].map(of)).await,
            [202, 400, 400, 400, 400, 400]
        );
        assert_eq!(codes("none", [json!({"text": "a", "param": [{"number": 1}]})]).await, [400]);
    }

    #[tokio::test]
    async fn ports() {
        let of = |ports: serde_json::Value| json!({"text": "a", "port": ports, "param": [{"number": "1"}]});
        let lists = [
            json!([0]),
            json!([0, 31]),
            json!([]),
            json!([32]),
            json!([-1]),
            json!(["0"]),
            json!([0.5]),
            json!(0),
        ];
        assert_eq!(codes("none", lists.map(of)).await, [202, 202, 202, 400, 400, 400, 400, 400]);
    }

    #[tokio::test]
    async fn user_ids() {
        let of = |id: serde_json::Value| json!({"text": "a", "param": [{"number": "1", "user_id": id}]});
        let ids = [json!(0), json!(2_147_483_647), json!(-1), json!(1.5), json!("1"), json!(null)];
        assert_eq!(codes("none", ids.map(of)).await, [202, 202, 400, 400, 400, 400]);
    }

    #[tokio::test]
    async fn text_params_are_as_many_as_placeholders() {
        let of = |(text, params): (&str, serde_json::Value)| json!({"text": text, "param": [{"number": "1", "text_param": params}]});
        let cases = [
            ("", json!([])),
            ("#param#", json!(["#param#"])),
            ("#param##param#", json!(["1", "2"])),
            ("#param#", json!([])),
            ("#param#", json!(["1", "2"])),
            ("a", json!(["1"])),
            ("#param#", json!([1])),
            ("#param#", json!("1")),
        ];
        assert_eq!(codes("none", cases.map(of)).await, [202, 202, 202, 400, 400, 400, 400, 400]);
    }

    #[tokio::test]
    async fn one_fault_refuses_all() {
        let (gateway, mut client) = open(Options::default()).await;
        let body = json!({"text": "a", "param": [{"number": "1"}, {"number": "x"}]}).to_string();
        assert_eq!(client.code("send_sms", &body).await, 400);
        assert!(gateway.messages().is_empty());
    }

    #[tokio::test]
    async fn missing_parameters_are_refused() {
        let recipients = || json!([{"number": "1"}]);
        let requests = [
            json!({"param": recipients()}),
            json!({"text": "a"}),
            json!({"text": "a", "param": [{}]}),
            json!({"text": "a", "param": ["1"]}),
            json!({"text": 1, "param": recipients()}),
        ];
        assert_eq!(codes("none", requests).await, [400; 5]);
        let of =
            |encoding: serde_json::Value| json!({"text": "a", "encoding": encoding, "param": recipients()});
        let encodings = [json!("unicode"), json!("gsm-7bit"), json!("GSM-7BIT"), json!(7)];
        assert_eq!(codes("none", encodings.map(of)).await, [202, 202, 400, 400]);
        let of = |wanted: serde_json::Value| json!({"text": "a", "request_status_report": wanted, "param": recipients()});
        assert_eq!(codes("later-version", [json!(true), json!("yes")].map(of)).await, [202, 400]);
        assert_eq!(codes("none", [json!("yes")].map(of)).await, [202]);
    }
}
