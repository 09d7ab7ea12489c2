//! The model: maps of everything, and none of the indexes.

mod held;
mod opt_outs;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sms_gateway::store::Write;

use super::{
    super::{
        Acceptance, AccountId, GatewayId, HistoryEntry, IdempotencyKey, Keyword, Lane, MessageId, NewMessage,
        Outcome, Place, PoolId, Priority, Redb, Report, State, Storage, Time,
    },
    NOW, record, reference,
};

/// A change. Messages and records are chosen by their place among the existing ones.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Accept {
        account: u32,
        pool: u16,
        priority: u8,
        key: Option<u8>,
        request: u8,
        count: usize,
        expires: u64,
    },
    Bind {
        gateway: u32,
        message: usize,
    },
    Report {
        message: usize,
        outcome: Outcome,
        is_stale: bool,
    },
    DeleteText {
        message: usize,
    },
    DeleteRecord {
        message: usize,
    },
    Cancel {
        message: usize,
    },
    Expire,
    /// All queued messages are held, as when a backup is restored.
    Hold,
    Release {
        message: usize,
    },
    Keyword {
        account: u32,
        number: u8,
        keyword: Keyword,
    },
    Pass {
        milliseconds: u64,
    },
}

pub(super) fn steps() -> impl Strategy<Value = Step> {
    let states = prop::sample::select(vec![
        Outcome::Is(State::Accepted),
        Outcome::Is(State::Sent),
        Outcome::Ended(State::Sent),
        Outcome::Ended(State::Delivered),
        Outcome::Ended(State::Failed),
        Outcome::NotAccepted,
    ]);
    prop_oneof![
        4 => (0..2u32, 0..3u16, 0..10u8, prop::option::of(0..4u8), 0..2u8, 0..4usize, 0..100u64).prop_map(
            |(account, pool, priority, key, request, count, expires)| Step::Accept {
                account, pool, priority, key, request, count, expires
            }
        ),
        4 => (0..2u32, any::<usize>()).prop_map(|(gateway, message)| Step::Bind { gateway, message }),
        4 => (any::<usize>(), states, prop::bool::weighted(0.2))
            .prop_map(|(message, outcome, is_stale)| Step::Report { message, outcome, is_stale }),
        1 => any::<usize>().prop_map(|message| Step::DeleteText { message }),
        1 => any::<usize>().prop_map(|message| Step::DeleteRecord { message }),
        1 => any::<usize>().prop_map(|message| Step::Cancel { message }),
        1 => Just(Step::Expire),
        1 => Just(Step::Hold),
        2 => any::<usize>().prop_map(|message| Step::Release { message }),
        2 => (0..2u32, 0..2u8, prop::sample::select(vec![Keyword::Stop, Keyword::Start]))
            .prop_map(|(account, number, keyword)| Step::Keyword { account, number, keyword }),
        1 => (0..60u64).prop_map(|milliseconds| Step::Pass { milliseconds }),
    ]
}

#[derive(Debug)]
struct Known {
    account: AccountId,
    lane: Lane,
    expires: Time,
    place: Place,
    is_unwanted: bool,
    states: Vec<State>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    now: u64,
    messages: BTreeMap<MessageId, Known>,
    keys: BTreeMap<(u32, u8), (u8, Vec<MessageId>)>,
    /// The messengers' records: their message, and whether its text is needed.
    records: BTreeMap<(GatewayId, u32), (MessageId, bool)>,
    next_key: u32,
    opt_outs: BTreeMap<(AccountId, String), Time>,
}

/// The recipient of the messages of a lane: one of two.
fn recipient(lane: Lane) -> String {
    (lane.pool.0 % 2).to_string()
}

fn hash(byte: u8) -> [u8; 16] {
    [byte; 16]
}

impl Model {
    fn now(&self) -> Time {
        NOW.after(self.now)
    }

    fn pick(&self, place: usize) -> Option<MessageId> {
        let count = self.messages.len().max(1);
        self.messages.keys().nth(place % count).copied()
    }

    pub(super) async fn play(&mut self, storage: &Redb, step: &Step) {
        match *step {
            Step::Accept { account, pool, priority, key, request, count, expires } => {
                let lane = Lane {
                    pool: PoolId(pool),
                    priority: Priority::new(priority).unwrap(),
                    account: AccountId(account),
                };
                self.accept(storage, lane, key.map(|key| (key, request)), count, expires).await;
            }
            Step::Bind { gateway, message } => self.bind(storage, GatewayId(gateway), message).await,
            Step::Report { message, outcome, is_stale } => {
                self.report(storage, message, outcome, is_stale).await;
            }
            Step::DeleteText { message } => {
                if let Some(Place::Bound { gateway, key }) =
                    self.pick(message).map(|id| self.messages[&id].place)
                    && let Some(record) = self.records.get_mut(&(gateway, key))
                {
                    record.1 = false;
                    storage.save(gateway, vec![Write::DeleteText { key }], NOW).await.unwrap();
                }
            }
            Step::DeleteRecord { message } => {
                let chosen = self.records.keys().nth(message % self.records.len().max(1)).copied();
                if let Some((gateway, key)) = chosen {
                    self.records.remove(&(gateway, key));
                    storage.save(gateway, vec![Write::Delete { key }], NOW).await.unwrap();
                }
            }
            Step::Cancel { message } => self.cancel(storage, message).await,
            Step::Expire => self.expire(storage).await,
            Step::Keyword { account, number, keyword } => {
                self.keyword(storage, AccountId(account), &number.to_string(), keyword).await;
            }
            Step::Hold => self.hold(storage),
            Step::Release { message } => self.release(storage, message).await,
            Step::Pass { milliseconds } => self.now += milliseconds,
        }
    }

    async fn accept(
        &mut self,
        storage: &dyn Storage,
        lane: Lane,
        key: Option<(u8, u8)>,
        count: usize,
        expires: u64,
    ) {
        let (now, expires) = (self.now(), self.now().after(expires));
        let new = NewMessage {
            pool: lane.pool,
            to: recipient(lane).into(),
            text: "Hello".into(),
            reference: None,
            priority: lane.priority,
            expires,
        };
        let until = now.after(1_000_000);
        let hashes =
            key.map(|(key, request)| IdempotencyKey { key: hash(key), request: hash(request), until });
        let accepted = storage.accept(lane.account, hashes, vec![new; count], now).await.unwrap();
        let known = key.and_then(|(key, _)| self.keys.get(&(lane.account.0, key)));
        match known {
            Some((request, ids)) if key.is_some_and(|(_, now)| now == *request) => {
                assert_eq!(accepted, Acceptance::Known(ids.clone()));
            }
            Some(_) => assert_eq!(accepted, Acceptance::Conflict),
            None if count > 0 && self.opt_outs.contains_key(&(lane.account, recipient(lane))) => {
                assert_eq!(accepted, Acceptance::OptedOut(0));
            }
            None => {
                let Acceptance::New(ids) = accepted else { panic!("{accepted:?}") };
                assert_eq!(ids.len(), count);
                for id in &ids {
                    let known = Known::new(lane, expires);
                    assert!(self.messages.insert(*id, known).is_none(), "an id is used twice");
                }
                if let Some((key, request)) = key {
                    self.keys.insert((lane.account.0, key), (request, ids));
                }
            }
        }
    }

    async fn bind(&mut self, storage: &dyn Storage, gateway: GatewayId, message: usize) {
        let Some(id) = self.pick(message) else { return };
        self.next_key += 1;
        let key = self.next_key;
        let bound = storage.save(gateway, vec![record(key), reference(key, id)], NOW).await;
        let known = self.messages.get_mut(&id).unwrap();
        assert_eq!(bound.is_ok(), known.place == Place::Queued, "{bound:?}");
        if bound.is_ok() {
            known.place = Place::Bound { gateway, key };
            known.states.push(State::Submitting);
            self.records.insert((gateway, key), (id, true));
        }
    }

    async fn report(&mut self, storage: &dyn Storage, message: usize, outcome: Outcome, is_stale: bool) {
        let Some(id) = self.pick(message) else { return };
        let known = self.messages.get_mut(&id).unwrap();
        let (gateway, key) = match known.place {
            Place::Bound { gateway, key } => (gateway, key + u32::from(is_stale)),
            _ => (GatewayId(0), 1),
        };
        let report =
            Report { message: id, gateway, key, at: NOW, port: Some(3), outcome, detail: Some("why".into()) };
        let applied = storage.report(vec![report]).await.unwrap()[0];
        let (state, place) = match outcome {
            Outcome::Is(state) => (state, known.place),
            Outcome::Ended(State::Expired) if known.states.last() == Some(&State::Accepted) => {
                (State::Unresolved, Place::Ended)
            }
            Outcome::Ended(state) => (state, Place::Ended),
            Outcome::NotAccepted if known.is_unwanted => (State::Cancelled, Place::Ended),
            Outcome::NotAccepted => (State::Queued, Place::Queued),
        };
        let is_bound = known.place == Place::Bound { gateway, key };
        let is_news = is_bound && (!matches!(outcome, Outcome::Is(_)) || known.states.last() != Some(&state));
        assert_eq!(applied, is_news);
        if is_news {
            // An end without a new state adds nothing to the history.
            if !matches!(outcome, Outcome::Ended(_)) || known.states.last() != Some(&state) {
                known.states.push(state);
            }
            known.place = place;
        }
    }

    async fn cancel(&mut self, storage: &dyn Storage, message: usize) {
        let Some(id) = self.pick(message) else { return };
        let found = storage.end(id, HistoryEntry::new(NOW, State::Cancelled)).await.unwrap();
        let known = self.messages.get_mut(&id).unwrap();
        assert_eq!(found, Some(known.place));
        match known.place {
            Place::Queued | Place::Held => known.end(State::Cancelled),
            Place::Bound { .. } => known.is_unwanted = true,
            Place::Ended => {}
        }
    }

    async fn expire(&mut self, storage: &dyn Storage) {
        let now = self.now();
        let expired = storage.expired(now, usize::MAX).await.unwrap();
        let due =
            self.messages.iter().filter(|(_, known)| known.place == Place::Queued && known.expires < now);
        let due: BTreeSet<_> = due.map(|(id, _)| *id).collect();
        assert_eq!(expired.iter().copied().collect::<BTreeSet<_>>(), due);
        for id in expired {
            let found = storage.end(id, HistoryEntry::new(now, State::Expired)).await.unwrap();
            assert_eq!(found, Some(Place::Queued));
            self.messages.get_mut(&id).unwrap().end(State::Expired);
        }
    }

    pub(super) async fn compare(&self, storage: &dyn Storage) {
        let mut queued: BTreeMap<Lane, Vec<MessageId>> = BTreeMap::new();
        for (id, known) in &self.messages {
            let stored = storage.message(*id).await.unwrap().unwrap();
            assert_eq!((stored.place, Some(&stored.state)), (known.place, known.states.last()));
            let history = storage.history(*id).await.unwrap();
            assert_eq!(history.iter().map(|entry| entry.state).collect::<Vec<_>>(), known.states);
            if known.place == Place::Queued {
                queued.entry(known.lane).or_default().push(*id);
            }
        }
        let lanes: BTreeSet<Lane> = storage.lanes().await.unwrap().into_iter().collect();
        assert_eq!(lanes, queued.keys().copied().collect());
        for (lane, ids) in queued {
            let whole = storage.queued(lane, None, usize::MAX).await.unwrap();
            assert_eq!(whole.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
            let rest = storage.queued(lane, Some(ids[0]), 1).await.unwrap();
            assert_eq!(rest.first().map(|(id, _)| *id), ids.get(1).copied());
        }
        self.compare_lists(storage).await;
        self.compare_held(storage).await;
        self.compare_opt_outs(storage).await;
        self.compare_records(storage).await;
    }

    async fn compare_lists(&self, storage: &dyn Storage) {
        for account in [AccountId(0), AccountId(1)] {
            let of_account = self.messages.iter().rev().filter(|(_, known)| known.account == account);
            let expected: Vec<_> = of_account.map(|(id, _)| *id).collect();
            let mut listed = Vec::new();
            loop {
                let page = storage.list(Some(account), listed.last().copied(), 3).await.unwrap();
                if page.is_empty() {
                    break;
                }
                listed.extend(page.into_iter().map(|(id, _)| id));
            }
            assert_eq!(listed, expected);
        }
    }

    async fn compare_records(&self, storage: &dyn Storage) {
        for gateway in [GatewayId(0), GatewayId(1)] {
            let entries = storage.records(gateway).await.unwrap();
            let stored: Vec<_> = entries
                .iter()
                .map(|entry| {
                    (entry.key, entry.reference.as_deref().unwrap().to_owned(), entry.text.is_some())
                })
                .collect();
            let expected: Vec<_> = self
                .records
                .iter()
                .filter(|((of, _), _)| *of == gateway)
                .map(|((_, key), (id, has_text))| (*key, id.to_string(), *has_text))
                .collect();
            assert_eq!(stored, expected);
        }
    }
}

impl Known {
    fn new(lane: Lane, expires: Time) -> Self {
        let states = vec![State::Queued];
        Self { account: lane.account, lane, expires, place: Place::Queued, is_unwanted: false, states }
    }

    fn end(&mut self, state: State) {
        self.place = Place::Ended;
        self.states.push(state);
    }
}
