//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1 and §6.2.1.1).
//!
//! This module only counts septets, because the gateway does the encoding. National language
//! shift tables (annex A) are omitted: the gateway's API can't request them.
//!
//! Some characters are often assigned wrongly:
//! - 0x09 is `Ç`. The lower-case `ç` is not in the alphabet, although some older tables have it at 0x09.
//! - The Greek capitals are letters, not symbols: `Ω` is U+03A9, not the ohm sign U+2126. `Δ` is U+0394, not the increment sign U+2206.
//! - The grave accent `` ` `` and the horizontal tab are missing, though they are ASCII.

/// Returns the number of septets of a character: 1 in the default alphabet, 2 (escape and code) in the extension table, or `None`
/// if the character is in neither.
///
/// The result for the escape character U+001B itself is `None`, because it is not text.
///
/// ```
/// use sms_gateway_core::text::gsm7::septets;
///
/// assert_eq!((septets('@'), septets('ß'), septets('Ç')), (Some(1), Some(1), Some(1)));
/// assert_eq!((septets('€'), septets('{')), (Some(2), Some(2)));
/// assert_eq!((septets('ç'), septets('`'), septets('中')), (None, None, None));
/// ```
pub const fn septets(character: char) -> Option<u8> {
    let code = character as u32;
    // Matching ranges of characters would take twice the flash.
    let (one, two) = match code / BLOCK {
        0 => const { block(0) },
        1 => const { block(1) },
        2 => const { block(2) },
        3 => const { block(3) },
        5 => const { block(5) },
        6 => const { block(6) },
        7 => const { block(7) },
        GREEK => const { block(GREEK) },
        GREEK_REST => const { block(GREEK_REST) },
        EURO => const { block(EURO) },
        _ => (0, 0),
    };
    let bit = 1 << (code % BLOCK);
    if one & bit != 0 {
        Some(1)
    } else if two & bit != 0 {
        Some(2)
    } else {
        None
    }
}

/// The number of characters in a block: one for each bit.
const BLOCK: u32 = 32;
const GREEK: u32 = 'Γ' as u32 / BLOCK;
const GREEK_REST: u32 = 'Ω' as u32 / BLOCK;
const EURO: u32 = '€' as u32 / BLOCK;

/// Returns two bit masks of a block: the characters that take one septet, and those that take two.
const fn block(index: u32) -> (u32, u32) {
    let (mut one, mut two) = (0, 0);
    let mut bit = 0;
    while bit < BLOCK {
        if let Some(character) = char::from_u32(index * BLOCK + bit) {
            match listed(character) {
                Some(1) => one |= 1 << bit,
                Some(_) => two |= 1 << bit,
                None => {}
            }
        }
        bit += 1;
    }
    (one, two)
}

/// Returns the number of septets of a character from the standard's tables. It is only evaluated at compile time.
#[expect(clippy::match_same_arms, reason = "ASCII first, then a line for each kind of letter")]
const fn listed(character: char) -> Option<u8> {
    match character {
        ' '..='Z' | '_' | 'a'..='z' | '\n' | '\r' => Some(1),
        '\x0C' | '[' | '\\' | ']' | '^' | '{' | '|' | '}' | '~' | '€' => Some(2),
        '¡' | '£' | '¤' | '¥' | '§' | '¿' => Some(1),
        'Ä' | 'Å' | 'Æ' | 'Ç' | 'É' | 'Ñ' | 'Ö' | 'Ø' | 'Ü' | 'ß' => Some(1),
        'à' | 'ä' | 'å' | 'æ' | 'è' | 'é' | 'ì' | 'ñ' | 'ò' | 'ö' | 'ø' | 'ù' | 'ü' => Some(1),
        'Γ' | 'Δ' | 'Θ' | 'Λ' | 'Ξ' | 'Π' | 'Σ' | 'Φ' | 'Ψ' | 'Ω' => Some(1),
        _ => None,
    }
}

/// Returns whether every character of the text is in the alphabet or its extension table.
///
/// ```
/// use sms_gateway_core::text::gsm7::fits;
///
/// assert!(fits("Grüße, 5 €"));
/// assert!(!fits("ça va"));
/// ```
pub fn fits(text: &str) -> bool {
    text.chars().all(|character| septets(character).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Returns the number of septets according to another implementation: the length in bytes of the packed character.
    fn oracle(character: char) -> Option<u8> {
        let mut writer = gsm7::Gsm7Writer::new(Vec::new());
        writer.write_char(character).ok()?;
        // 7 bits fit one byte; 14 need two.
        u8::try_from(writer.into_writer().unwrap().len()).ok()
    }

    #[test]
    fn agrees_with_another_implementation_on_every_character() {
        for character in '\0'..=char::MAX {
            // The other implementation encodes the escape like any other character. A receiver would combine it with the next
            // septet into an extension character.
            let expected = if character == '\x1B' { None } else { oracle(character) };
            assert_eq!(septets(character), expected, "{character:?}");
        }
    }

    #[test]
    fn tables_have_the_size_of_the_standards() {
        let count = |n| ('\0'..=char::MAX).filter(|c| septets(*c) == Some(n)).count();
        // 128 codes without the escape, and ten characters in the extension table.
        assert_eq!((count(1), count(2)), (127, 10));
    }

    #[test]
    fn characters_that_are_often_assigned_wrongly_are_right() {
        for (character, expected) in [
            ('Ç', Some(1)),
            ('ç', None),
            ('\u{3A9}', Some(1)),
            ('\u{2126}', None),
            ('\u{394}', Some(1)),
            ('\u{2206}', None),
            ('`', None),
            ('\t', None),
            ('\x1B', None),
            ('\x0C', Some(2)),
            ('\u{A0}', None),
            ('µ', None),
        ] {
            assert_eq!(septets(character), expected, "{character:?}");
        }
    }

    #[test]
    fn one_character_outside_the_alphabet_is_enough() {
        assert!(fits(""));
        assert!(fits("~^{}[]\\|€\x0C\r\n"));
        assert!(!fits("fits, all but the last: ç"));
    }
}
