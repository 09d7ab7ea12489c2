//! `stop_sms`, §9 of the document.

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, BAD_FORMAT, Query},
};

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let task = query.integer("task_id")?.ok_or(BAD_FORMAT)?;
    if device.outbox.stop(task) {
        Ok(Answer::code(200))
    } else {
        Err(if device.quirks.unknown_task_486 { 486 } else { 404 })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, Status, test_client::open};

    #[tokio::test(start_paused = true)]
    async fn waiting_messages_are_dropped_and_others_are_sent() {
        let (gateway, mut client) = open(Options { ports: 1, ..Options::default() }).await;
        let three = r#"{"text":"a","param":[{"number":"1"},{"number":"2"},{"number":"3"}]}"#;
        for task in [1, 2] {
            assert_eq!(client.post("send_sms", three).await["task_id"], task);
        }
        let raw = client.request("GET", "/api/stop_sms?task_id=1", "", "").await.unwrap();
        assert_eq!(raw.body, r#"{"error_code":200}"#);
        assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 3);
        gateway.idle().await;
        let statuses: Vec<_> = gateway.messages().iter().map(|message| message.status).collect();
        let (sent, stopped) = (Status::Delivered, Status::Stopped);
        assert_eq!(statuses, [sent, stopped, stopped, sent, sent, sent]);
        let results = client.post("query_sms_result", "{}").await;
        assert_eq!(results["result"].as_array().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn tasks_that_do_not_exist() {
        let (gateway, mut client) = open(Options::default()).await;
        for (query, code) in
            [("task_id=0", 404), ("task_id=1", 404), ("task_id=x", 400), ("task=1", 400), ("", 400)]
        {
            assert_eq!(client.get(&format!("/api/stop_sms?{query}")).await["error_code"], code, "{query}");
        }
        gateway.set_quirks("unknown-task-486".parse().unwrap());
        assert_eq!(client.get("/api/stop_sms?task_id=1").await["error_code"], 486);
    }
}
