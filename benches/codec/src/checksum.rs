//! The checksum that every contestant computes from a response. Each byte of each value contributes.
//!
//! The checksum must be cheap compared with parsing, but need not be strong.

use sms_gateway_core::Timestamp;

/// A running checksum.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checksum(u64);

/// A type with values to add to a checksum.
pub(crate) trait Summed {
    /// Adds each value, in the order of the API document.
    fn add_to(&self, sum: &mut Checksum);
}

impl Checksum {
    pub(crate) fn number(&mut self, value: impl Into<u64>) {
        self.0 = self.0.rotate_left(7).wrapping_add(value.into());
    }

    pub(crate) fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.number(bytes.len() as u64);
        for chunk in bytes.as_chunks::<8>().0 {
            self.number(u64::from_le_bytes(*chunk));
        }
        match bytes.last_chunk::<8>() {
            Some(last) => self.number(u64::from_le_bytes(*last)),
            None => bytes.iter().for_each(|byte| self.number(*byte)),
        }
    }

    pub(crate) fn time(&mut self, time: Timestamp) {
        let [day, hour] = [time.day(), time.hour()].map(u64::from);
        let [minute, second] = [time.minute(), time.second()].map(u64::from);
        self.number(u64::from(time.year()) << 32 | u64::from(time.month()) << 24 | day << 16 | hour << 8);
        self.number(minute << 8 | second);
    }

    pub(crate) fn add(&mut self, values: &impl Summed) {
        values.add_to(self);
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}
