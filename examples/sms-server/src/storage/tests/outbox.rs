//! Events and incoming messages.

use super::{
    super::{
        AccountId, GatewayId, HistoryEntry, Incoming, IncomingMark, Keyword, Outcome, Redb, Report, State,
        Storage, Subject, Waiting,
    },
    NOW, accept, record, reference,
};

const ACCOUNT: AccountId = AccountId(0);

async fn subjects(storage: &dyn Storage) -> Vec<Subject> {
    storage
        .due(ACCOUNT, NOW.after(1), 100)
        .await
        .unwrap()
        .into_iter()
        .map(|waiting| waiting.subject)
        .collect()
}

#[tokio::test]
async fn events_are_the_sending_and_the_outcome_and_only_of_accounts_with_a_webhook() {
    let storage = Redb::in_memory().unwrap();
    for has_webhook in [false, true] {
        storage.set_webhooks(if has_webhook { vec![(ACCOUNT, [0; 16])] } else { vec![] }).await.unwrap();
        let [id] = accept(&storage, 1).await[..] else { panic!() };
        storage.save(GatewayId(0), vec![record(1), reference(1, id)], NOW).await.unwrap();
        for outcome in
            [Outcome::Is(State::Accepted), Outcome::Is(State::Sent), Outcome::Ended(State::Delivered)]
        {
            let report = Report {
                message: id,
                gateway: GatewayId(0),
                key: 1,
                at: NOW,
                port: None,
                outcome,
                detail: None,
            };
            storage.report(vec![report]).await.unwrap();
        }
        let events = [3, 4].map(|entry| Subject::Message { id, entry });
        assert_eq!(subjects(&storage).await, if has_webhook { events.to_vec() } else { vec![] });
        let history = storage.history(id).await.unwrap();
        assert_eq!([history[3].state, history[4].state], [State::Sent, State::Delivered]);
    }
}

#[tokio::test]
async fn an_event_is_due_again_after_a_failure_and_gone_after_success() {
    let storage = Redb::in_memory().unwrap();
    storage.set_webhooks(vec![(ACCOUNT, [0; 16])]).await.unwrap();
    let [id] = accept(&storage, 1).await[..] else { panic!() };
    storage.end(id, HistoryEntry::new(NOW, State::Expired)).await.unwrap();
    let first = storage.due(ACCOUNT, NOW, 9).await.unwrap().remove(0);
    let later = NOW.after(5000);
    storage.postpone(ACCOUNT, first.place, later, "why".into()).await.unwrap();
    assert!(storage.due(ACCOUNT, NOW.after(4999), 9).await.unwrap().is_empty());
    assert_eq!(
        storage.due(ACCOUNT, later, 9).await.unwrap(),
        [Waiting { attempts: 1, failure: Some("why".into()), ..first.clone() }]
    );
    storage.finish(ACCOUNT, first.place).await.unwrap();
    storage.postpone(ACCOUNT, first.place, later, "why".into()).await.unwrap();
    assert!(storage.due(ACCOUNT, later, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_incoming_message_is_stored_once_with_one_event() {
    let storage = Redb::in_memory().unwrap();
    storage.set_webhooks(vec![(ACCOUNT, [0; 16])]).await.unwrap();
    let message = Incoming {
        account: ACCOUNT,
        gateway: GatewayId(0),
        port: Some(3),
        from: "+49151".into(),
        text: "Hello".into(),
        received: NOW,
        keyword: None,
    };
    let mark = IncomingMark { id: 1, hash: [7; 16] };
    let id = storage.receive(mark, message.clone()).await.unwrap().unwrap();
    assert_eq!(storage.receive(mark, message.clone()).await.unwrap(), None);
    let other = IncomingMark { id: 2, hash: [7; 16] };
    let second = storage.receive(other, message.clone()).await.unwrap().unwrap();
    assert_eq!(subjects(&storage).await, [Subject::Incoming(id), Subject::Incoming(second)]);
    assert_eq!(storage.incoming(id).await.unwrap(), Some(message.clone()));
    let listed = storage.list_incoming(ACCOUNT, Some(second), 9).await.unwrap();
    assert_eq!(listed, [(id, message)]);
    assert!(storage.list_incoming(AccountId(1), None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_keyword_takes_effect_once_although_its_message_is_received_again() {
    let storage = Redb::in_memory().unwrap();
    let message = |keyword| Incoming {
        account: ACCOUNT,
        gateway: GatewayId(0),
        port: None,
        from: "+49151".into(),
        text: "Stop".into(),
        received: NOW,
        keyword,
    };
    let mark = |id| IncomingMark { id, hash: [7; 16] };
    let out = async || storage.opt_out(ACCOUNT, "+49151".into()).await.unwrap();
    storage.receive(mark(1), message(Some(Keyword::Stop))).await.unwrap();
    assert_eq!(out().await, Some(NOW));
    storage.receive(mark(2), message(None)).await.unwrap();
    assert_eq!(out().await, Some(NOW));
    storage.receive(mark(3), message(Some(Keyword::Start))).await.unwrap();
    assert_eq!(out().await, None);
    // The first one is received again after a restart: the later keyword stands.
    storage.receive(mark(1), message(Some(Keyword::Stop))).await.unwrap();
    assert_eq!(out().await, None);
}
