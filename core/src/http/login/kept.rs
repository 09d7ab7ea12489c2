//! The current nonce, and the learned lifetime of nonces.

use core::time::Duration;

/// The number of nonces that reach the learned lifetime until one of them is used for longer. The others are renewed before they expire.
/// The trial shows whether the gateway's nonces live longer by now.
pub(super) const RENEWALS_BEFORE_A_TRIAL: u8 = 64;

/// A time in microseconds. Arithmetic with `Duration` would add code that can panic.
pub(super) type Moment = u64;

/// Returns a time in whole microseconds.
pub(super) fn moment(time: Duration) -> Moment {
    time.as_secs().saturating_mul(1_000_000).saturating_add(time.subsec_micros().into())
}

/// The use of a challenge's nonce so far.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// The client's nonce. It does not change, because with a `-sess` algorithm servers may keep the first one.
    cnonce: u64,
    /// The nonce count of the last request with this nonce, or 0 if there was none.
    pub(super) count: u32,
    /// The nonce count at which the gateway last offered the nonce again, and so confirmed that it is valid. 0 if the gateway never did.
    pub(super) settled: u32,
    pub(super) accepted: u32,
    /// The time of the request whose response was the challenge. The nonce may have been created then.
    pub(super) asked: Moment,
    since: Moment,
    /// The time of the last request with this nonce.
    pub(super) sent: Moment,
}

impl Kept {
    pub(super) const fn new(cnonce: u64, asked: Moment, now: Moment) -> Self {
        Self { cnonce, count: 0, settled: 0, accepted: 0, asked, since: now, sent: now }
    }

    /// Returns whether requests have been sent with this nonce since it was last offered, but no request with it was ever accepted. One of
    /// those requests may have reached the gateway and used up the nonce. So a refusal would not prove that the password is wrong.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.accepted == 0 && self.count > self.settled
    }

    /// Notes that the gateway offered the nonce again, so requests up to the last count have not used it up.
    pub(super) const fn settled(self) -> Self {
        Self { settled: self.count, ..self }
    }

    /// Notes that the gateway has forgotten the nonce and offered it again as a fresh one.
    pub(super) const fn offered_anew(self) -> Self {
        Self { accepted: 0, ..self.settled() }
    }

    /// Writes the client's nonce in hexadecimal digits.
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

    /// Returns the nonce's age at a time, in microseconds.
    const fn age(&self, at: Moment) -> u64 {
        at.saturating_sub(self.since)
    }
}

/// The age and the number of uses that the last expired nonce had reached when it was refused.
pub(super) struct Lifetime {
    uses: Option<u32>,
    /// The age in microseconds.
    age: Option<u64>,
    renewals: u8,
}

impl Lifetime {
    /// The initial state, in which no nonce has been refused.
    pub(super) const NEW: Self = Self { uses: None, age: None, renewals: 0 };

    /// Returns whether a nonce that was accepted before will probably be refused now.
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

    /// Notes that a nonce was refused after it had been accepted.
    pub(super) fn ended(&mut self, kept: &Kept) {
        *self = Self { uses: Some(kept.accepted), age: Some(kept.age(kept.sent)), renewals: 0 };
    }

    /// Notes that a nonce was offered again and thus has not expired. Drops the limits that it has reached.
    pub(super) fn is_longer(&mut self, kept: &Kept, now: Moment) {
        self.uses = self.uses.filter(|uses| kept.accepted < *uses);
        self.age = self.age.filter(|age| kept.age(now) < *age);
    }

    /// Notes that a nonce was accepted. Drops the limits that it has exceeded, because they are wrong.
    pub(super) fn lived(&mut self, kept: &Kept) {
        self.uses = self.uses.filter(|uses| kept.accepted <= *uses);
        self.age = self.age.filter(|age| kept.age(kept.sent) <= *age);
    }
}
