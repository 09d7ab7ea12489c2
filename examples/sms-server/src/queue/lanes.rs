//! The first messages of each lane, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::storage::{AccountId, Lane, Message, MessageId, PoolId, Priority};

/// All lanes that hold, or may hold, messages.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Lane, State>,
    /// The accounts of each pool and priority in the order of their turns.
    turns: BTreeMap<(PoolId, Priority), VecDeque<AccountId>>,
}

/// A lane in memory.
#[derive(Default)]
struct State {
    messages: BTreeMap<MessageId, Message>,
    /// Messages up to this one were read.
    read_to: Option<MessageId>,
    /// Whether the storage may hold messages above `read_to`.
    may_have_more: bool,
    /// Messages that left the queue while a page was being read, which may contain them. `None` if no page is being read.
    reading: Option<BTreeSet<MessageId>>,
    /// Messages were added while a page was being read.
    is_woken: bool,
    /// The lane is to be read again from its beginning, after the page that is being read.
    is_outdated: bool,
}

impl State {
    fn forget(&mut self) {
        if self.reading.is_some() {
            self.is_outdated = true;
        } else {
            *self = Self { may_have_more: true, ..Self::default() };
        }
    }
}

/// The result of [`Lanes::next`].
pub(super) enum Next {
    /// The next message. It is not in its lane any more.
    Message(MessageId, Message),
    /// The next message may be in the storage: the caller reads a page of this lane.
    Read {
        lane: Lane,
        /// The message after which the page begins.
        after: Option<MessageId>,
    },
}

impl Lanes {
    /// Notes that the storage may hold more messages of a lane.
    pub(super) fn wake(&mut self, lane: Lane) {
        let state = self.state(lane);
        state.may_have_more = true;
        state.is_woken = true;
    }

    /// Puts a message into its lane.
    pub(super) fn put(&mut self, id: MessageId, message: Message) {
        let state = self.state(message.lane());
        // Otherwise a page will contain it.
        if state.read_to.is_some_and(|read_to| id <= read_to) {
            state.messages.insert(id, message);
        } else {
            state.may_have_more = true;
            state.is_woken = true;
        }
        if let Some(left) = &mut state.reading {
            left.remove(&id);
        }
    }

    pub(super) fn remove(&mut self, id: MessageId, lane: Lane) {
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.messages.remove(&id);
            if let Some(left) = &mut state.reading {
                left.insert(id);
            }
        }
    }

    /// Forgets the messages of all lanes, and notes that these lanes hold some, so that everything is read again.
    pub(super) fn refresh(&mut self, lanes: Vec<Lane>) {
        self.lanes.values_mut().for_each(State::forget);
        for lane in lanes {
            self.wake(lane);
        }
    }

    /// Forgets the messages of a lane, so that they are read again.
    pub(super) fn forget(&mut self, lane: Lane) {
        self.state(lane).forget();
    }

    fn state(&mut self, lane: Lane) -> &mut State {
        let turns = &mut self.turns;
        self.lanes.entry(lane).or_insert_with(|| {
            turns.entry((lane.pool, lane.priority)).or_default().push_back(lane.account);
            State::default()
        })
    }

    /// Returns the next message of these pools, or the page to read for it.
    pub(super) fn next(&mut self, pools: &[PoolId]) -> Option<Next> {
        for number in (0..=Priority::HIGHEST.number()).rev() {
            let priority = Priority::new(number)?;
            for pool in pools {
                if let Some(next) = self.next_of(*pool, priority) {
                    return Some(next);
                }
            }
        }
        None
    }

    /// Gives each account its turn until one has a message.
    fn next_of(&mut self, pool: PoolId, priority: Priority) -> Option<Next> {
        let turns = self.turns.get_mut(&(pool, priority))?;
        for _ in 0..turns.len() {
            let account = turns.pop_front()?;
            let lane = Lane { pool, priority, account };
            let Some(state) = self.lanes.get_mut(&lane) else { continue };
            if let Some((id, message)) = state.messages.pop_first() {
                turns.push_back(account);
                return Some(Next::Message(id, message));
            }
            if state.may_have_more && state.reading.is_none() {
                state.reading = Some(BTreeSet::new());
                state.is_woken = false;
                turns.push_front(account);
                return Some(Next::Read { lane, after: state.read_to });
            }
            if state.may_have_more || state.reading.is_some() {
                turns.push_back(account);
            } else {
                self.lanes.remove(&lane);
            }
        }
        if self.turns.get(&(pool, priority)).is_some_and(VecDeque::is_empty) {
            self.turns.remove(&(pool, priority));
        }
        None
    }

    /// Takes in a page of at most `limit` messages; `None` if it could not be read.
    pub(super) fn read(&mut self, lane: Lane, page: Option<Vec<(MessageId, Message)>>, limit: usize) {
        let Some(state) = self.lanes.get_mut(&lane) else { return };
        let left = state.reading.take().unwrap_or_default();
        if state.is_outdated {
            return state.forget();
        }
        let Some(page) = page else { return };
        state.may_have_more = page.len() >= limit || state.is_woken;
        state.read_to = page.last().map(|(id, _)| *id).or(state.read_to);
        state.messages.extend(page.into_iter().filter(|(id, _)| !left.contains(id)));
    }
}
