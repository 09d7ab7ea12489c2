//! The gateway's own clock: local time without a time zone. The clock can be stepped.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The weekdays. 1970-01-01 was a Thursday, which has index 4.
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The longest wait, a century. An [`Instant`] might not be able to represent a later time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Civil time as seconds since 1970-01-01 00:00:00 of the gateway's own clock.
pub(crate) type Civil = i64;

/// The gateway's clock. Like the whole gateway, it runs `speed` times as fast as outside time, which is tokio's time.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    civil: Civil,
    speed: f64,
}

impl Clock {
    /// Starts the clock at `civil`, or at this machine's time (UTC) if that is `None`.
    pub(crate) fn new(now: Instant, civil: Option<Civil>, speed: f64) -> Self {
        Self { origin: now, civil: civil.unwrap_or_else(wall_clock), speed }
    }

    /// Returns the time of the clock at `instant`.
    pub(crate) fn civil(&self, instant: Instant) -> Civil {
        let passed = instant.saturating_duration_since(self.origin).mul_f64(self.speed);
        self.civil.saturating_add_unsigned(passed.as_secs())
    }

    pub(crate) fn step(&mut self, seconds: i64) {
        self.civil = self.civil.saturating_add(seconds);
    }

    /// Converts a duration in the gateway's time to outside time.
    pub(crate) fn outside(&self, inside: Duration) -> Duration {
        let outside = Duration::try_from_secs_f64(inside.as_secs_f64() / self.speed);
        outside.map_or(LONGEST, |outside| outside.min(LONGEST))
    }
}

/// Returns this machine's time in UTC.
pub(crate) fn wall_clock() -> Civil {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}

/// Writes a time as `YYYY-MM-DD HH:MM:SS`.
pub(crate) fn format(civil: Civil) -> String {
    let (year, month, day) = date(civil.div_euclid(DAY));
    let second = civil.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Reads the date of an HTTP header, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Civil> {
    let words: Vec<_> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    parse(&format!("{year}-{month:02}-{day} {time}"))
}

/// Writes a date in the format of HTTP headers.
pub(crate) fn format_http_date(civil: Civil) -> String {
    let (day, month) = (civil.div_euclid(DAY), format(civil));
    let name = usize::try_from((day + 4).rem_euclid(7)).ok().and_then(|day| WEEKDAYS.get(day)).unwrap_or(&"");
    let (year, of_month) = (month.get(..4).unwrap_or_default(), month.get(8..10).unwrap_or_default());
    let time = month.get(11..).unwrap_or_default();
    let month = month.get(5..7).and_then(|month| month.parse::<usize>().ok()).unwrap_or(1);
    let month = MONTHS.get(month - 1).unwrap_or(&"");
    format!("{name}, {of_month} {month} {year} {time} GMT")
}

/// Reads exactly `YYYY-MM-DD HH:MM:SS`. Returns `None` for days and times that do not exist.
pub(crate) fn parse(text: &str) -> Option<Civil> {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00 00:00:00";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    if bytes.len() != shape.len() || !bytes.iter().zip(shape).all(fits) {
        return None;
    }
    let number = |at: std::ops::Range<usize>| text.get(at)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let days = days(year, month, day);
    let exists = (1..=12).contains(&month) && date(days) == (year, month, day);
    (exists && hour < 24 && minute < 60 && second < 60)
        .then_some(days * DAY + hour * 3600 + minute * 60 + second)
}

/// Returns the number of days from 1970-01-01 to a Gregorian date. Years are counted from March, so that a leap day is the last day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns the year, month and day of a number of days since 1970-01-01. The inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        assert_eq!(format(0), "1970-01-01 00:00:00");
        assert_eq!(format(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(format(1_419_163_561), "2014-12-21 12:06:01");
        assert_eq!(parse("2014-12-21 12:06:01"), Some(1_419_163_561));
    }

    #[test]
    fn every_day_comes_back() {
        for day in -800_000..800_000 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn dates_of_headers() {
        for (civil, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        ] {
            assert_eq!((http_date(text), format_http_date(civil)), (Some(civil), text.to_owned()));
        }
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in [
            "",
            "2014-12-21",
            "2014-12-21T12:06:01",
            "2014-12-21 12:06:01 ",
            "2015-02-29 00:00:00",
            "2015-00-01 00:00:00",
            "2015-13-01 00:00:00",
            "2015-01-32 00:00:00",
            "2015-01-01 24:00:00",
            "2015-01-01 00:60:00",
            "2015-01-01 00:00:60",
            "+015-01-01 00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn runs_and_steps() {
        let start = Instant::now();
        let mut clock = Clock::new(start, Some(100), 10.0);
        assert_eq!(clock.civil(start + Duration::from_secs(3)), 130);
        clock.step(-200);
        assert_eq!(clock.civil(start), -100);
        assert_eq!(clock.outside(Duration::from_secs(5)), Duration::from_millis(500));
    }
}
