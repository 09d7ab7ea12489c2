//! `query_ussd_reply`, §8 of the document.

use crate::{
    device::{Device, port::Port},
    json::Answer,
    params::{Asked, BAD_FORMAT, OTHER_ERROR, Query},
};

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let ports = query.ports()?.ok_or(BAD_FORMAT)?;
    let is_silent = |port: &Port| ports.has(port.number) && port.ussd_reply.is_empty();
    if device.quirks.ussd_replies_refused && device.ports.iter().any(is_silent) {
        return Err(OTHER_ERROR);
    }
    let text = |port: u8| device.ports.get(usize::from(port)).map_or("", |port| port.ussd_reply.as_str());
    let replies = ports.iter().map(|port| vec![("port", port.into()), ("text", text(port).into())]).collect();
    Ok(Answer::code(200).array("reply", replies))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Options, test_client::open};

    #[tokio::test(start_paused = true)]
    async fn ports_without_a_reply_can_be_refused() {
        let (gateway, mut client) = open(Options::default()).await;
        let replies = "/api/query_ussd_reply?port=1,2";
        assert_eq!(client.get(replies).await["error_code"], 200);
        gateway.set_quirks("ussd-replies-refused".parse().unwrap());
        gateway.set_ussd(None, "*125#", "Balance");
        for ports in [[1], [2]] {
            assert_eq!(client.get(replies).await, json!({"error_code": 500}));
            client.post("send_ussd", &json!({"port": ports, "text": "*125#"}).to_string()).await;
            gateway.idle().await;
        }
        assert_eq!(client.get(replies).await["reply"][1], json!({"port": 2, "text": "Balance"}));
    }
}
