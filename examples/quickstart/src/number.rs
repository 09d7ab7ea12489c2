//! When two numbers are the same, written in two ways.

/// Without `+`, `00` and leading zeros they are equal, or the shorter one, of 7 digits at least, ends the longer one.
///
/// A gateway need not write a number as it was given: `13800138000` may come back as `+8613800138000`.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (bare(a), bare(b));
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short == long || short.len() >= 7 && long.ends_with(short)
}

fn bare(number: &str) -> &str {
    number.trim_start_matches('+').trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        assert!(same("13800138000", "+8613800138000"));
        assert!(same("008613800138000", "+8613800138000"));
        assert!(same("013800138000", "+8613800138000"));
        assert!(same("10086", "10086"));
        assert!(!same("10086", "+8610086"));
        assert!(!same("13800138000", "13800138001"));
        assert!(!same("", "10086"));
    }
}
