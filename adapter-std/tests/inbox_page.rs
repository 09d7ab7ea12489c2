//! Acknowledgements while a page of the inbox is being read.

#![allow(missing_docs)]

mod net_peer;

use std::{future::ready, time::Duration};

use net_peer::{NetPeer, Request};
use sms_gateway::{
    Messenger,
    messenger::{Inbox, Incoming},
};

/// The number of messages in the gateway's inbox.
const MESSAGES: i64 = 6;
/// A number of pages that is more than enough to read the inbox one message at a time.
const MAX_PAGES: usize = 20;

fn record(id: i64) -> String {
    format!(
        r#"{{"incoming_sms_id":{id},"port":1,"number":"10086","smsc":"1","timestamp":"2026-01-31 08:00:00","text":"{id}"}}"#
    )
}

/// Lets the messenger handle everything that has arrived: the paused clock moves only when every task waits.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Reads the messages that have arrived.
async fn read(inbox: &mut Inbox) -> Vec<Incoming> {
    let mut messages = Vec::new();
    loop {
        tokio::select! {
            biased;
            message = inbox.next() => messages.push(message.unwrap()),
            () = ready(()) => return messages,
        }
    }
}

/// Responds with a page, record by record. Before the record at a position, acknowledges all messages that were handed out.
/// Returns their texts.
async fn respond(request: Request, inbox: &mut Inbox, acknowledged_at: usize) -> Vec<String> {
    let (_, after) = request.line.split_once("incoming_sms_id=").unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let after: i64 = digits.parse().unwrap_or(0);
    let mut pieces: Vec<_> = (after + 1..=MESSAGES).map(|id| record(id) + ",").collect();
    pieces.push(r#"],"read":0,"unread":0}"#.to_owned());
    let head = r#"{"error_code":200,"sms":["#;
    request.begin(head.len() + pieces.iter().map(String::len).sum::<usize>(), head);
    let (mut texts, mut acknowledged) = (Vec::new(), false);
    let last = pieces.len() - 1;
    for (position, piece) in pieces.into_iter().enumerate() {
        if position == acknowledged_at.min(last) {
            for message in read(inbox).await {
                texts.push(message.text.clone());
                message.acknowledge();
                acknowledged = true;
            }
            settle().await;
        }
        request.send(piece);
        settle().await;
    }
    // Without this, an inbox that was full before the page would stay full.
    if !acknowledged {
        for message in read(inbox).await {
            texts.push(message.text.clone());
            message.acknowledge();
        }
    }
    texts
}

#[tokio::test(start_paused = true)]
async fn acknowledging_in_the_middle_of_a_page_loses_no_message() {
    let expected: Vec<_> = (1..=MESSAGES).map(|id| id.to_string()).collect();
    for capacity in 1..=3 {
        for acknowledged_at in 0..=usize::try_from(MESSAGES).unwrap() {
            let (mut peer, gateway) = NetPeer::new(|builder| builder);
            let builder = Messenger::builder(gateway).incoming(true).unacknowledged(capacity);
            let (messenger, _) = builder.start().await.unwrap();
            let mut inbox = messenger.incoming().unwrap();
            let mut texts = Vec::new();
            for _ in 0..MAX_PAGES {
                let request = peer.request("query_incoming_sms").await;
                texts.extend(respond(request, &mut inbox, acknowledged_at).await);
            }
            assert_eq!(texts, expected, "capacity {capacity}, acknowledged at record {acknowledged_at}");
        }
    }
}
