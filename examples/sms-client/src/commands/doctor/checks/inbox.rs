//! The inbox: its order and its pages. Only messages already marked as read are queried, so the check marks no message as read.

use crate::{
    commands::doctor::{
        ask::{Asker, Login},
        finding::Findings,
        json::Value,
        schema::{self, INBOX},
    },
    failure::Failure,
};

/// The maximum plausible number of unread messages.
const MAX_UNREAD: i64 = 99_999;

pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) -> Result<(), Failure> {
    let Some((page, length)) = page(asker, 0, findings).await? else { return Ok(()) };
    match page.integer("unread") {
        Some(unread @ 0..=MAX_UNREAD) => {
            findings.fact("inbox", "unread", format!("Unread messages: {unread}. They were not looked at."));
        }
        Some(_) => findings.quirk("inbox", "odd-count", "The count of unread messages is not plausible."),
        None => {}
    }
    let ids = ids(&page);
    let Some(last) = ids.iter().copied().max() else {
        findings.fact("inbox", "no-messages", "There are no messages that are read already.");
        return Ok(());
    };
    let (up, down) = (ids.is_sorted(), ids.iter().rev().is_sorted());
    let text = match (up, down) {
        (true, true) => "There is one message that is read already.",
        (true, false) => "The ids of messages ascend.",
        (false, true) => "The ids of messages descend.",
        (false, false) => "The ids of messages are in no order.",
    };
    findings.fact("inbox", "inbox-order", text);
    let has_equal = ids.iter().enumerate().any(|(at, id)| ids.iter().skip(at + 1).any(|other| other == id));
    if has_equal {
        findings.quirk("inbox", "equal-ids", "Several messages have the same id.");
    }
    match (up, down) {
        (false, true) => {
            findings.quirk("inbox", "newest-first", "The newest messages are listed first.");
        }
        (false, false) => {
            findings.quirk("inbox", "shuffled-inbox", "The messages are listed in no order of their ids.");
        }
        _ => {}
    }
    let Some((next, _)) = self::page(asker, last, findings).await? else { return Ok(()) };
    let next = self::ids(&next);
    if next.iter().any(|id| *id <= last) {
        let text = "The gateway returns messages up to the id after which it was asked to begin.";
        findings.problem("inbox", "id-filter-ignored", text);
    } else if next.is_empty() {
        findings.fact("inbox", "one-page", format!("All {} messages fit into one response.", ids.len()));
    } else {
        let text = format!("A response has {} messages and {length} bytes; others follow.", ids.len());
        findings.fact("inbox", "several-pages", text);
    }
    Ok(())
}

/// Returns a page of messages already marked as read, and its length in bytes.
async fn page(
    asker: &mut Asker,
    after: i64,
    findings: &mut Findings,
) -> Result<Option<(Value, usize)>, Failure> {
    let target = format!("/api/query_incoming_sms?incoming_sms_id={after}&flag=read");
    let answer = asker.get(Login::With, &target).await?;
    let value = schema::examine(&INBOX, &answer, findings);
    Ok(value.map(|value| (value, answer.body.len())))
}

fn ids(page: &Value) -> Vec<i64> {
    page.records("sms").iter().filter_map(|sms| sms.integer("incoming_sms_id")).collect()
}
