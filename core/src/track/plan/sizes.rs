//! The maximum size of a send_sms that the gateway accepts, learned from refused requests.

use crate::track::{
    clock::{PER_SECOND, Tick},
    settings::MAX_RECIPIENTS,
};

/// The number of messages of a request, and the sum of their texts' bytes.
pub(super) type Size = (u8, u32);

const NONE: Size = (0, 0);
const ANY: Size = (u8::MAX, u32::MAX);

/// The maximum number of refused parts of a divided request that one message explains. If one of 128 messages is at fault, the parts of
/// 64, 32, 16, 8, 4 and 2 messages that contain it are refused.
const EXPLAINED: u8 = 6;

/// The time after which requests of twice the learned size are tried, in ticks: 1 h.
const LARGER_AFTER: u32 = 3600 * PER_SECOND;

/// Learns the maximum size from refusals that no single message explains.
#[derive(Debug)]
pub(super) struct Sizes {
    /// A request is small enough if it has at most this many messages, or at most this many bytes. It is not known which of the two the
    /// gateway limits.
    limit: Size,
    /// When larger requests are tried.
    larger_at: Tick,
    /// The maximum number of messages while a refusal is unexplained: half of the last refused whole request.
    trial: u8,
    /// The numbers of refused requests that no message explains yet: whole requests, and parts of divided ones.
    wholes: u8,
    parts: u8,
    /// Since the first unexplained refusal: the largest accepted request, and the smallest refused request that is larger than that one.
    accepted: Size,
    refused: Size,
}

impl Sizes {
    /// The state before [`restart`](Self::restart).
    pub(super) const NONE: Self = Self {
        limit: NONE,
        larger_at: Tick::ZERO,
        trial: 0,
        wholes: 0,
        parts: 0,
        accepted: NONE,
        refused: NONE,
    };

    /// Forgets what was learned.
    pub(super) fn restart(&mut self) {
        self.limit = ANY;
        self.explain();
    }

    /// Forgets the unexplained refusals.
    #[cfg_attr(target_os = "none", inline(never))]
    fn explain(&mut self) {
        (self.wholes, self.parts, self.trial) = (0, 0, u8::MAX);
        (self.accepted, self.refused) = (NONE, ANY);
    }

    /// Returns whether a request is small enough, as far as is known.
    pub(super) const fn fits(&self, size: Size) -> bool {
        size.0 <= self.trial && (size.0 <= self.limit.0 || size.1 <= self.limit.1)
    }

    /// Doubles the limit if larger requests are due to be tried.
    pub(super) fn review(&mut self, now: Tick) {
        if self.limit.0 < MAX_RECIPIENTS && self.larger_at.is_due(now) {
            self.limit = (self.limit.0.saturating_mul(2), self.limit.1.saturating_mul(2));
            self.larger_at = now.plus(LARGER_AFTER);
        }
    }

    /// Notes a refused request, or a refused part of a divided one.
    pub(super) fn refused(&mut self, size: Size, is_part: bool, now: Tick) {
        if size.0 < 2 {
            if is_part {
                let others = self.wholes.saturating_sub(1);
                self.explain();
                self.wholes = others;
            }
            return;
        }
        if size.0 > self.accepted.0 && size.0 < self.refused.0 {
            self.refused = size;
        }
        if is_part {
            self.parts = self.parts.saturating_add(1);
        } else {
            (self.wholes, self.trial) = (self.wholes.saturating_add(1), size.0 / 2);
        }
        if self.parts > EXPLAINED {
            self.learn(now);
        }
    }

    /// Notes an accepted request.
    pub(super) fn accepted(&mut self, size: Size) {
        if (self.wholes > 0 || self.parts > 0) && size.0 > self.accepted.0 {
            self.accepted = size;
            if size.0 >= self.refused.0 {
                self.refused = ANY;
            }
        }
    }

    /// Notes that no refused message waits to be submitted again.
    pub(super) fn settled(&mut self, now: Tick) {
        if self.wholes > 0 || self.parts > 0 {
            self.learn(now);
        }
        self.explain();
    }

    fn learn(&mut self, now: Tick) {
        let (refused, accepted) = (self.refused, self.accepted);
        if accepted == NONE || refused == ANY {
            return;
        }
        if self.limit.0 >= refused.0 {
            self.limit.0 = accepted.0;
        }
        if self.limit.1 >= refused.1 {
            // If the gateway limits only the number of messages, the limit in bytes must soon stop admitting requests. So it is at least
            // halved.
            self.limit.1 = accepted.1.min(self.limit.1 / 2);
        }
        (self.larger_at, self.wholes, self.parts, self.trial) = (now.plus(LARGER_AFTER), 0, 0, u8::MAX);
    }
}

/// Returns the binary logarithm of a number of messages, rounded down.
pub(super) fn share(messages: u8) -> u8 {
    u8::try_from(messages.checked_ilog2().unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tick = Tick::ZERO;

    fn new() -> Sizes {
        let mut sizes = Sizes::NONE;
        sizes.restart();
        sizes
    }

    #[test]
    fn a_message_refused_alone_explains_the_refusals_of_its_requests() {
        let mut sizes = new();
        for messages in [128, 64, 32, 16, 8, 4, 2] {
            sizes.refused((messages, 1000), messages < 128, NOW);
            sizes.accepted((messages / 2, 500));
            assert!(sizes.fits((64, 1000)) && !sizes.fits((65, 1000)));
        }
        sizes.refused((1, 10), true, NOW);
        assert!(sizes.fits((128, u32::MAX)));
        sizes.settled(NOW);
        assert!(sizes.fits((128, u32::MAX)));
    }

    #[test]
    fn refusals_without_a_message_at_fault_teach_the_size() {
        let mut sizes = new();
        sizes.accepted((20, 200));
        sizes.refused((20, 2000), false, NOW);
        // A message that was alone in its request from the start explains no other refusal.
        sizes.refused((1, 10), false, NOW);
        sizes.accepted((8, 800));
        sizes.accepted((4, 400));
        sizes.settled(NOW);
        // The limit may be one of messages or one of bytes.
        assert!(sizes.fits((8, 9000)) && sizes.fits((90, 800)) && !sizes.fits((9, 801)));
        // The limit is one of bytes: a request of few messages is refused, too.
        sizes.refused((4, 4000), false, NOW);
        sizes.accepted((2, 2000));
        sizes.settled(NOW);
        assert!(sizes.fits((2, 2000)) && sizes.fits((8, 800)) && !sizes.fits((3, 801)));
        // The limit is one of messages: requests of few bytes are refused, too.
        for _ in 0..11 {
            sizes.refused((3, 0), false, NOW);
            sizes.accepted((2, 0));
            sizes.settled(NOW);
        }
        assert!(!sizes.fits((3, 1)));
    }

    #[test]
    fn many_refused_parts_teach_the_size_before_all_are_settled() {
        let mut sizes = new();
        sizes.refused((128, 1280), false, NOW);
        sizes.accepted((8, 80));
        // The last part is smaller than an accepted request, so its refusal has another cause.
        for messages in [64, 32, 16, 32, 16, 16, 4] {
            assert!(sizes.fits((64, 640)));
            sizes.refused((messages, 640), true, NOW);
        }
        assert!(sizes.fits((8, 640)) && sizes.fits((64, 80)) && !sizes.fits((9, 640)));
    }

    /// Returns sizes with a limit of 30 messages or 3000 bytes.
    fn limited() -> Sizes {
        let mut sizes = new();
        sizes.refused((40, 4000), false, NOW);
        sizes.accepted((30, 3000));
        sizes.settled(NOW);
        sizes
    }

    #[test]
    fn a_message_refused_alone_explains_the_refusals_of_one_request() {
        let mut sizes = new();
        sizes.refused((20, 2000), false, NOW);
        sizes.refused((20, 2000), false, NOW);
        sizes.refused((1, 10), true, NOW);
        sizes.accepted((12, 1200));
        // This part of the other request is smaller than an accepted request, so its refusal has another cause.
        sizes.refused((10, 1000), true, NOW);
        sizes.accepted((5, 500));
        sizes.settled(NOW);
        assert!(sizes.fits((128, 9999)));
    }

    #[test]
    fn the_limit_of_bytes_is_at_least_halved() {
        let mut sizes = limited();
        sizes.refused((31, 2900), false, NOW);
        sizes.accepted((30, 2800));
        sizes.settled(NOW);
        assert!(sizes.fits((31, 1500)) && !sizes.fits((31, 1501)));
    }

    #[test]
    fn the_smallest_refused_request_that_is_larger_than_the_accepted_ones_is_the_limit() {
        for (refused, most) in [([20, 31], 8), ([31, 4], 30)] {
            let mut sizes = limited();
            sizes.accepted((8, 800));
            sizes.refused((refused[0], 2900), false, NOW);
            sizes.accepted((8, 800));
            sizes.refused((refused[1], 2900), false, NOW);
            sizes.settled(NOW);
            assert!(sizes.fits((most, 9999)) && !sizes.fits((most + 1, 9999)), "{most}");
        }
    }

    #[test]
    fn a_refusal_says_nothing_once_as_many_messages_are_accepted() {
        let mut sizes = new();
        sizes.refused((20, 2000), false, NOW);
        sizes.accepted((20, 100));
        sizes.settled(NOW);
        assert!(sizes.fits((128, 9999)));
    }

    #[test]
    fn larger_requests_are_tried_once_an_hour() {
        let mut sizes = new();
        sizes.refused((64, 6400), false, NOW);
        sizes.accepted((32, 3200));
        sizes.settled(NOW);
        sizes.review(NOW.plus(LARGER_AFTER - 1));
        assert!(!sizes.fits((33, 3201)));
        sizes.review(NOW.plus(LARGER_AFTER));
        assert!(sizes.fits((64, 9999)) && !sizes.fits((65, 6401)));
        sizes.review(NOW.plus(LARGER_AFTER));
        assert!(!sizes.fits((65, 6401)));
    }

    #[test]
    fn a_gateway_that_refuses_everything_teaches_no_size() {
        let mut sizes = new();
        for _ in 0..100 {
            sizes.refused((2, 10), true, NOW);
        }
        sizes.settled(NOW);
        assert!(sizes.fits((128, 9999)));
    }
}
