//! The gateway's civil time: seconds since 1970 by its own clock, which may be set or jump.

use sms_gateway_core::Timestamp;

const DAY: i64 = 86_400;

/// Converts seconds since 1970 to a calendar time (years 1970 to 2399).
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY) as u32);
    // Years are counted from March, in eras of 400 years from 1600-03-01. That day is 135,080 days before 1970.
    let days = days + 135_080;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = 1600 + era * 400 + year_of_era + i64::from(month <= 2);
    let time = [rest / 3600, rest / 60 % 60, rest % 60].map(|part| part as u8);
    Timestamp::new(year as u16, month as u8, day as u8, time[0], time[1], time[2]).unwrap()
}

/// Converts a calendar time to seconds since 1970.
pub(crate) fn seconds(time: Timestamp) -> i64 {
    let (year, month) = (i64::from(time.year()), i64::from(time.month()));
    let (year, from_march) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = ((year - 1600) / 400, (year - 1600) % 400);
    let of_year = (153 * from_march + 2) / 5 + i64::from(time.day()) - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 135_080;
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i64::from);
    days * DAY + hour * 3600 + minute * 60 + second
}

/// The true time at which the simulation begins: 2024-06-01 00:00:00.
pub(crate) const TRUE_START: i64 = 1_717_200_000;

/// A clock that starts in 1970 or with the right time, and may jump.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Number of seconds by which the clock is ahead of the simulation.
    offset: i64,
    zone: i64,
}

impl Clock {
    /// Creates a clock in 1970, until it is set.
    pub(crate) const fn unset() -> Self {
        Self { offset: 0, zone: 0 }
    }

    /// Resets it to 1970 at this moment.
    pub(crate) fn boot(&mut self, now: u64) {
        self.offset = -((now / 1000) as i64);
    }

    /// Sets it by NTP.
    pub(crate) fn set(&mut self) {
        self.offset = TRUE_START + self.zone;
    }

    /// Changes its zone.
    pub(crate) fn step(&mut self, seconds: i64) {
        self.zone += seconds;
        self.offset += seconds;
    }

    pub(crate) fn zone(&self) -> i64 {
        self.zone
    }

    pub(crate) fn at(&self, now: u64) -> i64 {
        (now / 1000) as i64 + self.offset
    }
}

#[test]
fn calendar_times_round_trip() {
    for (text, expected) in [
        ("1970-01-01 00:00:00", 0),
        ("2000-02-29 23:59:59", 951_868_799),
        ("2024-06-01 00:00:00", TRUE_START),
        ("2100-03-01 00:00:00", 4_107_542_400),
    ] {
        assert_eq!(seconds(text.parse().unwrap()), expected, "{text}");
        assert_eq!(timestamp(expected), text.parse().unwrap(), "{text}");
    }
    assert!((0..40_000).all(|day| seconds(timestamp(day * DAY + 4321)) == day * DAY + 4321));
}
