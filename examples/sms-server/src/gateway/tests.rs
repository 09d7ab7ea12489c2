use std::collections::BTreeMap;

use gateway_emulator::{Emulator, Options, Reg};
use sms_gateway::core::track::Timing;
use tokio::time::timeout;

use super::*;
use crate::storage::{
    Acceptance, AccountId, HistoryEntry, Keyword, Lane, MessageId, NewMessage, Place, Priority, Redb, State,
    Time,
};

/// A limit for what must happen; nothing waits for it in vain.
const PATIENCE: Duration = Duration::from_secs(60);
const PORTS: u8 = 4;

/// A server with emulated gateways in one pool.
struct Server {
    shared: Shared,
    emulators: Vec<Emulator>,
    gateways: Vec<Running>,
    pool: PoolId,
}

impl Server {
    async fn start(gateways: usize) -> Self {
        let storage: Arc<dyn Storage> = Arc::new(Redb::in_memory().unwrap());
        let pool = storage.pools(vec!["all".into()]).await.unwrap()[0];
        let shared = Shared {
            queue: Queue::open(Arc::clone(&storage)).await.unwrap(),
            storage,
            sims: Sims::default(),
        };
        let mut emulators = Vec::new();
        for _ in 0..gateways {
            emulators.push(
                Emulator::start(Options { speed: 50.0, ports: PORTS, ..Options::default() }).await.unwrap(),
            );
        }
        let mut server = Self { shared, emulators, gateways: Vec::new(), pool };
        server.run().await;
        server
    }

    async fn run(&mut self) {
        for (index, emulator) in self.emulators.iter().enumerate() {
            let name = format!("box-{index}");
            let id = self.shared.storage.gateways(vec![name.clone()]).await.unwrap()[0];
            let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap();
            let timing = Timing {
                first_result: Duration::from_millis(50),
                first_report: Duration::from_millis(50),
                results_every: Duration::from_millis(50),
                reports_every: Duration::from_millis(50),
                ..Timing::default()
            };
            let settings = Settings {
                id,
                name: name.into(),
                gateway,
                pools: vec![self.pool],
                mode: self.shared.storage.modes().await.unwrap().get(&id).copied().unwrap_or_default(),
                timing,
                incoming: None,
                keywords: Keywords::default(),
                exclusive: true,
                per_port: 2,
                ports_every: Duration::from_millis(100),
                failover_after: Duration::from_millis(200),
            };
            self.gateways.push(Running::start(settings, self.shared.clone()));
        }
    }

    async fn stop(&mut self) {
        for gateway in self.gateways.drain(..) {
            gateway.close();
            gateway.closed().await;
        }
    }

    async fn accept(&self, count: usize) -> Vec<MessageId> {
        let new = |index: usize| NewMessage {
            pool: self.pool,
            to: format!("+861380000{index:04}").into(),
            text: format!("Message {index}").into(),
            reference: None,
            priority: Priority::USUAL,
            expires: Time::now().after(3_600_000),
        };
        let messages = (0..count).map(new).collect();
        let accepted = self.shared.storage.accept(AccountId(0), None, messages, Time::now()).await.unwrap();
        let Acceptance::New(ids) = accepted else { panic!("{accepted:?}") };
        self.shared.queue.added(Lane { pool: self.pool, priority: Priority::USUAL, account: AccountId(0) });
        ids
    }

    /// Waits until all messages have ended, and returns the number of those in each state.
    async fn ended(&self, ids: &[MessageId]) -> BTreeMap<String, usize> {
        let mut states = BTreeMap::new();
        for id in ids {
            let ended = timeout(PATIENCE, async {
                loop {
                    let message = self.shared.storage.message(*id).await.unwrap().unwrap();
                    if message.place == Place::Ended {
                        break message.state;
                    }
                    // The next change follows a request.
                    let seen = self.emulators.iter().map(|emulator| emulator.counts().requests).sum::<u64>();
                    let more = |emulator: &Emulator| emulator.counts().requests;
                    while self.emulators.iter().map(more).sum::<u64>() == seen {
                        tokio::task::yield_now().await;
                    }
                }
            });
            let ended = ended.await.expect("a message does not end");
            *states.entry(format!("{ended:?}")).or_default() += 1;
        }
        states
    }

    /// Asserts that each message arrived at one of the gateways, once.
    fn assert_each_once(&self, count: usize) {
        let mut texts: Vec<String> =
            self.emulators.iter().flat_map(Emulator::messages).map(|seen| seen.text).collect();
        texts.sort_unstable();
        texts.dedup();
        let all: usize = self.emulators.iter().map(|emulator| emulator.messages().len()).sum();
        assert_eq!((texts.len(), all), (count, count));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_sent_by_both_gateways_of_a_pool() {
    let mut server = Server::start(2).await;
    let ids = server.accept(60).await;
    assert_eq!(server.ended(&ids).await, [("Delivered".to_owned(), 60)].into());
    server.assert_each_once(60);
    assert!(server.emulators.iter().all(|emulator| !emulator.messages().is_empty()));
    let history = server.shared.storage.history(ids[0]).await.unwrap();
    assert_eq!(history.first().map(|entry| entry.state), Some(State::Queued));
    assert_eq!(history.last().map(|entry| entry.state), Some(State::Delivered));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_on_after_the_server_was_stopped() {
    let mut server = Server::start(1).await;
    let ids = server.accept(60).await;
    server.emulators[0].counts_when(|counts| counts.requests > 20).await;
    server.stop().await;
    server.shared.queue = Queue::open(Arc::clone(&server.shared.storage)).await.unwrap();
    server.run().await;
    assert_eq!(server.ended(&ids).await, [("Delivered".to_owned(), 60)].into());
    server.assert_each_once(60);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_a_registered_port_gets_no_message() {
    let mut server = Server::start(2).await;
    for port in 0..PORTS {
        server.emulators[0].set_reg(port, Reg::Unregister);
    }
    // The ports are empty until the first response, which may have been written before the change.
    let is_known = |gateway: &Running| !gateway.ports().is_empty();
    let is_registered = |port: &Port| port.is_registered;
    while !server.gateways.iter().all(is_known) || server.gateways[0].ports().iter().any(is_registered) {
        let seen = server.emulators[0].counts().requests;
        server.emulators[0].counts_when(|counts| counts.requests > seen).await;
    }
    let ids = server.accept(20).await;
    assert_eq!(server.ended(&ids).await, [("Delivered".to_owned(), 20)].into());
    assert!(server.emulators[0].messages().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_message_is_not_sent() {
    let server = Server::start(0).await;
    let ids = server.accept(1).await;
    let message = server.shared.storage.message(ids[0]).await.unwrap().unwrap();
    let entry = HistoryEntry::new(Time::now(), State::Cancelled);
    assert_eq!(server.shared.queue.end(ids[0], message, entry).await.unwrap(), Some(Place::Queued));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_gateway_gets_no_message_even_after_a_restart() {
    let mut server = Server::start(2).await;
    let paused = server.shared.storage.gateways(vec!["box-0".into()]).await.unwrap()[0];
    server.shared.storage.set_mode(paused, Mode::Paused).await.unwrap();
    server.stop().await;
    server.run().await;
    assert!(server.gateways[0].obstacles().contains(&Obstacle::Paused));
    let ids = server.accept(20).await;
    assert_eq!(server.ended(&ids).await, [("Delivered".to_owned(), 20)].into());
    assert!(server.emulators[0].messages().is_empty());
    server.gateways[0].set_mode(Mode::Active);
    server.gateways[1].set_mode(Mode::Paused);
    let ids = server.accept(20).await;
    assert_eq!(server.ended(&ids).await, [("Delivered".to_owned(), 20)].into());
    assert_eq!(server.emulators[0].messages().len(), 20);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sim_card_that_fails_again_and_again_is_quarantined() {
    const FAILING: &str = "+8613800000000";
    let server = Server::start(1).await;
    let gateway = &server.gateways[0];
    for port in 1..PORTS {
        server.emulators[0].set_reg(port, Reg::Unregister);
    }
    let registered = || gateway.ports().iter().filter(|port| port.is_registered).count();
    while registered() != 1 {
        let seen = server.emulators[0].counts().requests;
        server.emulators[0].counts_when(|counts| counts.requests > seen).await;
    }
    server.emulators[0].set_fate(FAILING, gateway_emulator::Fate::Fail);
    // The first five messages have this number.
    for _ in 0..5 {
        let ids = server.accept(1).await;
        assert_eq!(server.ended(&ids).await, [("Failed".to_owned(), 1)].into());
    }
    timeout(PATIENCE, async {
        while gateway.obstacles() != [Obstacle::AllSimsQuarantined] {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the card is not quarantined");
    let card = gateway.ports().into_iter().find(|port| port.is_registered).unwrap();
    assert!(matches!(gateway.sim(&card), SimUse::Quarantined(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_message_is_cancelled_if_its_recipient_opted_out() {
    let mut server = Server::start(0).await;
    let ids = server.accept(2).await;
    let first = server.shared.storage.message(ids[0]).await.unwrap().unwrap();
    server.shared.storage.set_opt_out(AccountId(0), first.to, Keyword::Stop, Time::now()).await.unwrap();
    server.emulators.push(Emulator::start(Options { speed: 50.0, ..Options::default() }).await.unwrap());
    server.run().await;
    let expected = [("Cancelled".to_owned(), 1), ("Delivered".to_owned(), 1)].into();
    assert_eq!(server.ended(&ids).await, expected);
    assert_eq!(server.emulators[0].messages().len(), 1);
    let history = server.shared.storage.history(ids[0]).await.unwrap();
    assert_eq!(history[1].detail.as_deref(), Some("the recipient opted out"));
    server.stop().await;
}
