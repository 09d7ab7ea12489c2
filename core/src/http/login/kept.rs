//! The nonce that is in use, and how long nonces live.

use core::time::Duration;

/// After so many renewals ahead of time an old nonce is tried again: it may live longer by now.
pub(super) const RENEWALS_BEFORE_A_TRIAL: u8 = 64;

/// A time in microseconds. The sums and differences of `Duration` leave a panic in the program.
pub(super) type Moment = u64;

/// The whole microseconds of a time.
pub(super) fn moment(time: Duration) -> Moment {
    time.as_secs().saturating_mul(1_000_000).saturating_add(time.subsec_micros().into())
}

/// The use of a challenge.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// The client's nonce; servers of the `-sess` algorithms may keep the first one.
    cnonce: u64,
    /// The nonce count of the last request that carried it; 0: none did.
    pub(super) count: u32,
    /// The nonce count up to which the gateway has told that the nonce is good.
    pub(super) settled: u32,
    pub(super) accepted: u32,
    /// When the request was sent that the challenge answered: the nonce may be as old as that.
    pub(super) asked: Moment,
    since: Moment,
    /// When the last request with it was sent.
    pub(super) sent: Moment,
}

impl Kept {
    pub(super) const fn new(cnonce: u64, asked: Moment, now: Moment) -> Self {
        Self { cnonce, count: 0, settled: 0, accepted: 0, asked, since: now, sent: now }
    }

    /// Whether the only requests with this nonce got no answer. The gateway may have taken one, and the nonce be used up: a
    /// refusal would no longer say that the password is wrong.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.accepted == 0 && self.count > self.settled
    }

    /// The gateway has offered the nonce again: it is good up to the last count.
    pub(super) const fn settled(self) -> Self {
        Self { settled: self.count, ..self }
    }

    /// The client's nonce in hexadecimal digits.
    pub(super) fn write_cnonce<'o>(&self, out: &'o mut [u8; 16]) -> &'o str {
        let mut rest = self.cnonce;
        for place in &mut *out {
            rest = rest.rotate_left(4);
            // Four bits.
            #[allow(clippy::cast_possible_truncation)]
            let digit = (rest & 0xF) as u8;
            *place = if digit < 10 { b'0' | digit } else { (b'a' - 10).wrapping_add(digit) };
        }
        core::str::from_utf8(out).unwrap_or_default()
    }

    /// How old it was at a time, in microseconds.
    const fn age(&self, at: Moment) -> u64 {
        at.saturating_sub(self.since)
    }
}

/// How long nonces lived before they were refused.
pub(super) struct Lifetime {
    uses: Option<u32>,
    /// In microseconds.
    age: Option<u64>,
    renewals: u8,
}

impl Lifetime {
    /// None was refused yet.
    pub(super) const NEW: Self = Self { uses: None, age: None, renewals: 0 };

    /// Whether a nonce that was accepted before is likely to be refused now.
    pub(super) fn is_over(&mut self, kept: &Kept, now: Moment) -> bool {
        let over = kept.accepted > 0
            && (self.uses.is_some_and(|uses| kept.accepted >= uses)
                || self.age.is_some_and(|age| kept.age(now) >= age));
        if over {
            self.renewals = self.renewals.saturating_add(1);
            if self.renewals >= RENEWALS_BEFORE_A_TRIAL {
                *self = Self::NEW;
                return false;
            }
        }
        over
    }

    /// A nonce was refused that had been accepted before.
    pub(super) fn ended(&mut self, kept: &Kept) {
        *self = Self { uses: Some(kept.accepted), age: Some(kept.age(kept.sent)), renewals: 0 };
    }

    /// A nonce was offered again: it is not over yet.
    pub(super) fn is_longer(&mut self, kept: &Kept, now: Moment) {
        self.uses = self.uses.filter(|uses| kept.accepted < *uses);
        self.age = self.age.filter(|age| kept.age(now) < *age);
    }

    /// A nonce was accepted once more: what it has outlived is no limit.
    pub(super) fn lived(&mut self, kept: &Kept) {
        self.uses = self.uses.filter(|uses| kept.accepted <= *uses);
        self.age = self.age.filter(|age| kept.age(kept.sent) <= *age);
    }
}
