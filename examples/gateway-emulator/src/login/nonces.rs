//! The issued nonces, their lifetime, and their use.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::{
    options::{NonceCount, NonceLife},
    rng::Rng,
};

/// The maximum number of nonces, so that a client that ignores challenges does not exhaust the memory.
const REMEMBERED: usize = 1024;

struct Nonce {
    text: String,
    issued: Instant,
    last_count: u32,
}

pub(crate) struct Nonces {
    life: NonceLife,
    counting: NonceCount,
    /// Oldest first.
    issued: VecDeque<Nonce>,
}

impl Nonces {
    pub(crate) fn new(life: NonceLife, counting: NonceCount) -> Self {
        Self { life, counting, issued: VecDeque::new() }
    }

    pub(crate) fn issue(&mut self, rng: &mut Rng, now: Instant) -> String {
        if self.issued.len() == REMEMBERED {
            self.issued.pop_front();
        }
        let text = rng.hex();
        self.issued.push_back(Nonce { text: text.clone(), issued: now, last_count: 0 });
        text
    }

    /// Whether the nonce was issued but never accepted.
    pub(crate) fn is_unused(&self, text: &str) -> bool {
        self.issued.iter().any(|nonce| nonce.text == text && nonce.last_count == 0)
    }

    /// Returns whether the nonce is accepted with this count. The count of an accepted nonce is stored.
    pub(crate) fn accept(&mut self, text: &str, count: u32, now: Instant) -> bool {
        let (life, counting) = (self.life, self.counting);
        let Some(nonce) = self.issued.iter_mut().find(|nonce| nonce.text == text) else { return false };
        let lives = match life {
            NonceLife::Forever => true,
            NonceLife::OneRequest => nonce.last_count == 0,
            NonceLife::Lasting(time) => now.duration_since(nonce.issued) < time,
        };
        let counted = match counting {
            NonceCount::Growing => count > nonce.last_count,
            NonceCount::InOrder => nonce.last_count.checked_add(1) == Some(count),
        };
        if lives && counted {
            nonce.last_count = count;
        }
        lives && counted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn nonces(life: NonceLife, counting: NonceCount) -> (Nonces, String, Instant) {
        let now = Instant::now();
        let mut nonces = Nonces::new(life, counting);
        let text = nonces.issue(&mut Rng::new(1), now);
        (nonces, text, now)
    }

    #[tokio::test(start_paused = true)]
    async fn for_ever_while_the_count_grows() {
        let (mut nonces, text, now) = nonces(NonceLife::Forever, NonceCount::Growing);
        let later = now + Duration::from_secs(1 << 30);
        assert_eq!(
            [1, 2, 2, 1, 9].map(|nc| nonces.accept(&text, nc, later)),
            [true, true, false, false, true]
        );
        assert!(!nonces.accept("another", 1, now));
    }

    #[tokio::test(start_paused = true)]
    async fn once() {
        let (mut nonces, text, now) = nonces(NonceLife::OneRequest, NonceCount::Growing);
        assert_eq!([1, 2].map(|nc| nonces.accept(&text, nc, now)), [true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn for_a_second() {
        let (mut nonces, text, now) = nonces(NonceLife::Lasting(Duration::from_secs(1)), NonceCount::Growing);
        assert!(nonces.accept(&text, 1, now + Duration::from_millis(999)));
        assert!(!nonces.accept(&text, 2, now + Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_gap() {
        let (mut nonces, text, now) = nonces(NonceLife::Forever, NonceCount::InOrder);
        assert_eq!([2, 1, 3, 2].map(|nc| nonces.accept(&text, nc, now)), [false, true, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_is_forgotten_at_last() {
        let (mut nonces, text, now) = nonces(NonceLife::Forever, NonceCount::Growing);
        let mut rng = Rng::new(2);
        for _ in 0..REMEMBERED {
            nonces.issue(&mut rng, now);
        }
        assert!(!nonces.accept(&text, 1, now));
    }
}
