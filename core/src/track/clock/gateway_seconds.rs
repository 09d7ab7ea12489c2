//! Times of the gateway's clock.

use core::num::NonZeroU32;

use crate::{
    Timestamp,
    value::{from_seconds, to_seconds},
};

/// A time of the gateway's clock in seconds from 1969-01-01 00:00:00. An `Option` of it takes no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Stored as the complement. The last second, which represents no time, is then 0, the niche of `NonZeroU32`.
pub(in crate::track) struct GatewaySeconds(NonZeroU32);

impl GatewaySeconds {
    /// Creates a time; `None` for the last second.
    pub(in crate::track) const fn new(seconds: u32) -> Option<Self> {
        match NonZeroU32::new(!seconds) {
            Some(complement) => Some(Self(complement)),
            None => None,
        }
    }

    /// Creates a time. The last second is replaced by the last but one.
    pub(in crate::track) fn saturating(seconds: u32) -> Self {
        Self::new(seconds).unwrap_or(Self(NonZeroU32::MIN))
    }

    pub(in crate::track) fn from_time(time: Timestamp) -> Option<Self> {
        Self::new(to_seconds(time))
    }

    pub(in crate::track) const fn get(self) -> u32 {
        !self.0.get()
    }

    /// Returns the seconds of a time; `u32::MAX` for no time.
    pub(in crate::track) const fn number(time: Option<Self>) -> u32 {
        match time {
            Some(time) => time.get(),
            None => u32::MAX,
        }
    }

    /// Returns a time that is `seconds` later, modulo 2^32.
    pub(in crate::track) fn moved(self, seconds: u32) -> Self {
        Self::saturating(self.get().wrapping_add(seconds))
    }

    pub(in crate::track) fn to_time(self) -> Timestamp {
        from_seconds(self.get())
    }

    /// Returns the seconds of a time that is `seconds` later, at most `u32::MAX`.
    pub(in crate::track) fn plus(self, seconds: u32) -> u32 {
        self.get().saturating_add(seconds)
    }

    /// Returns a time that is `seconds` earlier, but not before 1969.
    pub(in crate::track) fn minus(self, seconds: u32) -> Self {
        Self::saturating(self.get().saturating_sub(seconds))
    }
}
