//! The gateway's records of a message.

use std::time::Duration;

use sms_gateway_core::{
    Number, Timestamp,
    call::{SmsResult, Status, StatusReport},
    json::{Field, Text},
};

/// Number of digits of a recipient's number.
const DIGITS: usize = 13;
const FIRST: u64 = 8_613_800_000_000;
const APART: u64 = 7_919;

/// The numbers of all recipients, in one string.
pub(crate) struct Numbers(String);

impl Numbers {
    pub(crate) fn new(many: u32) -> Self {
        let number = |index: u32| (FIRST + u64::from(index) * APART).to_string();
        Self((0..many).map(number).collect())
    }

    pub(crate) fn get(&self, index: u32) -> Number<'_> {
        let at = index as usize * DIGITS;
        Number::new(&self.0[at..at + DIGITS]).expect("digits")
    }

    /// Returns the index of a number.
    pub(crate) fn index(number: Number<'_>) -> u32 {
        let number: u64 = number.as_str().parse().expect("digits");
        u32::try_from((number - FIRST) / APART).expect("one of them")
    }
}

/// A message as the gateway has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) id: u32,
    /// The recipient, as an index into the [`Numbers`].
    pub(crate) number: u32,
    pub(crate) port: u8,
    pub(crate) reference: u8,
    pub(crate) segments: u8,
    /// The time at which the gateway began to send it.
    pub(crate) begun: Duration,
}

impl Held {
    pub(crate) fn result<'a>(&self, numbers: &'a Numbers, status: Status) -> SmsResult<'a> {
        let sent = if status == Status::Sending { 0 } else { self.segments };
        SmsResult {
            port: Field::Known(self.port.into()),
            user_id: Field::Known(self.id.into()),
            number: Text::Exact(numbers.get(self.number).as_str()),
            time: Field::Known(gateway_time(self.begun)),
            status: Field::Known(status),
            count: Field::Known(self.segments.into()),
            succ_count: Field::Known(sent.into()),
            ref_id: Field::Known(self.reference.into()),
            imsi: Text::Missing,
        }
    }

    /// Returns a report. It carries the send time, as in the document.
    pub(crate) fn report<'a>(&self, numbers: &'a Numbers, segment: u8, status: u8) -> StatusReport<'a> {
        StatusReport {
            port: Field::Known(self.port.into()),
            number: Text::Exact(numbers.get(self.number).as_str()),
            time: Field::Known(gateway_time(self.begun)),
            ref_id: Field::Known(self.reference.wrapping_add(segment).into()),
            status_code: Field::Known(status.into()),
            imsi: Text::Missing,
        }
    }
}

/// Returns the gateway's time in a month of 31 days, which is longer than any run.
pub(crate) fn gateway_time(now: Duration) -> Timestamp {
    let seconds = u32::try_from(now.as_secs()).expect("a few days");
    let part = |number: u32| u8::try_from(number).expect("small");
    let (day, hour) = (part(1 + seconds / 86_400), part(seconds / 3600 % 24));
    Timestamp::new(2026, 1, day, hour, part(seconds / 60 % 60), part(seconds % 60)).expect("within the month")
}
