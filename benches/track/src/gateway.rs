//! A gateway with little overhead. It sends five messages a second in the order of submission, and reports arrive in the same
//! order.

use std::{collections::VecDeque, ops::Range, time::Duration};

use measure::Random;

use crate::records::Held;

const PORTS: u8 = 32;
/// The interval at which all ports together send messages. Each port needs 6.4 s for a message.
pub(crate) const EVERY: Duration = Duration::from_millis(200);
/// Number of messages that a response repeats.
const REPEATS: usize = 20;

pub(crate) struct Gateway {
    /// Number of messages under way.
    many: usize,
    /// The recipients of another client's messages.
    foreign: Range<u32>,
    waiting: VecDeque<Held>,
    sending: VecDeque<Held>,
    sent: VecDeque<Held>,
    /// The messages whose reports arrived last.
    reported: VecDeque<Held>,
    pub(crate) random: Random,
    /// The time at which a port begins to send the next message of this client. `next_foreign` is the same for the other client.
    next: Duration,
    next_foreign: Duration,
}

impl Gateway {
    pub(crate) fn new(many: usize, foreign: Range<u32>) -> Self {
        let empty = || VecDeque::with_capacity(many);
        Self {
            many,
            foreign,
            waiting: empty(),
            sending: empty(),
            sent: empty(),
            reported: empty(),
            random: Random::default(),
            next: Duration::ZERO,
            next_foreign: Duration::ZERO,
        }
    }

    pub(crate) fn in_queue(&self) -> u32 {
        self.waiting.len().try_into().expect("there are fewer messages")
    }

    /// Accepts a message. Of every 24 messages, three have two segments and one has three.
    pub(crate) fn accept(&mut self, id: u32, number: u32) {
        let [die, reference, port, ..] = self.random.any().to_le_bytes();
        let segments = match die % 24 {
            0 => 3,
            1..=3 => 2,
            _ => 1,
        };
        let port = port % PORTS;
        self.waiting.push_back(Held { id, number, port, reference, segments, begun: Duration::ZERO });
    }

    /// Returns the next message that a port has begun to send by now.
    pub(crate) fn begin(&mut self, now: Duration) -> Option<Held> {
        if self.next > now {
            return None;
        }
        let held = Held { begun: self.next, ..self.waiting.pop_front()? };
        self.next += EVERY;
        self.sending.push_back(held);
        Some(held)
    }

    /// Returns the next message that has been sent by now. Each port sends one at a time.
    pub(crate) fn finish(&mut self) -> Option<Held> {
        if self.sending.len() <= PORTS.into() {
            return None;
        }
        let held = self.sending.pop_front()?;
        self.sent.push_back(held);
        Some(held)
    }

    /// Returns the next message whose reports have arrived by now. Half of the messages that are not at a port wait for
    /// reports.
    pub(crate) fn report(&mut self) -> Option<Held> {
        if self.sent.len() <= (self.many - usize::from(PORTS)) / 2 {
            return None;
        }
        let held = self.sent.pop_front()?;
        self.reported.push_back(held);
        if self.reported.len() > REPEATS {
            self.reported.pop_front();
        }
        Some(held)
    }

    /// Returns the messages whose results were returned last.
    pub(crate) fn last_sent(&self) -> impl Iterator<Item = &Held> {
        self.sent.iter().rev().take(REPEATS)
    }

    /// Returns the messages whose reports arrived last.
    pub(crate) fn last_reported(&self) -> impl Iterator<Item = &Held> {
        self.reported.iter()
    }

    /// Returns new messages of another client, which sends one for every four of our messages.
    pub(crate) fn foreign(&mut self, now: Duration) -> impl Iterator<Item = Held> {
        std::iter::from_fn(move || {
            if self.next_foreign > now {
                return None;
            }
            let begun = self.next_foreign;
            self.next_foreign += 4 * EVERY;
            let [reference, port, ..] = self.random.any().to_le_bytes();
            let number = self.foreign.start + self.random.below(self.foreign.end - self.foreign.start);
            Some(Held { id: u32::MAX >> 1, number, port: port % PORTS, reference, segments: 1, begun })
        })
    }
}
