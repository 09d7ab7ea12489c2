//! The field values that are kept in the lent memory.

use crate::TooSmall;
use crate::http::word::is_space;

/// Between two values; no value has it.
const SEPARATOR: u8 = b'\n';

/// How much of the lent memory is in use. Past its end it goes on counting.
pub(super) struct Kept {
    /// Where the value that is being read begins.
    start: usize,
    /// Bytes so far, the white space behind the value included.
    length: usize,
    /// Where the last value ends.
    end: usize,
}

impl Kept {
    pub(super) const NOTHING: Self = Self { start: 0, length: 0, end: 0 };

    /// Begins another value.
    pub(super) fn begin(&mut self, buffer: &mut [u8]) {
        self.length = self.end;
        if self.end > 0 {
            self.put(SEPARATOR, buffer);
        }
        self.start = self.length;
    }

    /// Takes the value's next byte, without the white space around the value.
    pub(super) fn push(&mut self, byte: u8, buffer: &mut [u8]) {
        let space = is_space(byte);
        if space && self.length == self.start {
            return;
        }
        self.put(byte, buffer);
        if !space {
            self.end = self.length;
        }
    }

    fn put(&mut self, byte: u8, buffer: &mut [u8]) {
        if let Some(place) = buffer.get_mut(self.length) {
            *place = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// The values.
    pub(super) fn values<'b>(
        &self,
        buffer: &'b [u8],
    ) -> Result<impl Iterator<Item = &'b str> + use<'b>, TooSmall> {
        let kept = buffer.get(..self.end).ok_or(TooSmall { needed: self.end })?;
        let values = kept.split(|byte| *byte == SEPARATOR);
        Ok(values.filter_map(|value| core::str::from_utf8(value).ok()).filter(|value| !value.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn kept(values: &[&str], room: usize) -> Result<Vec<&'static str>, TooSmall> {
        let buffer = std::vec![0xAA; room].leak();
        let mut kept = Kept::NOTHING;
        for value in values {
            kept.begin(buffer);
            value.bytes().for_each(|byte| kept.push(byte, buffer));
        }
        kept.values(buffer).map(Iterator::collect)
    }

    #[test]
    fn values_are_kept_without_white_space_around_them() {
        assert_eq!(kept(&[], 0), Ok(Vec::new()));
        assert_eq!(kept(&["", " "], 0), Ok(Vec::new()));
        assert_eq!(kept(&["\t a \t b  ", " ", "c"], 100), Ok(Vec::from(["a \t b", "c"])));
    }

    #[test]
    fn a_small_buffer_is_told_the_size_needed() {
        for room in 0..6 {
            assert_eq!(
                kept(&["  ab   ", "", "cd    "], room),
                match room {
                    5.. => Ok(Vec::from(["ab", "cd"])),
                    _ => Err(TooSmall { needed: 5 }),
                }
            );
        }
    }
}
