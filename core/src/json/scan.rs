//! Finds the end of a run of text, a machine word at a time, and copies runs.

use super::{FAST, escape::copy_escapes};

const BYTES: usize = size_of::<usize>();
/// The value 1 in each byte.
const ONES: usize = usize::MAX / 0xFF;
/// The top bit of each byte.
const TOPS: usize = ONES << 7;

/// Marks the first byte of `word` that equals `byte`: returns a mask in which that byte's top bit is set, or 0 if there is no
/// such byte. Later bytes may be marked wrongly.
const fn marks(word: usize, byte: u8) -> usize {
    let difference = word ^ (ONES * byte as usize);
    difference.wrapping_sub(ONES) & !difference & TOPS
}

/// Returns the length of the run before the next quote or backslash, and whether the run is all ASCII. Without the fast paths,
/// the run also ends before a byte that is not ASCII.
pub(super) fn scan(input: &[u8]) -> (usize, bool) {
    if FAST { scan_words(input) } else { (scan_ascii(input), true) }
}

/// Returns the length of the run before the next quote, backslash or byte that is not ASCII.
fn scan_ascii(input: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0x80..);
    input.iter().position(is_end).unwrap_or(input.len())
}

fn scan_bytes(input: &[u8]) -> (usize, bool) {
    let mut length = 0_usize;
    let mut seen = 0;
    for byte in input {
        if matches!(byte, b'"' | b'\\') {
            break;
        }
        seen |= byte;
        length = length.saturating_add(1);
    }
    (length, seen.is_ascii())
}

fn scan_words(input: &[u8]) -> (usize, bool) {
    let mut seen = 0;
    let mut length = 0_usize;
    let (words, tail) = input.as_chunks::<BYTES>();
    for bytes in words {
        let word = usize::from_le_bytes(*bytes);
        let found = marks(word, b'"') | marks(word, b'\\');
        if found != 0 {
            // A mask of the bytes before the marked one.
            let below = (found & found.wrapping_neg()).wrapping_sub(1) >> 7;
            seen |= word & below;
            let before = (found.trailing_zeros() / 8) as usize;
            return (length.saturating_add(before), seen & TOPS == 0);
        }
        seen |= word;
        // No slice is long enough for this to wrap.
        length = length.wrapping_add(BYTES);
    }
    let (before, ascii) = scan_bytes(tail);
    (length.saturating_add(before), seen & TOPS == 0 && ascii)
}

/// Decodes the value at the start of `input` into `room`, if it is complete and is a valid string or a short unsigned integer.
/// Returns the number of bytes written and the rest of the input. Returns `None` for any other value, or if `room` might be too
/// small. The bytes of `room` after the value are unspecified.
pub(super) fn plain_value<'i>(input: &'i [u8], room: &mut [u8]) -> Option<(usize, &'i [u8])> {
    let ([b' ', value @ ..] | value) = input;
    let [b'"', text @ ..] = value else {
        let length = copy_digits(value, room)?;
        return Some((length, value.get(length..)?));
    };
    let (length, ascii) = copy_run(text, room)?;
    match text.get(length..)? {
        [b'"', rest @ ..] if ascii => Some((length, rest)),
        rest => copy_rest(rest, room, length, ascii),
    }
}

/// Copies the rest of a text after its first run, up to the closing quote. It is a separate function, because most values are a
/// single run of ASCII and do not need it.
#[inline(never)]
fn copy_rest<'i>(
    mut input: &'i [u8],
    room: &mut [u8],
    mut length: usize,
    mut all_ascii: bool,
) -> Option<(usize, &'i [u8])> {
    while let [b'\\', ..] = input {
        let (decoded, rest) = copy_escapes(input, room.get_mut(length..)?)?;
        length = length.saturating_add(decoded);
        let (run, ascii) = copy_run(rest, room.get_mut(length..)?)?;
        length = length.saturating_add(run);
        all_ascii &= ascii;
        input = rest.get(run..)?;
    }
    // The decoded escapes between the runs are valid UTF-8, so they can't make an invalid run valid.
    let sound = all_ascii || core::str::from_utf8(room.get(..length)?).is_ok();
    sound.then_some((length, input.get(1..)?))
}

/// Copies the run before the next quote or backslash. Returns the length of the run, and whether it is all ASCII. Returns `None`
/// if the input has no quote or backslash, or if `room` might be too small.
fn copy_run(input: &[u8], room: &mut [u8]) -> Option<(usize, bool)> {
    let mut seen = 0;
    let mut length = 0_usize;
    let (words, tail) = input.as_chunks::<BYTES>();
    let (rooms, rest) = room.as_chunks_mut::<BYTES>();
    let mut rooms = rooms.iter_mut();
    for bytes in words {
        *rooms.next()? = *bytes;
        let word = usize::from_le_bytes(*bytes);
        let found = marks(word, b'"') | marks(word, b'\\');
        if found != 0 {
            // A mask of the bytes before the marked one.
            let below = (found & found.wrapping_neg()).wrapping_sub(1) >> 7;
            let before = (found.trailing_zeros() / 8) as usize;
            return Some((length.saturating_add(before), (seen | word & below) & TOPS == 0));
        }
        seen |= word;
        // No slice is long enough for this to wrap.
        length = length.wrapping_add(BYTES);
    }
    let rooms = rooms.into_slice().as_flattened_mut();
    for (byte, place) in tail.iter().zip(rooms.iter_mut().chain(rest)) {
        if matches!(byte, b'"' | b'\\') {
            return Some((length, seen & TOPS == 0));
        }
        *place = *byte;
        seen |= usize::from(*byte);
        length = length.saturating_add(1);
    }
    None
}

/// Copies an unsigned integer that has fewer digits than a word has bytes and is followed by a comma or a brace. Returns its
/// length. The bytes of `room` after the integer are unspecified.
fn copy_digits(input: &[u8], room: &mut [u8]) -> Option<usize> {
    let bytes = input.first_chunk::<BYTES>()?;
    *room.first_chunk_mut::<BYTES>()? = *bytes;
    // The upper half of a digit's byte is 3. Adding 6 leaves it at 3 for a digit, but not for the characters after `9`.
    let word = usize::from_le_bytes(*bytes);
    let other = (word ^ (ONES * 0x30)) | (word.wrapping_add(ONES * 6) ^ (ONES * 0x30));
    let length = ((other & (ONES * 0xF0)).trailing_zeros() / 8) as usize;
    match bytes.get(length)? {
        b',' | b'}' if length > 0 => Some(length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = std::vec::Vec<u8>> {
        let byte = prop_oneof![8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 4 => 0x20..0x7F_u8];
        proptest::collection::vec(byte, 0..40)
    }

    proptest! {
        #[test]
        fn scan_agrees_with_a_plain_search(input in bytes()) {
            let length = input.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(input.len());
            let expected = (length, input[..length].is_ascii());
            prop_assert_eq!((scan_words(&input), scan_bytes(&input)), (expected, expected));
            let length = length.min(input.iter().position(|byte| !byte.is_ascii()).unwrap_or(length));
            prop_assert_eq!(scan_ascii(&input), length);
        }

        #[test]
        fn digits_are_copied_up_to_a_comma_or_brace(
            digits in "[0-9]{0,9}", tail in "[,}]?[ -~é]{0,12}", room in 0..16_usize,
        ) {
            let input = (digits + &tail).into_bytes();
            let digits = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let mut copy = [0xAA; 16];
            if let Some(length) = copy_digits(&input, &mut copy[..room]) {
                prop_assert_eq!(length, digits);
                prop_assert_eq!(&copy[..length], &input[..length]);
            } else {
                let usual = matches!(input.get(digits), Some(b',' | b'}')) && (1..BYTES).contains(&digits);
                prop_assert!(!usual || input.len() < BYTES || room < BYTES);
            }
            prop_assert!(copy[room..].iter().all(|byte| *byte == 0xAA));
        }

        #[test]
        fn runs_are_copied_whole_or_not_at_all(input in bytes(), room in 0..48_usize) {
            let mut copy = [0xAA; 48];
            let (length, ascii) = scan_words(&input);
            match copy_run(&input, &mut copy[..room]) {
                Some((copied, pure)) => {
                    prop_assert!(length < input.len());
                    prop_assert_eq!((copied, pure), (length, ascii));
                    prop_assert_eq!(&copy[..length], &input[..length]);
                }
                None => prop_assert!(length == input.len() || room < length + BYTES),
            }
            prop_assert!(copy[room..].iter().all(|byte| *byte == 0xAA));
        }
    }
}
