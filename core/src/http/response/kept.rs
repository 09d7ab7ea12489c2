//! The field values that are kept in the lent buffer.

use crate::TooSmall;
use crate::http::word::is_space;

/// The separator of values. No value contains it.
const SEPARATOR: u8 = b'\n';

/// The used part of the lent buffer. Counting continues past the end of the buffer, to find the size needed.
pub(super) struct Kept {
    /// The start of the value that is being read.
    start: usize,
    /// Number of bytes so far, including white space after the last value.
    length: usize,
    /// The end of the last value.
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

    /// Adds the value's next byte. White space around the value is not part of it.
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

    /// Returns the values.
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
    fn small_buffer_is_an_error_with_the_size_needed() {
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
