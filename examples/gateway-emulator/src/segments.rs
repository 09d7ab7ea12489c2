//! The number of segments of a text (3GPP TS 23.038 and 23.040).

/// The encoding of the text of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UCS-2: 70 units in a message of one segment, or 67 in each of several segments.
    Unicode,
    /// The GSM default alphabet: 160 septets in a message of one segment, or 153 in each of several segments.
    Gsm7,
}

/// The extension of the GSM alphabet (TS 23.038 §6.2.1.1). Each of these characters takes two septets: an escape and its code.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Returns the number of segments, at least 1. In GSM 7-bit, a character outside the alphabet is sent as a question mark of one septet.
pub(crate) fn segments(text: &str, encoding: Encoding) -> u32 {
    match encoding {
        Encoding::Unicode => pack(text, char::len_utf16, 70, 67),
        Encoding::Gsm7 => pack(text, septets, 160, 153),
    }
}

fn septets(c: char) -> usize {
    if EXTENSION.contains(c) { 2 } else { 1 }
}

/// Fills segment after segment. A character of two units is never split.
fn pack(text: &str, width: fn(char) -> usize, alone: usize, part: usize) -> u32 {
    if text.chars().map(width).sum::<usize>() <= alone {
        return 1;
    }
    let mut segments = 1;
    let mut used = 0;
    for width in text.chars().map(width) {
        if used + width > part {
            segments += 1;
            used = 0;
        }
        used += width;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gsm7_at_its_edges() {
        let count = |n| segments(&"a".repeat(n), Encoding::Gsm7);
        assert_eq!([count(0), count(160), count(161)], [1, 1, 2]);
        assert_eq!([count(306), count(307)], [2, 3]);
    }

    #[test]
    fn unicode_at_its_edges() {
        let count = |n| segments(&"é".repeat(n), Encoding::Unicode);
        assert_eq!([count(0), count(70), count(71)], [1, 1, 2]);
        assert_eq!([count(134), count(135)], [2, 3]);
    }

    #[test]
    fn nothing_is_torn_apart() {
        // 152 septets, then an escape sequence of two septets, of which only one would fit.
        let text = format!("{}{}", "a".repeat(152), "€".repeat(77));
        assert_eq!(segments(&text, Encoding::Gsm7), 3);
        assert_eq!(segments(&"€".repeat(80), Encoding::Gsm7), 1);
        // 33 pairs are 66 units; the 67th unit of a segment stays empty.
        assert_eq!(segments(&"😀".repeat(67), Encoding::Unicode), 3);
        assert_eq!(segments(&"😀".repeat(66), Encoding::Unicode), 2);
    }
}
