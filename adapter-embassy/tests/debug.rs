//! `Debug` of lent memory shows its sizes but not its contents.

#![allow(missing_docs)]

mod common;

use common::{
    mock::{Mock, MockResponse, NetworkProfile, Then},
    send,
};
use sms_gateway_embassy::{
    Gateway, Memory, MessengerBuffers, RamStore, Store,
    core::track::{PendingReport, Slot},
    store::{Key, Write},
};

/// The bytes in the form in which a derived `Debug` shows them.
fn bytes_of(text: &str) -> String {
    format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned()
}

#[tokio::test(start_paused = true)]
async fn memory_hides_the_password_after_a_basic_login() {
    let device = |request: &str| {
        if request.contains("Authorization: Basic YWRtaW46aHVudGVyMg==") {
            return common::device::documented_response(request);
        }
        let head = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
        MockResponse::new(head, Then::Listen)
    };
    let mut memory: Memory = Memory::new();
    let mut entropy = || 0;
    let mock = Mock::new(device, NetworkProfile::default());
    let mut gateway = Gateway::new(mock, "box", memory.buffers(), &mut entropy)
        .credentials("admin", "hunter2")
        .allow_basic(true);
    send(&mut gateway, "10086", 1).await.unwrap();
    for shown in [format!("{memory:?}"), format!("{:?}", memory.buffers())] {
        assert!(!shown.contains(&bytes_of("YWRtaW46aHVudGVyMg==")), "the password");
        assert!(
            shown.ends_with(" { request: 2048, response: 1536, record: 2048, challenge: 512 }"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn messenger_buffers_and_ram_store_hide_texts() {
    let (mut slots, mut pending_reports, mut stored) = ([Slot::EMPTY; 2], [PendingReport::EMPTY; 1], [0; 32]);
    let (mut texts, mut incoming) = (*b"secret", *b"secret2");
    let buffers = MessengerBuffers {
        slots: &mut slots,
        pending_reports: &mut pending_reports,
        texts: &mut texts,
        incoming: &mut incoming,
    };
    assert_eq!(
        format!("{buffers:?}"),
        "MessengerBuffers { slots: 2, pending_reports: 1, texts: 6, incoming: 7 }"
    );
    let mut store = RamStore::new(&mut stored);
    store.save(&[Write { key: Key::Text(1), value: Some(b"secret") }]).await.unwrap();
    assert_eq!(format!("{store:?}"), "RamStore { size: 32, used: 12 }");
}
