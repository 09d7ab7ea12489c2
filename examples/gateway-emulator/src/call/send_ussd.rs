//! `send_ussd`, §7 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, BAD_FORMAT, Body},
};

/// The maximum length of a code in bytes.
const CODE_BYTES: usize = 60;

pub(super) fn run(device: &mut Device, body: &Body) -> Asked<Answer> {
    let code = body.text("text")?.ok_or(BAD_FORMAT)?;
    let ports = body.ports()?.filter(|ports| !ports.is_empty()).ok_or(BAD_FORMAT)?;
    let send = match body.text("command")? {
        None | Some("send") => true,
        Some("cancel") => false,
        Some(_) => return Err(BAD_FORMAT),
    };
    if code.len() > CODE_BYTES || (send && code.is_empty()) {
        return Err(BAD_FORMAT);
    }
    let results = ports.iter().map(|port| {
        let status = if send { device.send_ussd(port, code) } else { device.cancel_ussd(port) };
        vec![("port", port.into()), ("status", status.into())]
    });
    let results = results.collect();
    let key = if device.quirks.result_colon { "result:" } else { "result" };
    Ok(Answer::code(202).with("request_id", device.ussd.next_request()).array(key, results))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokio::time::advance;

    use crate::{
        Emulator, Fate, Options, Reg,
        test_client::{Client, open},
    };

    async fn fresh() -> (Emulator, Client) {
        let (gateway, client) = open(Options { ports: 4, ..Options::default() }).await;
        gateway.set_ussd(None, "*125#", "Balance 1");
        gateway.set_ussd(Some(1), "*125#", "Balance 2");
        gateway.set_ussd(None, "*126#", "Other");
        (gateway, client)
    }

    async fn statuses(client: &mut Client, request: Value) -> Vec<u64> {
        let answer = client.post("send_ussd", &request.to_string()).await;
        answer["result"].as_array().unwrap().iter().filter_map(|result| result["status"].as_u64()).collect()
    }

    async fn replies(client: &mut Client, ports: &str) -> Vec<String> {
        let answer = client.get(&format!("/api/query_ussd_reply?port={ports}")).await;
        answer["reply"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reply| reply["text"].as_str().unwrap().to_owned())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_answers_to_the_letter() {
        let (gateway, mut client) = fresh().await;
        gateway.set_reg(3, Reg::NoSim);
        let body = r#"{"port":[2,3,9],"command":"send","text":"*125#"}"#;
        let raw = client.request("POST", "/api/send_ussd", "", body).await.unwrap();
        assert_eq!(
            raw.body,
            r#"{"error_code":202,"request_id":1,"result":[{"port":2,"status":200},{"port":3,"status":503},{"port":9,"status":503}]}"#
        );
        gateway.idle().await;
        let raw = client.request("GET", "/api/query_ussd_reply?port=2,3", "", "").await.unwrap();
        assert_eq!(
            raw.body,
            r#"{"error_code":200,"reply":[{"port":2,"text":"Balance 1"},{"port":3,"text":""}]}"#
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_comes_later_and_stays() {
        let (gateway, mut client) = fresh().await;
        assert_eq!(statuses(&mut client, json!({"port": [0, 1], "text": "*125#"})).await, [200, 200]);
        advance(Duration::from_millis(1999)).await;
        assert_eq!(replies(&mut client, "0,1").await, ["", ""]);
        advance(Duration::from_millis(2001)).await;
        assert_eq!(replies(&mut client, "0,1").await, ["Balance 1", "Balance 2"]);
        assert_eq!(statuses(&mut client, json!({"port": [0], "text": "*126#"})).await, [200]);
        assert_eq!(replies(&mut client, "0").await, ["Balance 1"]);
        gateway.idle().await;
        assert_eq!(replies(&mut client, "0").await, ["Other"]);
        // The network does not reply to unknown codes.
        assert_eq!(statuses(&mut client, json!({"port": [0], "text": "*9#"})).await, [200]);
        gateway.idle().await;
        assert_eq!(replies(&mut client, "0").await, ["Other"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_does_one_thing_at_a_time() {
        let (gateway, mut client) = fresh().await;
        gateway.set_fate("1", Fate::NoReport);
        let sms = r#"{"text":"a","port":[0],"param":[{"number":"1"}]}"#;
        client.code("send_sms", sms).await;
        let ussd = || json!({"port": [0], "text": "*125#"});
        assert_eq!(statuses(&mut client, ussd()).await, [486]);
        gateway.idle().await;
        assert_eq!(statuses(&mut client, ussd()).await, [200]);
        assert_eq!(statuses(&mut client, ussd()).await, [486]);
        client.code("send_sms", sms).await;
        assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 1);
        assert_eq!(statuses(&mut client, json!({"port": [0], "text": "", "command": "cancel"})).await, [200]);
        assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 0);
        gateway.idle().await;
        assert_eq!(replies(&mut client, "0").await, [""]);
    }

    #[tokio::test]
    async fn faults_are_refused() {
        let (_gateway, mut client) = fresh().await;
        for (request, code) in [
            (json!({"port": [0], "text": "1".repeat(59)}), 202),
            (json!({"port": [1], "text": "1".repeat(60)}), 202),
            (json!({"port": [2], "text": "1".repeat(61)}), 400),
            (json!({"port": [0], "text": ""}), 400),
            (json!({"port": [0], "text": "", "command": "send"}), 400),
            (json!({"port": [0], "text": "", "command": "cancel"}), 202),
            (json!({"port": [0], "text": "1".repeat(61), "command": "cancel"}), 400),
            (json!({"port": [0], "command": "send"}), 400),
            (json!({"port": [0], "text": "1", "command": "stop"}), 400),
            (json!({"text": "1"}), 400),
            (json!({"port": [], "text": "1"}), 400),
            (json!({"port": [31], "text": "1"}), 202),
            (json!({"port": [32], "text": "1"}), 400),
        ] {
            assert_eq!(client.code("send_ussd", &request.to_string()).await, code, "{request}");
        }
        for query in ["", "?port=", "?port=32", "?port=a"] {
            let answer = client.get(&format!("/api/query_ussd_reply{query}")).await;
            assert_eq!(answer["error_code"], 400, "{query}");
        }
    }
}
