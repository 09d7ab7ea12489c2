//! Inboxes that behave in ways that the API document does not rule out. Each message is still handed out once.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{harness::Harness, list, peer::Request, reply::Reply, subject::MessengerSetup};

use super::model::GatewayModel;

list![
    an_inbox_lists_the_newest_messages_first,
    an_inbox_has_no_order,
    incoming_messages_have_equal_ids,
    an_incoming_message_is_unreadable,
    an_unreadable_message_is_listed_before_known_ones,
    pages_are_cut_within_a_record,
    pages_without_an_order_are_cut,
    ids_restart_twice_while_messages_are_held,
];

const INBOX: MessengerSetup = MessengerSetup::INBOX;

/// The ids and texts of a gateway's messages, in the order in which the gateway lists them.
type Rows = Vec<(i64, &'static str)>;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Serves an inbox. `page` makes a page from the rows with greater ids than the requested one.
fn serve(
    harness: &Harness,
    rows: &Arc<Mutex<Rows>>,
    page: impl Fn(&[(i64, &'static str)]) -> String + Send + 'static,
) {
    let rows = Arc::clone(rows);
    GatewayModel::new().serve_but(harness, move |request| {
        let after = after(request)?;
        let mut rows = rows.lock().unwrap().clone();
        rows.retain(|(id, _)| *id > after);
        Some(Reply::json(&page(&rows)))
    });
}

/// Returns the id after which a request asks for messages; `None` for other calls.
fn after(request: &Request) -> Option<i64> {
    (request.call() == "query_incoming_sms").then(|| {
        let after = request.target.split_once("incoming_sms_id=").map(|(_, rest)| rest);
        after.map_or(0, |after| after.split('&').next().unwrap().parse().unwrap())
    })
}

/// Returns a page with all rows. Quotes in texts are not escaped.
fn whole(rows: &[(i64, &str)]) -> String {
    let mut records = String::new();
    for (id, text) in rows {
        let comma = if records.is_empty() { "" } else { "," };
        let _ = write!(
            records,
            r#"{comma}{{"incoming_sms_id":{id},"port":1,"number":"10000","timestamp":"2026-01-01 10:00:00","text":"{text}"}}"#
        );
    }
    format!(r#"{{"error_code":200,"sms":[{records}],"read":0,"unread":0}}"#)
}

/// Returns a page that is cut off within the record of the last row.
fn cut(rows: &[(i64, &str)]) -> String {
    let page = whole(rows);
    page[..page.len() - 40].to_owned()
}

/// Receives from an inbox that has the messages `rows` at first, and those in `later` after a while. Each readable message must be handed
/// out once, even over a restart.
async fn receive(
    harness: &Harness,
    rows: Rows,
    later: Rows,
    page: impl Fn(&[(i64, &'static str)]) -> String + Send + 'static,
) {
    let is_readable = |row: &&(i64, &'static str)| !row.1.contains('"');
    let mut expected: Vec<String> =
        later.iter().filter(is_readable).map(|(id, text)| line(*id, text)).collect();
    let rows = Arc::new(Mutex::new(rows));
    serve(harness, &rows, page);
    let mut messenger = harness.messenger(INBOX).await;
    messenger.run(seconds(60)).await;
    *rows.lock().unwrap() = later;
    messenger.run(seconds(120)).await;
    messenger.shut_down().await;
    let mut messenger = harness.messenger(INBOX).await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
    let mut received: Vec<String> = harness.logged("incoming ").into_iter().map(|(_, line)| line).collect();
    received.sort();
    expected.sort();
    assert_eq!(received, expected);
}

fn line(id: i64, text: &str) -> String {
    format!("incoming {id} from 10000: {text:?}")
}

async fn an_inbox_lists_the_newest_messages_first(harness: &mut Harness) {
    let rows = vec![(5, "five"), (4, "four"), (3, "three"), (2, "two"), (1, "one")];
    let later = [vec![(7, "seven"), (6, "six")], rows.clone()].concat();
    receive(harness, rows, later, whole).await;
}

async fn an_inbox_has_no_order(harness: &mut Harness) {
    let rows = vec![(3, "three"), (1, "one"), (5, "five"), (2, "two"), (4, "four")];
    let later = [vec![(7, "seven")], rows.clone(), vec![(6, "six")]].concat();
    receive(harness, rows, later, whole).await;
}

async fn incoming_messages_have_equal_ids(harness: &mut Harness) {
    let rows = vec![(1, "one"), (2, "two"), (2, "three"), (2, "four"), (3, "five")];
    let later = [rows.clone(), vec![(3, "six"), (4, "seven"), (4, "eight")]].concat();
    receive(harness, rows, later, whole).await;
}

async fn an_incoming_message_is_unreadable(harness: &mut Harness) {
    let rows = vec![(1, "one"), (2, "two \"quoted\" words"), (3, "three"), (4, "four")];
    let later = [rows.clone(), vec![(5, "five"), (6, "\"six\""), (7, "seven")]].concat();
    receive(harness, rows, later, whole).await;
    for id in [2, 6] {
        assert_eq!(harness.logged(&format!("message {id} of the inbox is unreadable")).len(), 1);
    }
}

async fn an_unreadable_message_is_listed_before_known_ones(harness: &mut Harness) {
    let rows = vec![(2, "two"), (1, "one")];
    let later = [vec![(4, "four"), (3, "three \"quoted\"")], rows.clone()].concat();
    receive(harness, rows, later, whole).await;
    assert_eq!(harness.logged("message 3 of the inbox is unreadable").len(), 1);
}

async fn pages_are_cut_within_a_record(harness: &mut Harness) {
    let rows = vec![(1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "six"), (7, "seven")];
    let later = [rows.clone(), vec![(8, "eight")]].concat();
    receive(harness, rows, later, |rows| if rows.len() > 3 { cut(&rows[..3]) } else { whole(rows) }).await;
}

/// A page contains a message, and after it only a part of a message with a smaller id.
async fn pages_without_an_order_are_cut(harness: &mut Harness) {
    let rows = vec![(2, "two"), (1, "one"), (4, "four"), (3, "three"), (6, "six"), (5, "five")];
    let later = [rows.clone(), vec![(8, "eight"), (7, "seven")]].concat();
    receive(harness, rows, later, |rows| if rows.len() > 4 { cut(&rows[..4]) } else { whole(rows) }).await;
}

/// While the ids restart, the consumer has no room for more messages.
async fn ids_restart_twice_while_messages_are_held(harness: &mut Harness) {
    let rows = Arc::new(Mutex::new(vec![(1, "one"), (2, "two"), (3, "three")]));
    serve(harness, &rows, whole);
    let mut messenger = harness.messenger(MessengerSetup { holds: true, ..INBOX }).await;
    messenger.run(seconds(30)).await;
    let held = harness.logged("incoming ").len();
    for texts in [["four", "five"], ["six", "seven"]] {
        *rows.lock().unwrap() = (1..).zip(texts).collect();
        messenger.run(seconds(60)).await;
    }
    assert_eq!(harness.logged("incoming ").len(), held, "nothing is handed out without room");
    messenger.release().await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
    let mut messenger = harness.messenger(INBOX).await;
    messenger.run(seconds(30)).await;
    messenger.shut_down().await;
    let received: Vec<String> = harness.logged("incoming ").into_iter().map(|(_, line)| line).collect();
    let mut expected = vec![line(1, "one"), line(2, "two")];
    expected.truncate(held);
    expected.extend([line(1, "six"), line(2, "seven")]);
    assert_eq!(received, expected);
}
