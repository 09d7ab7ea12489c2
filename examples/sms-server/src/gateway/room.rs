//! The room that the ports of a gateway have for messages.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sms_gateway::core::{Port as PortNumber, Ports, UserId};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::{
    pace::Pace,
    ports::Port,
    sims::{SimUse, Sims},
    status::{Health, Obstacle},
};
use crate::storage::{Mode, Time};

/// The maximum number of failed messages whose ports are being found.
const MAX_FAILED: usize = 32;

/// The time after which the [pace](Pace) may give room.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The bound messages of a gateway that are not sent yet, and the ports that are to send them.
pub(super) struct Room {
    per_port: usize,
    sims: Sims,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    mode: Mode,
    health: Health,
    /// The ports as the gateway showed them last.
    ports: Vec<Port>,
    /// Whether the gateway responded to the latest query of its ports.
    responds: bool,
    /// Whether queries of the ports succeed.
    ports_health: Health,
    /// The time at which a message was last bound to find out whether the gateway is well again.
    tried: Option<Instant>,
    /// The user_ids of the messages that are not sent yet.
    waiting: BTreeSet<u32>,
    /// Messages that could not be sent, and whose ports are not known.
    failed: VecDeque<UserId>,
    pace: Pace,
    /// The user_ids of messages whose cancellation was requested.
    unwanted: BTreeSet<u32>,
    is_closed: bool,
}

impl State {
    /// Returns the ports that are registered; none if the gateway does not respond.
    fn registered(&self) -> impl Iterator<Item = &Port> {
        self.ports.iter().filter(|port| self.responds && port.is_registered)
    }
}

impl Room {
    pub(super) fn new(per_port: usize, mode: Mode, sims: Sims) -> Self {
        let state = State {
            mode,
            health: Health::new(Time::now()),
            ports: Vec::new(),
            responds: false,
            ports_health: Health::new(Time::now()),
            tried: None,
            waiting: BTreeSet::new(),
            pace: Pace::default(),
            failed: VecDeque::new(),
            unwanted: BTreeSet::new(),
            is_closed: false,
        };
        Self { per_port, sims, state: Mutex::new(state), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }

    pub(super) fn ports(&self) -> Vec<Port> {
        self.lock().ports.clone()
    }

    pub(super) fn set_ports(&self, ports: Vec<Port>) {
        self.change(|state| {
            (state.ports, state.responds) = (ports, true);
            state.ports_health.set(None, Time::now());
        });
    }

    /// Notes that the ports could not be queried. Until they are, there is no room.
    pub(super) fn no_response(&self, error: String) {
        self.change(|state| {
            state.responds = false;
            state.ports_health.set(Some(error), Time::now());
        });
    }

    pub(super) fn mode(&self) -> Mode {
        self.lock().mode
    }

    pub(super) fn set_mode(&self, mode: Mode) {
        self.change(|state| state.mode = mode);
    }

    /// Returns whether requests to the gateway succeed: those of the messenger, which may have none to make, and those for the ports.
    pub(super) fn health(&self) -> Health {
        let state = self.lock();
        let messengers_counts = state.health.error.is_some() || state.ports_health.error.is_none();
        let health =
            if messengers_counts && state.health.is_known { &state.health } else { &state.ports_health };
        health.clone()
    }

    /// Returns whether the messenger's requests succeed.
    pub(super) fn messenger_health(&self) -> Health {
        self.lock().health.clone()
    }

    /// Notes whether requests succeed.
    pub(super) fn set_health(&self, error: Option<String>) {
        self.change(|state| state.health.set(error, Time::now()));
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Forgets all messages, before those of a messenger that has started again are added.
    pub(super) fn restart(&self) {
        self.change(|state| {
            state.waiting.clear();
            state.unwanted.clear();
        });
    }

    /// Notes that a message is bound, or was bound before the start, and may not be sent yet.
    pub(super) fn bound(&self, user_id: u32) {
        self.change(|state| {
            state.waiting.insert(user_id);
            if state.waiting.len() > self.places(state, 1) {
                state.pace.bound();
            }
        });
    }

    /// Notes that a message is sent, or has ended.
    pub(super) fn left(&self, user_id: u32) {
        self.change(|state| {
            state.waiting.remove(&user_id);
        });
    }

    /// Notes that a message could not be sent by a port that is not known yet. If there are many of them, some are ignored.
    pub(super) fn failed_somewhere(&self, id: UserId) {
        self.change(|state| {
            if state.failed.len() < MAX_FAILED {
                state.failed.push_back(id);
            }
        });
    }

    /// Waits for a message that could not be sent by a port that is not known yet.
    pub(super) async fn failed(&self) -> UserId {
        self.when(|state| state.failed.pop_front()).await
    }

    /// Notes whether a port could send a message.
    pub(super) fn outcome(&self, port: u8, is_sent: bool) {
        let ports = self.ports();
        let card =
            ports.iter().find(|candidate| candidate.number == port).and_then(|port| port.iccid.as_deref());
        let Some(iccid) = card else { return };
        if is_sent {
            self.sims.succeeded(iccid);
        } else if self.sims.failed(iccid, Instant::now()) {
            tracing::warn!(
                port,
                "the SIM card of a port fails again and again, and gets no message for a time"
            );
        }
        self.changed.notify_waiters();
    }

    /// Returns what the SIM card of a port may be used for. A card without a known ICCID is never quarantined.
    pub(super) fn sim(&self, port: &Port) -> SimUse {
        port.iccid.as_deref().map_or(SimUse::Any, |iccid| self.sims.allowed(iccid, Instant::now()))
    }

    /// Returns the ports that may send the next message; `None` if the gateway is to choose among all.
    pub(super) fn choose(&self) -> Option<Ports> {
        let state = self.lock();
        let number = |port: &Port| PortNumber::new(port.number).ok();
        // A probe must be sent by the port in question.
        let probed = state.registered().find(|port| self.sim(port) == SimUse::Probe);
        if let Some((port, iccid)) = probed.and_then(|port| number(port).zip(port.iccid.as_deref())) {
            self.sims.probe(iccid, Instant::now());
            return Some(port.into());
        }
        let healthy = || state.registered().filter(|port| self.sim(port) == SimUse::Any);
        let is_all = healthy().count() == state.registered().count();
        let healthy: Ports = healthy().filter_map(number).collect();
        Some(healthy).filter(|ports| !is_all && !ports.is_empty())
    }

    /// Returns the reasons no message would be bound now.
    pub(super) fn obstacles(&self) -> Vec<Obstacle> {
        let state = self.lock();
        let is_registered = state.registered().next().is_some();
        let places = self.places(&state, self.per_port);
        let obstacles = [
            (state.mode != Mode::Active, Obstacle::Paused),
            (state.health.error.is_some(), Obstacle::Failing),
            (!state.responds, Obstacle::PortsUnknown),
            (state.responds && !is_registered, Obstacle::NoRegisteredPort),
            (is_registered && places == 0, Obstacle::AllSimsQuarantined),
            (places > 0 && places <= state.waiting.len(), Obstacle::Full),
        ];
        obstacles.into_iter().filter_map(|(is_present, obstacle)| is_present.then_some(obstacle)).collect()
    }

    /// Notes that a message's cancellation was requested.
    pub(super) fn cancel(&self, user_id: u32) {
        self.change(|state| {
            state.unwanted.insert(user_id);
        });
    }

    /// Waits until the cancellation of a message is requested, and returns its user_id once.
    pub(super) async fn cancelled(&self) -> u32 {
        self.when(|state| state.unwanted.pop_first()).await
    }

    pub(super) fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Whether the gateway responds, and any port can send.
    pub(super) fn has_ports(&self) -> bool {
        self.places(&self.lock(), 1) > 0
    }

    /// Notes that a message is bound to find out whether the gateway is well again.
    pub(super) fn try_again(&self) {
        self.change(|state| state.tried = Some(Instant::now()));
    }

    /// Returns the time of the last [trial](Self::try_again).
    pub(super) fn tried(&self) -> Option<Instant> {
        self.lock().tried
    }

    /// Waits until there is room for at least one message now, and returns the number. Never ready once it is closed.
    pub(super) async fn wait(&self) -> usize {
        loop {
            let now = self.when(|state| Some(self.free_now(state, Instant::now())).filter(|free| *free > 0));
            if let Ok(free) = timeout(LOOK_AGAIN, now).await {
                return free;
            }
        }
    }

    /// Waits until there is no room.
    pub(super) async fn full(&self) {
        self.when(|state| (self.free(state) == 0).then_some(())).await;
    }

    /// Waits until there is room, and no message uses any of it.
    pub(super) async fn empty(&self) {
        self.when(|state| (state.waiting.is_empty() && self.free(state) > 0).then_some(())).await;
    }

    /// Returns the number of messages for which there is room.
    fn free(&self, state: &State) -> usize {
        if state.is_closed || state.mode != Mode::Active {
            return 0;
        }
        self.places(state, self.per_port).saturating_sub(state.waiting.len())
    }

    /// Returns the number of messages that the ports hold if each holds this number. A port that waits for a probe holds one.
    fn places(&self, state: &State, per_port: usize) -> usize {
        let of = |port: &Port| match self.sim(port) {
            SimUse::Any => per_port,
            SimUse::Probe => 1,
            SimUse::Quarantined(_) => 0,
        };
        state.registered().map(of).sum()
    }

    /// Returns the number of messages that the gateway gets now: one for each idle port, and others at their pace.
    fn free_now(&self, state: &mut State, now: Instant) -> usize {
        let ports = self.places(state, 1);
        let idle = ports.saturating_sub(state.waiting.len());
        self.free(state).min(idle + state.pace.messages(ports, now))
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        self.when(|state| state.is_closed.then_some(())).await;
    }

    /// Waits until a condition, which is checked after each change, returns a value.
    async fn when<T>(&self, condition: impl Fn(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let found = condition(&mut self.lock());
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn port(number: u8) -> Port {
        Port { number, is_registered: true, iccid: Some(format!("card {number}")), signal: None }
    }

    /// Quarantines the card of port 1 at a time.
    fn room(failed: Instant) -> Room {
        let sims = Sims::default();
        let room = Room::new(2, Mode::Active, sims.clone());
        room.set_ports(vec![port(0), port(1), port(2), Port { is_registered: false, ..port(3) }]);
        assert_eq!((free(&room), room.choose()), (6, None));
        for _ in 0..5 {
            sims.failed("card 1", failed);
        }
        room
    }

    fn free(room: &Room) -> usize {
        room.free(&room.lock())
    }

    #[tokio::test(start_paused = true)]
    async fn idle_ports_get_a_message_at_once_and_busy_ports_at_their_pace() {
        let room = Room::new(2, Mode::Active, Sims::default());
        room.set_ports((0..10).map(port).collect());
        assert_eq!(room.wait().await, 10);
        (0..10).for_each(|id| room.bound(id));
        let begin = Instant::now();
        for second in 1..=5 {
            assert_eq!(room.wait().await, 1);
            room.bound(10 + 2 * second);
            assert_eq!(room.wait().await, 1);
            room.bound(11 + 2 * second);
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        assert_eq!(free(&room), 0);
    }

    fn ports(numbers: &[u8]) -> Ports {
        numbers.iter().map(|number| PortNumber::new(*number).unwrap()).collect()
    }

    #[test]
    fn messages_go_to_the_ports_whose_cards_are_not_quarantined() {
        let room = room(Instant::now());
        assert_eq!((free(&room), room.choose()), (4, Some(ports(&[0, 2]))));
    }

    #[tokio::test(start_paused = true)]
    async fn the_probe_of_a_card_is_one_message_for_its_port_alone() {
        let room = room(Instant::now());
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(free(&room), 5);
        assert_eq!((room.choose(), room.choose()), (Some(ports(&[1])), Some(ports(&[0, 2]))));
        assert_eq!(free(&room), 4);
        room.outcome(1, true);
        assert_eq!((free(&room), room.choose()), (6, None));
    }

    #[test]
    fn a_gateway_whose_ports_cannot_be_queried_fails_even_if_its_messenger_has_nothing_to_request() {
        let room = Room::new(2, Mode::Active, Sims::default());
        assert!(!room.health().is_known);
        room.no_response("unreachable".to_owned());
        assert_eq!(room.health().error.as_deref(), Some("unreachable"));
        room.set_health(None);
        assert_eq!(room.health().error.as_deref(), Some("unreachable"));
        room.set_ports(Vec::new());
        assert_eq!((room.health().is_known, room.health().error), (true, None));
        room.set_health(Some("refused".to_owned()));
        assert_eq!(room.health().error.as_deref(), Some("refused"));
    }
}
