//! Dates in HTTP headers and in certificates.

/// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT`, and returns the seconds since 1970.
pub(super) fn date_seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = date.split_once(", ")?.1.split(' ');
    let (day, month) = (words.next()?.parse::<u64>().ok()?, words.next()?);
    let (year, time) = (words.next()?.parse::<u64>().ok().filter(|year| *year < 10_000)?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if day > 31 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Reads a day such as `1994-11-06`, and returns the seconds from 1970 to its beginning.
pub(super) fn day_seconds(day: &str) -> Option<u64> {
    let mut parts = day.split('-').map(|part| part.parse().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if year > 9999 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days(year, month, day)? * 86_400)
}

/// Returns the number of days from 1970-01-01 to a Gregorian date.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // Years are counted from March, so that a leap day is the last day.
    let (year, month) = if month <= 2 { (year.checked_sub(1)?, month + 9) } else { (year, month - 3) };
    (year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day).checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Mon, 01 Mar 2100 00:00:00 GMT", Some(4_107_542_400)),
            ("yesterday", None),
            ("Sun, 06 Now 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(date_seconds(text), seconds, "{text}");
        }
        assert_eq!((day_seconds("1994-11-06"), day_seconds("1994-11")), (Some(784_080_000), None));
    }
}
