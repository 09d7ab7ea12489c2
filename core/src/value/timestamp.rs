//! The gateway's times.

use core::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::Invalid;
use crate::writer::Writer;

/// A time in the gateway's own civil time, without a time zone: `YYYY-MM-DD HH:MM:SS` (document §3.2).
///
/// The gateway's clock may be wrong, jump, or change with daylight saving time. Compare its times only with each other.
///
/// ```
/// use sms_gateway_core::{Invalid, Timestamp};
/// let time: Timestamp = "2014-12-21 12:06:01".parse()?;
/// assert_eq!(time, Timestamp::new(2014, 12, 21, 12, 6, 1)?);
/// assert!(Timestamp::new(2015, 2, 29, 0, 0, 0).is_err());
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    // The most significant part comes first, because the derived order compares the fields as they are declared.
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Timestamp {
    /// Creates a calendar time in the years 0 to 9999.
    ///
    /// # Errors
    /// [`Invalid::Timestamp`] if there is no such day or time of day.
    pub const fn new(
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
    ) -> Result<Self, Invalid> {
        if year > 9999 || day == 0 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 59 {
            return Err(Invalid::Timestamp);
        }
        Ok(Self { year, month, day, hour, minute, second })
    }

    /// Parses the gateway's 19-character format.
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let text = <&[u8; 19]>::try_from(text).ok()?;
        let parts =
            if cfg!(target_pointer_width = "64") { parts_by_words(text) } else { parts_by_bytes(text) };
        let [century, year, month, day, hour, minute, second] = parts?;
        Self::new(u16::from(century) * 100 + u16::from(year), month, day, hour, minute, second).ok()
    }

    pub(crate) fn write(self, out: &mut Writer<'_>) {
        let pair = |value: u8| [b'0' + value / 10 % 10, b'0' + value % 10];
        // Years are at most 9999, so both halves are below 100.
        #[allow(clippy::cast_possible_truncation)]
        let (century, year) = ((self.year / 100) as u8, (self.year % 100) as u8);
        out.bytes(&pair(century));
        out.bytes(&pair(year));
        for (before, value) in [
            (b'-', self.month),
            (b'-', self.day),
            (b' ', self.hour),
            (b':', self.minute),
            (b':', self.second),
        ] {
            out.byte(before);
            out.bytes(&pair(value));
        }
    }

    /// Returns the year, 0 to 9999.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// Returns the month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month, 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Returns the hour, 0 to 23.
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// Returns the minute, 0 to 59.
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// Returns the second, 0 to 59.
    pub const fn second(self) -> u8 {
        self.second
    }
}

/// Returns the number of days since 1969-01-01, or `None` for an earlier day. The calculation counts years from March, so that a
/// leap day is the last day of its year.
fn days_since_1969(year: u16, month: u8, day: u8) -> Option<u32> {
    let (year, month) = (u32::from(year), u32::from(month));
    let (year, month) =
        if month > 2 { (year, month.wrapping_sub(3)) } else { (year.checked_sub(1)?, month.wrapping_add(9)) };
    let leap_days = (year / 4).wrapping_sub(year / 100).wrapping_add(year / 400);
    let of_year = month.wrapping_mul(153).wrapping_add(2) / 5;
    let days =
        year.wrapping_mul(365).wrapping_add(leap_days).wrapping_add(of_year).wrapping_add(u32::from(day));
    days.checked_sub(719_104)
}

/// Returns the number of seconds since 1969-01-01 00:00:00 in the gateway's civil time. A clock that starts in 1970 may be set
/// back by an hour, so the epoch is a year earlier. Earlier times map to 0. Times after 2105-02-07 06:28:14 map to
/// `u32::MAX - 1`.
pub(crate) fn to_seconds(time: Timestamp) -> u32 {
    let of_day = u32::from(time.hour).wrapping_mul(60).wrapping_add(u32::from(time.minute));
    let of_day = of_day.wrapping_mul(60).wrapping_add(u32::from(time.second));
    let days = days_since_1969(time.year, time.month, time.day).unwrap_or(0);
    let of_day = if time.year < 1969 { 0 } else { of_day };
    // `u32::MAX` stands for no time.
    days.saturating_mul(86_400).saturating_add(of_day).min(u32::MAX - 1)
}

/// Returns the time at this number of seconds after 1969-01-01 00:00:00.
// All parts fit their types, because the range ends in 2105.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn from_seconds(seconds: u32) -> Timestamp {
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // The days since 0000-03-01, in eras of 400 years.
    let days = days.wrapping_add(719_103);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leaps = (day_of_era / 1460).wrapping_sub(day_of_era / 36_524).wrapping_add(day_of_era / 146_096);
    let year_of_era = day_of_era.wrapping_sub(leaps) / 365;
    let before =
        (year_of_era.wrapping_mul(365)).wrapping_add(year_of_era / 4).wrapping_sub(year_of_era / 100);
    let day_of_year = day_of_era.wrapping_sub(before);
    let month = day_of_year.wrapping_mul(5).wrapping_add(2) / 153;
    let day = day_of_year.wrapping_sub(month.wrapping_mul(153).wrapping_add(2) / 5).wrapping_add(1);
    let (month, next) = if month < 10 { (month.wrapping_add(3), 0) } else { (month.wrapping_sub(9), 1) };
    Timestamp {
        year: era.wrapping_mul(400).wrapping_add(year_of_era).wrapping_add(next) as u16,
        month: month as u8,
        day: day as u8,
        hour: (of_day / 3600) as u8,
        minute: (of_day / 60 % 60) as u8,
        second: (of_day % 60) as u8,
    }
}

/// Century, year, month, day, hour, minute and second.
type Parts = [u8; 7];

/// Parses the parts from three words of eight characters. The last word overlaps the second.
fn parts_by_words(text: &[u8; 19]) -> Option<Parts> {
    let (first, rest) = text.split_first_chunk()?;
    let [century, _, year, _, _, month, ..] = pairs(*first, *b"0000-00-")?;
    let [day, ..] = pairs(*rest.first_chunk()?, *b"00 00:00")?;
    let [hour, _, _, minute, _, _, second, _] = pairs(*text.last_chunk()?, *b"00:00:00")?;
    Some([century, year, month, day, hour, minute, second])
}

/// Parses the parts one character at a time. This code is smaller on targets with words of less than eight bytes.
fn parts_by_bytes(text: &[u8; 19]) -> Option<Parts> {
    let mut parts = Parts::default();
    // Number of digits read of the current part.
    let mut digits = 0_u8;
    let mut places = parts.iter_mut();
    let mut part = places.next()?;
    for (byte, form) in text.iter().zip(b"0000-00-00 00:00:00") {
        if *form != b'0' {
            if byte != form {
                return None;
            }
            continue;
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        if digits == 2 {
            part = places.next()?;
            digits = 0;
        }
        *part = part.wrapping_mul(10).wrapping_add(digit);
        digits = digits.wrapping_add(1);
    }
    Some(parts)
}

/// For each byte, returns ten times its digit plus the digit of the next byte. `text` must have a digit for each `0` of `form`,
/// and the same characters as `form` elsewhere. If it differs, returns `None`.
fn pairs(text: [u8; 8], form: [u8; 8]) -> Option<[u8; 8]> {
    const UPPER_HALVES: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    let exact = u64::from_le_bytes(form.map(|byte| if byte == b'0' { 0 } else { 0xFF }));
    let value = u64::from_le_bytes(text) ^ u64::from_le_bytes(form);
    // Adding 6 carries a value above nine into the upper half.
    if (value | value.wrapping_add(SIXES)) & UPPER_HALVES | value & exact != 0 {
        return None;
    }
    Some(value.wrapping_mul(10).wrapping_add(value >> 8).to_le_bytes())
}

/// Returns the number of days in a month of the Gregorian calendar, or 0 if there is no such month.
const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::from_bytes(text.as_bytes()).ok_or(Invalid::Timestamp)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 19];
        let mut writer = Writer::new(&mut text);
        self.write(&mut writer);
        f.pad(writer.finish().ok().and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Timestamp {
    fn format(&self, f: defmt::Formatter<'_>) {
        let Self { year, month, day, hour, minute, second } = *self;
        defmt::write!(f, "{:04}-{:02}-{:02} {:02}:{:02}:{:02}", year, month, day, hour, minute, second);
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn times_outside_the_calendar_are_rejected() {
        for (text, valid) in [
            ("2024-02-29 23:59:59", true),
            ("2023-02-29 00:00:00", false),
            ("1900-02-29 00:00:00", false),
            ("2000-02-29 00:00:00", true),
            ("2014-00-01 00:00:00", false),
            ("2014-13-01 00:00:00", false),
            ("2014-04-31 00:00:00", false),
            ("2014-04-00 00:00:00", false),
            ("2014-12-21 24:00:00", false),
            ("2014-12-21 12:60:00", false),
            ("2014-12-21 12:00:60", false),
            ("2014-12-21T12:00:00", false),
            ("2014-12-21 12:00", false),
            ("0000-00-00 00:00:00", false),
            ("+014-12-21 12:00:00", false),
            ("2014-12-21 12:00:0:", false),
            ("2014-12-21 12:00:0/", false),
            ("2014-12-21 12:00;00", false),
            ("2014-12-21 12-00:00", false),
            ("2014-12,21 12:00:00", false),
            ("2014-12-21\u{7f}12:00:00", false),
        ] {
            assert_eq!(text.parse::<Timestamp>().is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn seconds_agree_with_known_times() {
        for (text, seconds) in [
            ("1969-01-01 00:00:00", 0),
            ("1970-01-01 00:00:00", 31_536_000),
            ("1999-12-31 23:59:59", 978_220_799),
            ("2000-02-29 12:00:00", 983_361_600),
            ("2000-03-01 00:00:00", 983_404_800),
            ("2026-11-22 18:00:00", 1_826_906_400),
            ("2105-02-07 06:28:14", u32::MAX - 1),
        ] {
            let time = text.parse().unwrap();
            assert_eq!((to_seconds(time), from_seconds(seconds)), (seconds, time), "{text}");
        }
        for (text, seconds) in [
            ("0000-01-01 00:00:00", 0),
            ("1968-12-31 23:59:59", 0),
            ("2105-02-07 06:28:15", u32::MAX - 1),
            ("2105-02-08 00:00:00", u32::MAX - 1),
            ("9999-12-31 23:59:59", u32::MAX - 1),
        ] {
            assert_eq!(to_seconds(text.parse().unwrap()), seconds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_by_bytes_agree_with_parts_by_words(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", at in 0..19_usize, byte: u8,
        ) {
            let mut text = <[u8; 19]>::try_from(text.as_bytes()).unwrap();
            prop_assert!(parts_by_bytes(&text).is_some());
            prop_assert_eq!(parts_by_bytes(&text), parts_by_words(&text));
            text[at] = byte;
            prop_assert_eq!(parts_by_bytes(&text), parts_by_words(&text));
        }

        #[test]
        fn seconds_round_trip(seconds in 0..u32::MAX) {
            let time = from_seconds(seconds);
            prop_assert_eq!(to_seconds(time), seconds);
            prop_assert_eq!(Timestamp::new(time.year, time.month, time.day, time.hour, time.minute, time.second), Ok(time));
        }

        #[test]
        fn text_and_order_round_trip(
            a in (0..=9999_u16, 1..=12_u8, 1..=28_u8, 0..=23_u8, 0..=59_u8, 0..=59_u8),
            b in (0..=9999_u16, 1..=12_u8, 1..=28_u8, 0..=23_u8, 0..=59_u8, 0..=59_u8),
        ) {
            let time = |t: (u16, u8, u8, u8, u8, u8)| Timestamp::new(t.0, t.1, t.2, t.3, t.4, t.5).unwrap();
            let (a, b) = (time(a), time(b));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
