//! Numbers, made unrecognisable for logs and operators.

/// The number of characters that remain at the beginning.
const BEGINNING: usize = 6;

/// The number of characters that remain at the end.
const END: usize = 2;

/// The number of characters that are hidden at least.
const HIDDEN: usize = 3;

/// Returns a number without its middle: `+49151…23`. Of a short number or a name nothing remains.
pub fn number(number: &str) -> String {
    let count = number.chars().count();
    if count < BEGINNING + HIDDEN + END {
        return "…".to_owned();
    }
    let beginning: String = number.chars().take(BEGINNING).collect();
    let end: String = number.chars().skip(count - END).collect();
    format!("{beginning}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_number_hides_at_least_three_digits() {
        for (written, shown) in [
            ("+4915112345623", "+49151…23"),
            ("+4915112345", "+49151…45"),
            ("+491511234", "…"),
            ("ÄÖ", "…"),
            ("", "…"),
        ] {
            assert_eq!(number(written), shown);
        }
    }
}
