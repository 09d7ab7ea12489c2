//! `query_sms_result`, §3 of the document.

use serde_json::Value;

use crate::{
    clock,
    device::{
        Device,
        message::{Message, Sending, Status},
        port::Ports,
    },
    fate::Fate,
    json::{Answer, Record},
    params::{Asked, Body},
    quirks::{NumberSpelling, Quirks, ResultNumber},
};

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let (numbers, user_ids) = (body.numbers()?, body.user_ids()?);
    let ports = body.ports()?.filter(|ports| !ports.is_empty()).unwrap_or(Ports::ALL);
    let period = body.period(&device.quirks)?;
    let asked = |message: &Message, sending: &Sending| {
        given(numbers.as_ref(), |list| list.contains(&message.number.as_str()))
            && given(user_ids.as_ref(), |list| message.user_id.is_some_and(|id| list.contains(&id)))
            && ports.has(sending.port)
            && period.has(sending.time)
    };
    let shown = device.outbox.since_restart().filter(|message| message.plan.fate != Fate::Hidden);
    let shown = shown.filter_map(|message| Some((message, message.sending.as_ref()?)));
    let records = shown
        .filter(|(message, sending)| asked(message, sending))
        .flat_map(|(message, sending)| records_of(device, message, sending))
        .collect();
    Ok(Answer::code(200).array("result", records))
}

/// Whether a list in the query, such as the numbers, contains the item that `has` looks for. A missing or empty list admits
/// every item.
pub(super) fn given<T>(list: Option<&Vec<T>>, has: impl FnOnce(&Vec<T>) -> bool) -> bool {
    list.is_none_or(|list| list.is_empty() || has(list))
}

/// Returns the result of a message. With the quirk `failed_before` or `failed_after`, a FAILED result of another port precedes or
/// follows it.
fn records_of(device: &Device, message: &Message, sending: &Sending) -> Vec<Record> {
    let Some(own) = record(device, message, sending) else { return Vec::new() };
    let failed = || {
        let port = u8::from(sending.port == 0);
        let of_failure = |(key, value): &(&'static str, Value)| match *key {
            "port" => (*key, port.into()),
            "status" => (*key, device.quirks.status(Status::Failed)),
            "succ_count" | "ref_id" => (*key, 0.into()),
            _ => (*key, value.clone()),
        };
        own.iter().map(of_failure).collect::<Record>()
    };
    let before = device.quirks.failed_before.then(failed);
    let after = device.quirks.failed_after.then(failed);
    before.into_iter().chain([own.clone()]).chain(after).collect()
}

fn record(device: &Device, message: &Message, sending: &Sending) -> Option<Record> {
    message.status.as_str()?;
    let mut record: Record = vec![("port", sending.port.into())];
    // §11.4: the user_id is included if the request had one.
    record.extend(message.user_id.map(|id| ("user_id", Value::from(id))));
    record.extend([
        ("number", device.quirks.result_number.spell(&message.number).into()),
        ("time", clock::format(sending.time).into()),
        ("status", device.quirks.status(message.status)),
        ("count", message.segments.into()),
        ("succ_count", message.sent.into()),
        ("ref_id", sending.first_ref.unwrap_or(0).into()),
    ]);
    record.retain(|(key, _)| *key != "number" || device.quirks.result_number != ResultNumber::Missing);
    record.extend(device.imsi_field(sending.port));
    Some(record)
}

impl ResultNumber {
    fn spell(self, number: &str) -> String {
        match self {
            Self::International => NumberSpelling::International.spell(number),
            Self::Separated => {
                let digits: Vec<_> = number.chars().collect();
                digits.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
            }
            Self::AsSent | Self::Missing => number.to_owned(),
        }
    }
}

impl Quirks {
    fn status(&self, status: Status) -> Value {
        let word = match status {
            Status::Sending if self.status_unknown => "QUEUED",
            Status::Delivered if self.status_unknown => "RECEIVED",
            status => status.as_str().unwrap_or_default(),
        };
        if self.status_lower_case { word.to_lowercase().into() } else { word.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        Options,
        test_client::{Client, open},
    };

    /// Returns the number of results of a query, or its error code.
    async fn found(client: &mut Client, query: Value) -> u64 {
        let answer = client.post("query_sms_result", &query.to_string()).await;
        answer["result"].as_array().map_or(answer["error_code"].as_u64().unwrap(), |list| list.len() as u64)
    }

    #[tokio::test(start_paused = true)]
    async fn each_parameter_restricts() {
        let (gateway, mut client) = open(Options { start_time: Some(10), ..Options::default() }).await;
        for (number, port, user_id) in [("1", 0, 5), ("2", 1, 6), ("+1", 1, 7)] {
            let body =
                json!({"text": "a", "port": [port], "param": [{"number": number, "user_id": user_id}]});
            client.code("send_sms", &body.to_string()).await;
            gateway.idle().await;
        }
        client.code("send_sms", r#"{"text":"a","port":[2],"param":[{"number":"9"}]}"#).await;
        for (query, count) in [
            (json!({}), 4),
            (json!({"number": [], "port": [], "user_id": []}), 4),
            (json!({"number": ["1", "9"]}), 2),
            (json!({"port": [1]}), 2),
            (json!({"user_id": [5, 6, 8]}), 2),
            (json!({"user_id": [6], "port": [1], "number": ["2"]}), 1),
            (json!({"user_id": [6], "port": [0]}), 0),
            (json!({"time_after": "1970-01-01 00:00:10", "time_before": "1970-01-01 00:00:10"}), 1),
            (json!({"time_after": "1970-01-01 00:00:11"}), 3),
            (json!({"time_before": "1970-01-01 00:00:09"}), 0),
        ] {
            assert_eq!(found(&mut client, query.clone()).await, count, "{query}");
        }
        gateway.set_quirks("strict-times".parse().unwrap());
        for (query, count) in [
            (json!({"time_after": "1970-01-01 00:00:10"}), 3),
            (json!({"time_after": "1970-01-01 00:00:09"}), 4),
            (json!({"time_before": "1970-01-01 00:00:10"}), 0),
            (json!({"time_before": "1970-01-01 00:00:11"}), 1),
        ] {
            assert_eq!(found(&mut client, query.clone()).await, count, "{query}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_user_id_is_there_if_it_was_given() {
        let (_gateway, mut client) = open(Options::default()).await;
        client.code("send_sms", r#"{"text":"a","param":[{"number":"1"}]}"#).await;
        let answer = client.post("query_sms_result", "{}").await;
        assert_eq!(answer["result"][0].get("user_id"), None);
    }

    #[tokio::test]
    async fn faults_are_refused() {
        for call in ["query_sms_result", "query_sms_deliver_status"] {
            let (_gateway, mut client) = open(Options::default()).await;
            for (query, code) in [
                (json!({"number": vec!["1"; 31]}), 200),
                (json!({"number": vec!["1"; 32]}), 200),
                (json!({"number": vec!["1"; 33]}), 413),
                (json!({"number": ["1".repeat(24)]}), 200),
                (json!({"number": ["1".repeat(25)]}), 400),
                (json!({"number": [1]}), 400),
                (json!({"number": "1"}), 400),
                (json!({"port": [31]}), 200),
                (json!({"port": [32]}), 400),
                (json!({"port": 1}), 400),
                (json!({"time_after": "2014-12-21 12:06"}), 400),
                (json!({"time_before": "2014-02-30 12:06:01"}), 400),
                (json!({"time_before": 0}), 400),
            ] {
                assert_eq!(client.code(call, &query.to_string()).await, code, "{call} {query}");
            }
        }
        let (_gateway, mut client) = open(Options::default()).await;
        for ids in [json!([-1]), json!(["1"]), json!(1)] {
            assert_eq!(client.code("query_sms_result", &json!({"user_id": ids}).to_string()).await, 400);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_quirk_of_results_shows() {
        let (gateway, mut client) = open(Options::default()).await;
        let body = r#"{"text":"a","port":[0],"param":[{"number":"13800138000","user_id":5}]}"#;
        client.code("send_sms", body).await;
        gateway.idle().await;
        for (quirks, key, values) in [
            ("none", "number", json!(["13800138000"])),
            ("result-number-international", "number", json!(["+8613800138000"])),
            ("result-number-separated", "number", json!(["1380-0138-000"])),
            ("result-number-missing", "number", json!([null])),
            ("status-lower-case", "status", json!(["delivered"])),
            ("status-unknown", "status", json!(["RECEIVED"])),
            ("failed-before", "status", json!(["FAILED", "DELIVERED"])),
            ("failed-after", "status", json!(["DELIVERED", "FAILED"])),
            ("failed-after", "succ_count", json!([1, 0])),
            ("failed-after", "user_id", json!([5, 5])),
            ("failed-after", "port", json!([0, 1])),
        ] {
            gateway.set_quirks(quirks.parse().unwrap());
            let answer = client.post("query_sms_result", "{}").await;
            let records = answer["result"].as_array().unwrap();
            let shown: Vec<_> = records.iter().map(|record| record[key].clone()).collect();
            assert_eq!(json!(shown), values, "{quirks}");
        }
    }
}
