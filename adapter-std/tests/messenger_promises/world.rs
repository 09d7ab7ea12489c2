//! A gateway, the proxy in front of it, and the lives of a messenger.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use gateway_emulator::{Emulator, MessageSeen, Status};
use sms_gateway::{Gateway, Messenger, Timeouts, core::track::State, messenger::Builder, store::MemoryStore};
use tokio::{runtime::Handle, time::timeout};

use super::{
    common::proxy::{Faults, Proxy},
    following,
    judge::{self, Verdict},
    life,
    mischief::Mischief,
    record::{Known, Record, Reported},
    setup::{Interruption, Policy, Setup},
    wire::Wire,
};

/// The client's time limit, which it waits for at each stall. A response that is slower on a busy machine is lost as well.
const LIMIT: Duration = Duration::from_millis(500);

/// The time after which a messenger is considered stuck. Refused requests are divided slowly, and each response that a busy machine delays
/// beyond [`LIMIT`] adds to the time, so that a world may take minutes.
const DEADLINE: Duration = Duration::from_secs(900);

/// The traffic of one life of the messenger.
pub struct Life {
    pub wire: Arc<Wire>,
    pub is_killed: bool,
}

pub struct World {
    pub setup: Setup,
    pub emulator: Emulator,
    pub proxy: Mutex<Proxy>,
    pub record: Record,
    pub lives: Mutex<Vec<Life>>,
    mischief: Mutex<Mischief>,
    store: MemoryStore,
}

/// Plays a world to its end, and judges it.
pub fn play(setup: Setup, gateways: &Handle) -> Verdict {
    let world = Arc::new(gateways.block_on(World::start(setup)));
    let happening = gateways.spawn(happen(Arc::clone(&world)));
    for interruption in world.setup.interruptions.iter().map(Some).chain([None]) {
        // The end of this runtime kills the messenger, unless the messenger was shut down.
        let runtime = following::runtime();
        if runtime.block_on(timeout(DEADLINE, life::live(&world, interruption))).is_err() {
            world.record.flaw(format!("the messenger is not done in time; {:?}", world.emulator.counts()));
        }
    }
    happening.abort();
    let runtime = following::runtime();
    if runtime.block_on(timeout(DEADLINE, life::after(&world))).is_err() {
        world.record.flaw("the messenger does not poll after its last start".to_owned());
    }
    judge::judge(&world)
}

/// Lets events happen at the gateway after each request. A gateway that is down at first comes up after a message has expired.
async fn happen(world: Arc<World>) {
    if world.setup.is_down_at_first {
        let is_expired = |message: sms_gateway::Message| message.state == State::Expired;
        world
            .record
            .when(|reported| reported.outgoing.iter().any(|known| known.latest.is_some_and(is_expired)))
            .await;
        world.proxy.lock().unwrap_or_else(PoisonError::into_inner).come_up();
    }
    let mut serial = 0;
    loop {
        for request in world.emulator.requests_after(serial).await {
            serial = request.serial;
            world.mischief.lock().unwrap_or_else(PoisonError::into_inner).act(&world.emulator);
        }
    }
}

impl World {
    async fn start(setup: Setup) -> Self {
        let emulator = Emulator::start(setup.options.clone()).await.unwrap();
        let mut proxy = Proxy::start(emulator.addr(), setup.options.seed, setup.faults.clone());
        if setup.is_down_at_first {
            proxy.go_down().await;
        }
        Self {
            emulator,
            proxy: Mutex::new(proxy),
            record: Record::new(setup.outgoing.len()),
            lives: Mutex::default(),
            mischief: Mutex::new(setup.mischief.clone()),
            store: MemoryStore::new(),
            setup,
        }
    }

    /// Returns a builder for a messenger that continues with the world's store. The bytes of its traffic are recorded.
    pub fn builder(&self, interruption: Option<&Interruption>) -> Builder {
        let wire = Arc::<Wire>::default();
        let is_killed = interruption.is_some_and(|interruption| !interruption.is_orderly);
        self.lives.lock().unwrap().push(Life { wire: Arc::clone(&wire), is_killed });
        let url = self.proxy.lock().unwrap().url();
        let timeouts = Timeouts::new().connect(LIMIT).response(LIMIT).idle(LIMIT);
        let gateway = Gateway::builder(&url).credentials("admin", "admin").allow_basic(true);
        let gateway = gateway.timeouts(timeouts).observe(move |event| wire.note(event)).build().unwrap();
        Messenger::builder(gateway)
            .store(self.store.clone())
            .timing(self.setup.timing)
            .limits(self.setup.limits)
            .exclusive(self.setup.policy == Policy::Exclusive)
            .strict(self.setup.policy == Policy::Strict)
            .incoming(true)
            .events(10_000)
            .capacity(self.setup.outgoing.len() + 8)
    }

    /// Ends all faults. Events that have begun still run to their end.
    pub fn calm(&self) {
        self.proxy.lock().unwrap().set_faults(Faults::none());
        self.mischief.lock().unwrap().calm(&self.emulator);
    }

    /// Whether each readable incoming message was received.
    pub fn is_all_received(&self, reported: &Reported) -> bool {
        let mut readable = self.setup.mischief.arrivals.iter().filter(|arrival| arrival.is_readable);
        readable.all(|arrival| reported.incoming.contains_key(arrival.word()))
    }

    /// Whether the gateway's result of a message shows the client that it was delivered.
    pub fn shows_delivered(&self, seen: &MessageSeen) -> bool {
        seen.status == Status::Delivered && !self.setup.options.quirks.status_unknown
    }

    /// Whether each message is finished or sent. A message that the gateway forgot while sending it also counts: it does not change until
    /// it expires.
    pub fn is_settled(&self) -> bool {
        let ledger = self.ledger();
        let is_forgotten = |seen: &MessageSeen| seen.status == Status::Forgotten && seen.sent > 0;
        let is_settled = |(known, records): (&Known, &Vec<MessageSeen>)| {
            known.is_settled() || known.is_begun() && records.iter().any(is_forgotten)
        };
        self.record.look().outgoing.iter().zip(&ledger).all(is_settled)
    }

    /// Returns the gateway's records of each message.
    pub fn ledger(&self) -> Vec<Vec<MessageSeen>> {
        let mut ledger = vec![Vec::new(); self.setup.outgoing.len()];
        for seen in self.emulator.messages() {
            let word = seen.text.split(':').next().unwrap_or_default();
            let index = word.strip_prefix('m').and_then(|index| index.parse::<usize>().ok());
            if let Some(records) = index.and_then(|index| ledger.get_mut(index)) {
                records.push(seen);
            }
        }
        ledger
    }
}
