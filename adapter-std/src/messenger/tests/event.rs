//! Events that are not updates of a message.

use crate::messenger::event::{Event, EventSender};

#[tokio::test]
async fn events_without_room_are_counted() {
    let (mut sender, mut events) = EventSender::new(2);
    for _ in 0..5 {
        sender.send(Event::InboxRestarted);
    }
    for _ in 0..2 {
        assert_eq!(events.next().await, Some(Event::InboxRestarted));
    }
    sender.send(Event::InboxRestarted);
    assert_eq!(events.next().await, Some(Event::Missed { events: 3 }));
    assert_eq!(events.next().await, Some(Event::InboxRestarted));
    drop(sender);
    assert_eq!(events.next().await, None);
}

#[test]
fn an_event_serializes_with_its_kind() {
    let event = serde_json::to_string(&Event::Missed { events: 3 }).unwrap();
    assert_eq!(event, r#"{"event":"missed","events":3}"#);
    assert_eq!(serde_json::to_string(&Event::InboxRestarted).unwrap(), r#"{"event":"inbox_restarted"}"#);
}
