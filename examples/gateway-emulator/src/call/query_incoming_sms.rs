//! `query_incoming_sms`, §6 of the document.

use crate::{
    clock,
    device::{
        Device,
        inbox::{Flag, Incoming},
        port::{Port, Ports},
    },
    json::{Answer, Record, Writer},
    params::{Asked, BAD_FORMAT, Query},
};

pub(super) fn run(device: &mut Device, query: &Query) -> Asked<Answer> {
    let after = query.integer("incoming_sms_id")?.unwrap_or(0);
    let flag = flag(query.get("flag"))?;
    let ports = if device.quirks.later_version { query.ports()?.unwrap_or(Ports::ALL) } else { Ports::ALL };
    let (ids, records, is_cut) = page(device, after, flag, ports);
    if flag == Flag::Unread {
        device.inbox.mark_read(&ids);
    }
    let (read, unread) = device.inbox.counts();
    let mut answer = Answer::code(200).array("sms", records).then("read", read).then("unread", unread);
    answer.limit = is_cut.then(|| device.answer_limit.max(MIN_CUT));
    Ok(answer)
}

fn flag(name: Option<&str>) -> Asked<Flag> {
    match name {
        None | Some("unread") => Ok(Flag::Unread),
        Some("read") => Ok(Flag::Read),
        Some("all") => Ok(Flag::All),
        Some(_) => Err(BAD_FORMAT),
    }
}

/// The minimum length of a response that is cut within a record, in bytes.
const MIN_CUT: usize = 400;

/// Returns the ids and the records that fit into one response, and whether the last record has to be cut. The first matching
/// record is always included.
fn page(device: &Device, after: u64, flag: Flag, ports: Ports) -> (Vec<u64>, Vec<Record>, bool) {
    let writer = Writer(&device.quirks);
    let mut room = device.answer_limit;
    let mut chosen: Vec<_> = device.inbox.select(after, flag).filter(|sms| ports.has(sms.port)).collect();
    if device.quirks.newest_first {
        chosen.reverse();
    }
    if device.quirks.shuffled_inbox {
        // An arbitrary order, as if storage slots were reused.
        chosen.sort_by_key(|sms| sms.id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    let cuts = device.quirks.cut_records;
    let records = chosen.into_iter().map(|sms| (sms.id, record(device, sms)));
    let (mut first, mut is_cut) = (true, false);
    let fits = |(_, record): &(u64, Record)| {
        let size = writer.record(record).len() + 1;
        // The record at the limit is cut: it begins before the limit and ends after it.
        let is_last = cuts && room > 0 && size > room;
        let fits = first || size <= room || is_last;
        is_cut |= is_last;
        first = false;
        room = room.saturating_sub(size);
        fits
    };
    let (ids, records) = records.take_while(fits).unzip();
    (ids, records, is_cut)
}

fn record(device: &Device, sms: &Incoming) -> Record {
    let port = device.ports.get(usize::from(sms.port));
    let mut record = vec![
        ("incoming_sms_id", sms.id.into()),
        ("port", sms.port.into()),
        ("number", sms.number.as_str().into()),
        ("smsc", port.map_or_else(String::new, Port::smsc).into()),
        ("timestamp", clock::format(sms.received).into()),
        ("text", sms.text.as_str().into()),
    ];
    record.extend(device.imsi_field(sms.port));
    record
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::{
        Options,
        test_client::{Client, open},
    };

    /// Returns the ids in the response to a query, and its counts of read and unread messages.
    async fn ids(client: &mut Client, query: &str) -> (Vec<u64>, u64, u64) {
        let answer = client.get(&format!("/api/query_incoming_sms{query}")).await;
        let ids = answer["sms"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|sms| sms["incoming_sms_id"].as_u64())
            .collect();
        (ids, answer["read"].as_u64().unwrap(), answer["unread"].as_u64().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_has_what_the_document_lists() {
        let (gateway, mut client) = open(Options { start_time: Some(0), ..Options::default() }).await;
        assert_eq!(gateway.receive_sms(2, "Bank", "Grüße\n\"1\""), 1);
        let raw = client.request("GET", "/api/query_incoming_sms?flag=all", "", "").await.unwrap();
        assert_eq!(
            raw.body,
            r#"{"error_code":200,"sms":[{"incoming_sms_id":1,"port":2,"number":"Bank","smsc":"+8613010868500","timestamp":"1970-01-01 00:00:00","text":"Grüße\n\"1\""}],"read":0,"unread":1}"#
        );
    }

    #[tokio::test]
    async fn unread_is_the_default_and_marks_as_read() {
        let (gateway, mut client) = open(Options::default()).await;
        for _ in 0..3 {
            gateway.receive_sms(0, "1", "a");
        }
        assert_eq!(ids(&mut client, "?flag=all").await, (vec![1, 2, 3], 0, 3));
        assert_eq!(ids(&mut client, "?flag=read").await, (vec![], 0, 3));
        assert_eq!(ids(&mut client, "?incoming_sms_id=2&flag=unread").await, (vec![3], 1, 2));
        assert_eq!(ids(&mut client, "?flag=read").await, (vec![3], 1, 2));
        gateway.read_sms(1);
        assert_eq!(ids(&mut client, "").await, (vec![2], 3, 0));
        assert_eq!(ids(&mut client, "").await, (vec![], 3, 0));
        assert_eq!(ids(&mut client, "?flag=all&incoming_sms_id=1").await, (vec![2, 3], 3, 0));
        assert_eq!(ids(&mut client, "?flag=all&incoming_sms_id=99").await, (vec![], 3, 0));
    }

    #[tokio::test]
    async fn long_answers_are_cut_between_records_and_only_what_is_shown_is_read() {
        let (gateway, mut client) = open(Options::default()).await;
        for _ in 0..200 {
            gateway.receive_sms(0, "13800138000", &"x".repeat(70));
        }
        let (mut last, mut seen, mut pages) = (0, Vec::new(), 0);
        loop {
            let target = format!("/api/query_incoming_sms?flag=unread&incoming_sms_id={last}");
            let raw = client.request("GET", &target, "", "").await.unwrap();
            assert!(raw.body.len() < 8192 + 100);
            let answer: Value = serde_json::from_str(&raw.body).unwrap();
            let page: Vec<_> = answer["sms"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|sms| sms["incoming_sms_id"].as_u64())
                .collect();
            let Some(&end) = page.last() else { break };
            (last, pages) = (end, pages + 1);
            seen.extend(page);
            assert_eq!(answer["read"], seen.len());
        }
        assert!(pages > 3);
        assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn one_record_is_returned_whatever_its_length() {
        let (gateway, mut client) = open(Options { answer_limit: 0, ..Options::default() }).await;
        gateway.receive_sms(0, "1", &"x".repeat(9000));
        gateway.receive_sms(0, "1", "y");
        assert_eq!(ids(&mut client, "?flag=all").await.0, [1]);
        assert_eq!(ids(&mut client, "?flag=all&incoming_sms_id=1").await.0, [2]);
    }

    #[tokio::test]
    async fn ports_are_heeded_by_later_versions() {
        for (list, expected) in [("none", vec![1, 2]), ("later-version", vec![2])] {
            let (gateway, mut client) =
                open(Options { quirks: list.parse().unwrap(), ..Options::default() }).await;
            gateway.receive_sms(0, "1", "a");
            gateway.receive_sms(3, "1", "b");
            assert_eq!(ids(&mut client, "?flag=all&port=3,4").await.0, expected);
            let answer = client.get("/api/query_incoming_sms?flag=all").await;
            assert_eq!(
                answer["sn"].is_string() && answer["sms"][0]["imsi"].is_string(),
                list == "later-version"
            );
        }
    }

    #[tokio::test]
    async fn ids_are_in_any_order_and_equal() {
        let shuffled = [5, 2, 4, 1, 3].map(|id: u64| (id.wrapping_mul(0x9E37_79B9_7F4A_7C15), id));
        let shuffled = std::collections::BTreeMap::from(shuffled).into_values().collect();
        let orders = [
            ("newest-first", vec![5, 4, 3, 2, 1]),
            ("shuffled-inbox", shuffled),
            ("equal-ids", vec![1, 2, 2, 3, 4]),
        ];
        for (list, expected) in orders {
            let (gateway, mut client) =
                open(Options { quirks: list.parse().unwrap(), ..Options::default() }).await;
            for _ in 0..5 {
                gateway.receive_sms(0, "1", "a");
            }
            assert_eq!(ids(&mut client, "?flag=all").await.0, expected, "{list}");
        }
    }

    #[tokio::test]
    async fn long_answers_are_cut_within_a_record_by_a_quirk() {
        let quirks = "cut-records".parse().unwrap();
        let (gateway, mut client) = open(Options { quirks, answer_limit: 1000, ..Options::default() }).await;
        for _ in 0..20 {
            gateway.receive_sms(0, "1", "a");
        }
        let raw = client.request("GET", "/api/query_incoming_sms?flag=all", "", "").await.unwrap();
        assert_eq!((raw.body.len(), raw.body.ends_with('}')), (1000, false));
        assert_eq!(ids(&mut client, "?flag=all&incoming_sms_id=18").await.0, [19, 20]);
    }

    #[tokio::test]
    async fn faults_are_refused() {
        let (_gateway, mut client) = open(Options::default()).await;
        for query in ["flag=new", "flag=", "incoming_sms_id=x", "incoming_sms_id=-1", "incoming_sms_id="] {
            assert_eq!(
                client.get(&format!("/api/query_incoming_sms?{query}")).await["error_code"],
                400,
                "{query}"
            );
        }
    }
}
