//! `query_sms_result`, §3 of the document.

use serde_json::Value;

use crate::{
    clock,
    device::{
        Device,
        message::{Message, Sending},
        port::Ports,
    },
    json::{Answer, Record},
    params::{Asked, Body},
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
    let shown =
        device.outbox.since_restart().filter_map(|message| Some((message, message.sending.as_ref()?)));
    let records = shown
        .filter(|(message, sending)| asked(message, sending))
        .filter_map(|(message, sending)| record(device, message, sending))
        .collect();
    Ok(Answer::code(200).array("result", records))
}

/// Whether a list that restricts the query allows it; an empty list restricts nothing.
pub(super) fn given<T>(list: Option<&Vec<T>>, has: impl FnOnce(&Vec<T>) -> bool) -> bool {
    list.is_none_or(|list| list.is_empty() || has(list))
}

fn record(device: &Device, message: &Message, sending: &Sending) -> Option<Record> {
    let mut record: Record = vec![("port", sending.port.into())];
    // §11.4: the user_id is included if the request had one.
    record.extend(message.user_id.map(|id| ("user_id", Value::from(id))));
    record.extend([
        ("number", message.number.as_str().into()),
        ("time", clock::format(sending.time).into()),
        ("status", message.status.as_str()?.into()),
        ("count", message.segments.into()),
        ("succ_count", message.sent.into()),
        ("ref_id", sending.first_ref.unwrap_or(0).into()),
    ]);
    record.extend(device.imsi_field(sending.port));
    Some(record)
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
}
