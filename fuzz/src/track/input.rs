//! The choices that input bytes make.

use std::time::Duration;

use sms_gateway_core::{
    Timestamp,
    call::{SmsResult, Status, StatusReport},
    json::{Field, Text},
    track::Sent,
};

/// Recipients. The first two are spellings of one number, as are the next two.
pub(super) const NUMBERS: [&str; 5] = ["+8613800123456", "13800123456", "10086", "+10086", "13800654321"];

/// A status report with plain values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Report {
    pub(super) number: &'static str,
    pub(super) port: u8,
    pub(super) reference: u8,
    pub(super) time: Timestamp,
    pub(super) status: u8,
}

/// The input, read byte by byte and followed by zeros.
pub(super) struct Input<'d>(pub(super) &'d [u8]);

impl Input<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    pub(super) fn pick<T: Copy>(&mut self, among: &[T]) -> Option<T> {
        let byte = usize::from(self.byte());
        among.get(byte.checked_rem(among.len())?).copied()
    }

    pub(super) fn number(&mut self) -> &'static str {
        self.pick(&NUMBERS).expect("the list is not empty")
    }

    /// Returns a wait of up to 13 s, in steps of 100 ms, or of up to 43 min, in steps of 20 s.
    pub(super) fn wait(&mut self) -> Duration {
        match u64::from(self.byte()) {
            short @ 0..128 => Duration::from_millis(short * 100),
            long => Duration::from_secs((long - 127) * 20),
        }
    }

    fn time(&mut self) -> Timestamp {
        let byte = self.byte();
        Timestamp::new(2026, 1, 1, byte >> 7, byte >> 2 & 31, byte & 3).expect("a time of the day")
    }

    /// Returns a result for this user_id. Bits of the input choose the fields that are missing.
    pub(super) fn result(&mut self, id: i64, number: &'static str) -> SmsResult<'static> {
        let (bits, place) = (self.byte(), self.byte());
        let number = if bits & 1 == 0 { number } else { self.number() };
        let states = [Status::SentOk, Status::Sending, Status::Delivered, Status::Failed];
        let count = u32::from(place >> 5 & 3) + 1;
        let known = |bit: u8, value: u32| if bits & bit == 0 { Field::Known(value) } else { Field::Missing };
        SmsResult {
            port: known(2, (place & 1).into()),
            user_id: Field::Known(id),
            number: Text::Exact(number),
            time: if bits & 4 == 0 { Field::Known(self.time()) } else { Field::Missing },
            status: self.pick(&states).map_or(Field::Missing, Field::Known),
            count: Field::Known(count),
            succ_count: known(8, if bits & 16 == 0 { count } else { 0 }),
            // References near 255 are included, because the references of later segments then wrap around.
            ref_id: known(32, (place >> 1 & 7).wrapping_sub(2).into()),
            imsi: Text::Missing,
        }
    }

    /// Returns a report for a message to this number, with the port, reference and time in `sent`, or with other values.
    pub(super) fn report(&mut self, sent: Option<Sent>, number: &'static str) -> Report {
        let (bits, place) = (self.byte(), self.byte());
        let status = self.pick(&[0, 1, 32, 64, 100, 130]).unwrap_or_default();
        let own = sent.filter(|_| bits & 1 == 0);
        Report {
            number: if bits & 2 == 0 { number } else { self.number() },
            port: own.map_or(place & 1, |sent| sent.port),
            reference: own.map_or(place >> 1 & 7, |sent| sent.reference).wrapping_add(bits >> 4 & 3),
            time: own.and_then(|sent| sent.time).filter(|_| bits & 4 == 0).unwrap_or_else(|| self.time()),
            status,
        }
    }
}

impl Report {
    pub(super) fn record(&self) -> StatusReport<'static> {
        StatusReport {
            port: Field::Known(self.port.into()),
            number: Text::Exact(self.number),
            time: Field::Known(self.time),
            ref_id: Field::Known(self.reference.into()),
            status_code: Field::Known(self.status.into()),
            imsi: Text::Missing,
        }
    }
}
