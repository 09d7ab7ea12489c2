//! Parses whole numbers independently of the reader. The fuzz targets share this file.

use std::{format, string::String};

/// Parses a whole number by rearranging its text. The exponent moves the decimal point, and only zeros may follow the moved point.
pub(super) fn whole(raw: &str) -> Option<i64> {
    let raw = raw.trim_ascii();
    let (sign, raw) = match raw.strip_prefix('-') {
        Some(raw) => ("-", raw),
        None => ("", raw.strip_prefix('+').unwrap_or(raw)),
    };
    let (number, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let (digits, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Negative exponents are not accepted, because gateways do not write them.
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    if !all_digits(digits) || !all_digits(fraction) || !all_digits(exponent) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if (String::from(digits) + fraction).bytes().all(|digit| digit == b'0') {
        return Some(0);
    }
    let zeros = exponent.parse::<usize>().ok()?.checked_sub(fraction.len()).filter(|zeros| *zeros < 20)?;
    format!("{sign}{digits}{fraction}{}", "0".repeat(zeros)).parse().ok()
}
