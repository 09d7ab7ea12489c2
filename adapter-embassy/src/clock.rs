//! Converts between embassy's times and the core's. No function here divides 64-bit numbers, because a 32-bit processor needs 400 bytes of
//! code for such a division.

use core::time::Duration;

use embassy_time::Instant;

/// Returns the time since the clock of embassy-time started.
pub(crate) fn now() -> Duration {
    to_core(embassy_time::Duration::from_ticks(Instant::now().as_ticks()))
}

/// Returns the time since `began`.
pub(crate) fn since(began: Instant) -> Duration {
    to_core(Instant::now().saturating_duration_since(began))
}

/// Converts a duration of embassy to whole milliseconds, rounded down.
pub(crate) fn to_core(duration: embassy_time::Duration) -> Duration {
    let (seconds, millis) = by_thousand(duration.as_millis());
    Duration::from_secs(seconds).saturating_add(Duration::from_millis(millis.into()))
}

/// Converts the duration of a wait to whole milliseconds, rounded up so that short waits count, too.
pub(crate) fn waited(duration: embassy_time::Duration) -> Duration {
    let rest = embassy_time::Duration::from_millis(duration.as_millis()) < duration;
    to_core(duration).saturating_add(Duration::from_millis(rest.into()))
}

/// Converts a duration of the core to whole milliseconds, rounded up so that a wait does not end too early.
pub(crate) const fn from_core(duration: Duration) -> embassy_time::Duration {
    let millis = duration.subsec_nanos().div_ceil(1_000_000);
    let millis = duration.as_secs().saturating_mul(1000).saturating_add(millis as u64);
    match embassy_time::Duration::try_from_millis(millis) {
        Some(duration) => duration,
        None => embassy_time::Duration::MAX,
    }
}

/// Divides by 1000 by long division, with digits of 16 bits. Returns the quotient and the remainder.
// The casts cut off only bits that an earlier step has divided.
#[allow(clippy::cast_possible_truncation)]
const fn by_thousand(value: u64) -> (u64, u16) {
    let high = (value >> 32) as u32;
    let middle = ((high % 1000) << 16) | ((value >> 16) as u32 & 0xFFFF);
    let low = ((middle % 1000) << 16) | (value as u32 & 0xFFFF);
    let lower = ((middle / 1000) << 16) | (low / 1000);
    (((high / 1000) as u64) << 32 | lower as u64, (low % 1000) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_a_thousand_agrees_with_division() {
        for shift in 0..64 {
            for value in [u64::MAX >> shift, 1 << shift, 123_456_789_012_345_678 >> shift] {
                let rest = u16::try_from(value % 1000).unwrap();
                assert_eq!(by_thousand(value), (value / 1000, rest), "{value}");
            }
        }
    }

    #[test]
    fn durations_convert_in_milliseconds_and_waits_are_rounded_up() {
        let millis = embassy_time::Duration::from_millis;
        assert_eq!(to_core(millis(86_400_123)), Duration::from_millis(86_400_123));
        assert_eq!(from_core(Duration::from_millis(1_234)), millis(1_234));
        assert_eq!(from_core(Duration::from_nanos(1_000_000_001)), millis(1_001));
    }
}
